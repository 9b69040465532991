"""Results of DiscoverInstances: which instances, how many, in what order, with which members."""

import pytest

from surveyor.testing import proves, raises, timeouts


@pytest.fixture
def service(make_service, http_namespace):
    """Return a service without a health check."""
    return make_service(http_namespace)


@pytest.fixture
def names(http_namespace, service):
    """Return the names by which instances of the service are discovered."""
    return {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}


@proves("discovery.order-is-random")
def test_order_differs_from_call_to_call(cloudmap, register_all, eventually, service, names):
    """Each call returns all five instances, and not always the same instance first.

    If the first instance is drawn evenly, 50 calls begin with the same one once in 10^34 runs.
    """
    ids = {f"i-{number}" for number in range(5)}
    register_all(service, {instance: {"colour": "red"} for instance in ids})
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == 5, within=timeouts.DISCOVERY)
    answers = [cloudmap.discover_instances(**names)["Instances"] for _ in range(50)]
    for answer in answers:
        assert sorted(instance["InstanceId"] for instance in answer) == sorted(ids)
    assert len({answer[0]["InstanceId"] for answer in answers}) > 1


@proves("discovery.max-results")
def test_answers_have_up_to_max_results(cloudmap, register_all, eventually, service, names):
    """Of 120 instances 100 are returned by default, 7 for MaxResults 7, all for 1,000; there is never a NextToken."""
    register_all(service, {f"i-{number}": {"colour": "red"} for number in range(120)})

    def all_are_discovered():
        return len(cloudmap.discover_instances(**names, MaxResults=1_000)["Instances"]) == 120

    eventually(all_are_discovered, within=timeouts.DISCOVERY)
    for size, expected in ((None, 100), (1, 1), (7, 7), (1_000, 120)):
        answer = cloudmap.discover_instances(**names | ({"MaxResults": size} if size else {}))
        assert len({instance["InstanceId"] for instance in answer["Instances"]}) == expected
        assert len(answer["Instances"]) == expected
        assert "NextToken" not in answer


@proves("discovery.max-results")
@pytest.mark.parametrize("size", [0, 1_001])
def test_other_sizes_are_refused(cloudmap, names, size):
    """MaxResults of 0 and of 1,001 are refused with InvalidInput."""
    with raises("InvalidInput"):
        cloudmap.discover_instances(**names, MaxResults=size)


@proves("discovery.returns-what-was-registered")
@pytest.mark.parametrize(
    "attributes",
    [
        {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "8080"},
        {"colour": "dark  red!", "Colour": "other case", "ECS_TASK_DEFINITION_FAMILY": "web"},
    ],
    ids=["AWS", "custom"],
)
def test_instance_is_returned_as_registered(cloudmap, register, eventually, service, names, attributes):
    """An instance is returned with its id, both names, a health status, and exactly the registered attributes."""
    register(service, "i-1", attributes)
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert (found["InstanceId"], found["ServiceName"]) == ("i-1", names["ServiceName"])
    assert found["NamespaceName"] == names["NamespaceName"]
    assert found["HealthStatus"] in ("HEALTHY", "UNHEALTHY", "UNKNOWN")
    assert found["Attributes"] == attributes


@proves("discovery.unknown-without-check")
def test_health_is_unknown_without_check(cloudmap, register, eventually, service, names):
    """An instance of a service that has no health check is reported as UNKNOWN."""
    register(service, "i-1", {"colour": "red"})
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert found["HealthStatus"] == "UNKNOWN"

"""Results of DiscoverInstances: which instances, how many, in what order, with which members."""

import pytest

from surveyor.testing import WrongAnswer, dns_config, for_each, proves, raises, timeouts


@pytest.fixture
def service(make_service, http_namespace):
    """Return a service without a health check."""
    return make_service(http_namespace)


@pytest.fixture
def names(http_namespace, service):
    """Return the names by which instances of the service are discovered."""
    return {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}


@proves("discovery.order-is-random")
@for_each("count", [5, 25])
def test_order_differs_from_call_to_call(cloudmap, register_all, eventually, service, names, count):
    """Each call returns all instances, and in 60 calls more than half of them are first at least once.

    If the first instance is drawn evenly, this fails once in 10^12 runs.
    """
    # servicediscovery/DiscoverInstances: "returns a randomized list of instances allowing customers to distribute
    # traffic evenly across instances"
    ids = {f"i-{number}" for number in range(count)}
    register_all(service, {instance: {"colour": "red"} for instance in ids})
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == count, within=timeouts.DISCOVERY)
    answers = [cloudmap.discover_instances(**names)["Instances"] for _ in range(60)]
    for answer in answers:
        assert sorted(instance["InstanceId"] for instance in answer) == sorted(ids)
    first = {answer[0]["InstanceId"] for answer in answers}
    if len(first) <= count / 2:
        raise WrongAnswer(
            f"expected that more than half of {count} instances are first in one of 60 answers, got {len(first)}",
            actual="the order of the instances hardly changes",
        )


@proves("discovery.max-results")
def test_answers_have_up_to_max_results(cloudmap, register_all, eventually, service, names):
    """Of 103 instances 100 are returned by default, 7 for MaxResults 7, all for 1,000; there is never a NextToken."""
    # servicediscovery/DiscoverInstancesRequest.MaxResults: "If you don't specify a value for MaxResults, Cloud Map
    # returns up to 100 instances."
    register_all(service, {f"i-{number}": {"colour": "red"} for number in range(103)})

    def all_are_discovered():
        return len(cloudmap.discover_instances(**names, MaxResults=1_000)["Instances"]) == 103

    eventually(all_are_discovered, within=timeouts.DISCOVERY)
    red = {"QueryParameters": {"colour": "red"}}
    for parameters, expected in (
        ({}, 100),
        (red, 100),
        ({"MaxResults": 1}, 1),
        ({"MaxResults": 7}, 7),
        ({"MaxResults": 101}, 101),
        ({"MaxResults": 102, **red}, 102),
        ({"MaxResults": 103}, 103),
        ({"MaxResults": 104}, 103),
        ({"MaxResults": 1_000}, 103),
    ):
        answer = cloudmap.discover_instances(**names, **parameters)
        assert len({instance["InstanceId"] for instance in answer["Instances"]}) == expected
        assert len(answer["Instances"]) == expected
        assert "NextToken" not in answer


@proves("discovery.max-results")
@for_each("size", [0, 1_001, -1])
def test_other_sizes_are_refused(cloudmap, names, size):
    """MaxResults of 0, of -1 and of 1,001 are refused with InvalidInput."""
    with raises("InvalidInput"):
        cloudmap.discover_instances(**names, MaxResults=size)


@proves("discovery.filters-combine")
def test_unhealthy_instances_do_not_count_towards_the_maximum(
    cloudmap, make_service, register_all, eventually, http_namespace
):
    """Of 101 healthy and 3 unhealthy instances 100 healthy ones are returned by default, all 101 for 1,000."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    down = {f"down-{number}": {"AWS_INIT_HEALTH_STATUS": "UNHEALTHY"} for number in range(3)}
    register_all(service, {**down, **{f"up-{number}": {"colour": "red"} for number in range(101)}})
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": service["Name"]}

    def discovered(**parameters):
        found = cloudmap.discover_instances(**names, **parameters)["Instances"]
        return sorted(instance["InstanceId"].partition("-")[0] for instance in found)

    eventually(lambda: len(discovered(HealthStatus="ALL", MaxResults=1_000)) == 104, within=timeouts.DISCOVERY)
    assert discovered() == discovered(HealthStatus="HEALTHY_OR_ELSE_ALL") == ["up"] * 100
    assert discovered(MaxResults=1_000) == ["up"] * 101
    assert discovered(HealthStatus="UNHEALTHY") == ["down"] * 3
    assert len(discovered(HealthStatus="ALL")) == 100


@proves("discovery.returns-what-was-registered")
@for_each(
    "kind, attributes",
    {
        "AWS": (
            "http",
            {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1", "AWS_INSTANCE_PORT": "8080"},
        ),
        "custom": ("http", {"colour": "dark  red!", "Colour": "other case", "ECS_TASK_DEFINITION_FAMILY": "web"}),
        "records": ("private", {"AWS_INSTANCE_IPV4": "192.0.2.1", "AWS_INSTANCE_IPV6": "2001:db8::1", "empty": ""}),
    },
)
def test_instance_is_returned_as_registered(
    cloudmap, make_service, register, eventually, unique_name, namespace_of_kind, kind, attributes
):
    """An instance is returned with its id, both names, a health status, and exactly the registered attributes."""
    namespace = namespace_of_kind(kind)
    dns = {} if kind == "http" else {"DnsConfig": dns_config("A", "AAAA")}
    service = make_service(namespace, unique_name("Mixed-Case"), **dns)
    names = {
        "NamespaceName": namespace["Properties"]["HttpProperties"]["HttpName"],
        "ServiceName": service["Name"],
    }
    register(service, "i/1:a.b@c-d_e", attributes)
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert found["InstanceId"] == "i/1:a.b@c-d_e"
    assert names.items() <= found.items()
    assert found["HealthStatus"] in ("HEALTHY", "UNHEALTHY", "UNKNOWN")
    assert found["Attributes"] == attributes


@proves("discovery.returns-what-was-registered")
def test_namespace_name_is_the_http_name(
    cloudmap, make_namespace, make_service, register, eventually, unique_name, vpc, second_vpc
):
    """Of two namespaces with one name each is returned under its HttpName."""
    # servicediscovery/HttpInstanceSummary.NamespaceName: "The HttpName name of the namespace."
    name = unique_name("corp")
    for namespace in [make_namespace("private", Name=name, Vpc=each) for each in (vpc, second_vpc)]:
        http_name = namespace["Properties"]["HttpProperties"]["HttpName"]
        service = make_service(namespace, DnsConfig=dns_config("A"))
        register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
        names = {"NamespaceName": http_name, "ServiceName": service["Name"]}
        [found] = eventually(lambda names=names: cloudmap.discover_instances(**names)["Instances"], timeouts.DISCOVERY)
        assert names.items() <= found.items()


@proves("discovery.unknown-without-check")
@for_each("kind", ["http", "private"])
def test_health_is_unknown_without_check(cloudmap, make_service, register, eventually, namespace_of_kind, kind):
    """An instance of a service that has no health check is reported as UNKNOWN."""
    namespace = namespace_of_kind(kind)
    service = make_service(namespace, **({} if kind == "http" else {"DnsConfig": dns_config("A")}))
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"]}
    [found] = eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    assert found["HealthStatus"] == "UNKNOWN"


@proves("discovery.unknown-without-check")
def test_health_follows_the_check_of_the_service(
    cloudmap, make_service, register, eventually, wait_for_success, public_namespace
):
    """An instance is UNKNOWN until its service gets a health check, and again once the check is deleted."""
    # Route 53 does not check private and documentation ranges; this is a name server of Route 53.
    server = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}
    service = make_service(public_namespace, DnsConfig=dns_config("A"))
    register(service, "i-1", server)
    http_name = public_namespace["Properties"]["HttpProperties"]["HttpName"]
    names = {"NamespaceName": http_name, "ServiceName": service["Name"], "HealthStatus": "ALL"}

    def health():
        return [found["HealthStatus"] for found in cloudmap.discover_instances(**names)["Instances"]]

    eventually(lambda: health() == ["UNKNOWN"], within=timeouts.DISCOVERY)
    records = {"DnsConfig": {"DnsRecords": dns_config("A")["DnsRecords"]}}
    for check, expected in (({"HealthCheckConfig": {"Type": "TCP"}}, "HEALTHY"), ({}, "UNKNOWN")):
        wait_for_success(cloudmap.update_service(Id=service["Id"], Service={**records, **check}))
        eventually(lambda: health() == [expected], within=timeouts.DISCOVERY)  # noqa: B023 (called at once)

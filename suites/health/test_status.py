"""GetInstancesHealthStatus: its values and pages."""

from surveyor.testing import for_each, proves, raises

RED = {"colour": "red"}


@proves("health.status.three-values")
@for_each("named", {"by id": "Id", "by ARN": "Arn"})
def test_values_shortly_after_registration(cloudmap, make_service, register_all, eventually, http_namespace, named):
    """A custom check shows HEALTHY and UNHEALTHY as registered, a service without check one of the three values."""
    checked = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})[named]
    plain = make_service(http_namespace)[named]
    register_all(checked, {name: {"AWS_INIT_HEALTH_STATUS": name.upper()} for name in ("healthy", "unhealthy")})
    register_all(plain, {"i-1": RED})

    def status(service, **named_instances):
        return dict(cloudmap.get_instances_health_status(ServiceId=service, **named_instances)["Status"])

    # "a brief delay between when you register an instance and when [it] is available"
    eventually(lambda: status(checked) == {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}, within=20)
    eventually(lambda: status(plain).get("i-1") in ("HEALTHY", "UNHEALTHY", "UNKNOWN"), within=20)
    assert status(checked, Instances=["unhealthy"]) == {"unhealthy": "UNHEALTHY"}
    for named_instances in (["i-2"], ["i-1", "i-2"]):
        with raises("InstanceNotFound"):
            status(plain, Instances=named_instances)
    with raises("ServiceNotFound"):
        status(f"{plain[:-4]}none")


@proves("health.status.pages-of-hundred")
def test_pages_have_a_hundred_instances(cloudmap, make_service, register_all, http_namespace):
    """Of 101 instances a page has 100, or MaxResults; Instances selects by id; MaxResults 0 and 101 are refused."""
    service = make_service(http_namespace)["Id"]
    instances = {f"i-{number}": RED for number in range(101)}
    register_all(service, instances)

    def pages(**params):
        """Return the ids in each of up to nine pages."""
        found: list[list[str]] = []
        while len(found) < 9:
            answer = cloudmap.get_instances_health_status(ServiceId=service, **params)
            found.append(list(answer["Status"]))
            if "NextToken" not in answer:
                break
            params["NextToken"] = answer["NextToken"]
        return found

    for params, sizes in (({}, [100, 1]), ({"MaxResults": 100}, [100, 1]), ({"MaxResults": 34}, [34, 34, 33])):
        found = pages(**params)
        assert [len(page) for page in found] == sizes
        assert {instance for page in found for instance in page} == instances.keys()
    assert {instance for page in pages(Instances=["i-7", "i-100"]) for instance in page} == {"i-7", "i-100"}
    assert [len(page) for page in pages(Instances=["i-7", "i-100"], MaxResults=1)] == [1, 1]
    for size in (0, 101):
        with raises("InvalidInput"):
            cloudmap.get_instances_health_status(ServiceId=service, MaxResults=size)

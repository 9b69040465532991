"""GetInstancesHealthStatus: its values and pages."""

from surveyor.testing import proves, raises

RED = {"colour": "red"}


@proves("health.status.three-values")
def test_values_shortly_after_registration(cloudmap, make_service, register_all, eventually, http_namespace):
    """A custom check shows HEALTHY and UNHEALTHY as registered, a service without check one of the three values."""
    checked = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    plain = make_service(http_namespace)["Id"]
    register_all(checked, {name: {"AWS_INIT_HEALTH_STATUS": name.upper()} for name in ("healthy", "unhealthy")})
    register_all(plain, {"i-1": RED})

    def status(service):
        return dict(cloudmap.get_instances_health_status(ServiceId=service)["Status"])

    # "a brief delay between when you register an instance and when [it] is available"
    eventually(lambda: status(checked) == {"healthy": "HEALTHY", "unhealthy": "UNHEALTHY"}, within=20)
    eventually(lambda: status(plain).get("i-1") in ("HEALTHY", "UNHEALTHY", "UNKNOWN"), within=20)
    with raises("InstanceNotFound"):
        cloudmap.get_instances_health_status(ServiceId=plain, Instances=["i-2"])


@proves("health.status.pages-of-hundred")
def test_pages_have_a_hundred_instances(cloudmap, make_service, register_all, http_namespace):
    """Of 101 instances the first page has 100, the second 1; Instances selects by id; MaxResults 101 is refused."""
    service = make_service(http_namespace)["Id"]
    instances = {f"i-{number}": RED for number in range(101)}
    register_all(service, instances)
    first = cloudmap.get_instances_health_status(ServiceId=service)
    rest = cloudmap.get_instances_health_status(ServiceId=service, NextToken=first["NextToken"])
    assert (len(first["Status"]), len(rest["Status"])) == (100, 1)
    assert {**first["Status"], **rest["Status"]}.keys() == instances.keys()
    assert "NextToken" not in rest
    named = cloudmap.get_instances_health_status(ServiceId=service, Instances=["i-7", "i-100"])
    assert named["Status"].keys() == {"i-7", "i-100"}
    assert len(cloudmap.get_instances_health_status(ServiceId=service, MaxResults=100)["Status"]) == 100
    with raises("InvalidInput"):
        cloudmap.get_instances_health_status(ServiceId=service, MaxResults=101)

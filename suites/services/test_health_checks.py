"""Health check settings of services."""

import pytest

from surveyor.testing import dns_config, proves, raises

A = dns_config("A", policy="WEIGHTED")
CNAME = dns_config("CNAME", policy="WEIGHTED")
TCP = {"Type": "TCP", "FailureThreshold": 3}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}


@proves("services.cname.excludes-health-check")
def test_cname_excludes_a_health_check(make_service, unique_name, public_namespace):
    """CNAME with HealthCheckConfig is refused with InvalidInput; without it it is accepted."""
    name = unique_name("svc")
    with raises("InvalidInput"):
        make_service(public_namespace, name, DnsConfig=CNAME, HealthCheckConfig=TCP)
    make_service(public_namespace, name, DnsConfig=CNAME)


@proves("services.one-kind-of-health-check")
def test_two_kinds_of_check_exclude_each_other(make_service, unique_name, http_namespace):
    """HealthCheckConfig and HealthCheckCustomConfig together raise InvalidInput; each of them alone is accepted."""
    name, custom = unique_name("svc"), {"FailureThreshold": 1}
    with raises("InvalidInput"):
        make_service(http_namespace, name, HealthCheckConfig=TCP, HealthCheckCustomConfig=custom)
    assert make_service(http_namespace, name, HealthCheckConfig=TCP)["HealthCheckConfig"]["Type"] == "TCP"
    assert "HealthCheckCustomConfig" in make_service(http_namespace, HealthCheckCustomConfig=custom)


@proves("services.route53-checks-not-in-private-namespaces")
def test_private_namespace_refuses_route53_checks(make_service, unique_name, private_namespace):
    """HealthCheckConfig in a private namespace is refused with InvalidInput."""
    name = unique_name("svc")
    with raises("InvalidInput"):
        make_service(private_namespace, name, DnsConfig=A, HealthCheckConfig=TCP)
    make_service(private_namespace, name, DnsConfig=A)


@proves("services.route53-checks-not-in-private-namespaces")
def test_public_and_http_namespaces_accept_route53_checks(cloudmap, make_service, public_namespace, http_namespace):
    """HealthCheckConfig in a public and in an HTTP namespace is accepted and read back."""
    for service in (
        make_service(public_namespace, DnsConfig=A, HealthCheckConfig=TCP),
        make_service(http_namespace, HealthCheckConfig=TCP),
    ):
        assert cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"] == TCP


@proves("services.health-check.type-and-path")
@pytest.mark.parametrize("kind", ["HTTP", "HTTPS", "TCP"])
def test_documented_types_are_kept(cloudmap, make_service, http_namespace, kind):
    """HTTP, HTTPS and TCP are accepted and read back."""
    service = make_service(http_namespace, HealthCheckConfig={"Type": kind})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"]["Type"] == kind


@proves("services.health-check.type-and-path")
@pytest.mark.parametrize(
    "config",
    [
        {"ResourcePath": "/", "FailureThreshold": 3},
        {"Type": "HTTP_STR_MATCH", "ResourcePath": "/"},
        {"Type": "CALCULATED"},
        {"Type": "TCP", "ResourcePath": "/"},
    ],
    ids=["no type", "string matching", "calculated", "TCP with a path"],
)
def test_other_settings_are_refused(make_service, http_namespace, config):
    """A missing Type, a Type that only Route 53 has, and a path for TCP are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig=config)


@proves("services.health-check.type-and-path")
@pytest.mark.parametrize(("setting", "expected"), [({}, "/"), ({"ResourcePath": "/alive"}, "/alive")])
def test_path_of_the_check_is_root_by_default(
    route53, make_service, register, record_sets, public_namespace, setting, expected
):
    """The check of an instance requests the path of the service, or / if the service has no path."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckConfig={"Type": "HTTP", **setting})
    register(service, "i-1", NAME_SERVER)
    [record] = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    check = route53.get_health_check(HealthCheckId=record["HealthCheckId"])["HealthCheck"]["HealthCheckConfig"]
    assert (check["Type"], check["ResourcePath"]) == ("HTTP", expected)


@proves("services.health-check.threshold-is-1-to-10")
@pytest.mark.parametrize("threshold", [1, 10])
def test_threshold_within_bounds_is_kept(cloudmap, make_service, http_namespace, threshold):
    """FailureThresholds of 1 and 10 are accepted and read back."""
    service = make_service(http_namespace, HealthCheckConfig={"Type": "TCP", "FailureThreshold": threshold})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"]["FailureThreshold"] == threshold


@proves("services.health-check.threshold-is-1-to-10")
@pytest.mark.parametrize("threshold", [0, 11])
def test_threshold_out_of_bounds_is_refused(make_service, http_namespace, threshold):
    """FailureThresholds of 0 and 11 are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig={"Type": "TCP", "FailureThreshold": threshold})


@proves("services.custom-health.threshold-is-one")
def test_threshold_of_custom_checks_has_no_effect(cloudmap, make_service, register, eventually, http_namespace):
    """With a threshold of 5 a reported status takes effect after about 30 seconds, not after 150."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 5})["Id"]
    register(service, "i-1", {"colour": "red"})
    cloudmap.update_instance_custom_health_status(ServiceId=service, InstanceId="i-1", Status="UNHEALTHY")

    def status_unhealthy():
        return cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"] == "UNHEALTHY"

    eventually(status_unhealthy, within=60)

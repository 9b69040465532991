"""Health check settings of new services."""

from surveyor.testing import dns_config, for_each, proves, raises, timeouts

A = dns_config("A", policy="WEIGHTED")
CNAME = dns_config("CNAME", policy="WEIGHTED")
TCP = {"Type": "TCP", "FailureThreshold": 3}
CUSTOM = {"FailureThreshold": 1}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}


@proves("services.cname.excludes-health-check")
@for_each("kind", ["TCP", "HTTP", "HTTPS"])
def test_cname_excludes_a_health_check(make_service, unique_name, public_namespace, kind):
    """CNAME with HealthCheckConfig is refused with InvalidInput; without it it is accepted."""
    name = unique_name("svc")
    with raises("InvalidInput"):
        make_service(public_namespace, name, DnsConfig=CNAME, HealthCheckConfig={"Type": kind})
    make_service(public_namespace, name, DnsConfig=CNAME)


@proves("services.cname.excludes-health-check")
@for_each("kind", ["private", "public"])
def test_cname_does_not_exclude_a_custom_check(cloudmap, make_service, namespace_of_kind, kind):
    """CNAME with HealthCheckCustomConfig is accepted and read back."""
    service = make_service(namespace_of_kind(kind), DnsConfig=CNAME, HealthCheckCustomConfig=CUSTOM)
    assert "HealthCheckCustomConfig" in cloudmap.get_service(Id=service["Id"])["Service"]


@proves("services.one-kind-of-health-check")
@for_each("kind, settings", {"HTTP": ("http", {}), "public": ("public", {"DnsConfig": A})})
def test_two_kinds_of_check_exclude_each_other(make_service, unique_name, namespace_of_kind, kind, settings):
    """HealthCheckConfig and HealthCheckCustomConfig together raise InvalidInput; each of them alone is accepted."""
    namespace, name = namespace_of_kind(kind), unique_name("svc")
    with raises("InvalidInput"):
        make_service(namespace, name, HealthCheckConfig=TCP, HealthCheckCustomConfig=CUSTOM, **settings)
    probed = make_service(namespace, name, HealthCheckConfig=TCP, **settings)
    custom = make_service(namespace, HealthCheckCustomConfig=CUSTOM, **settings)
    assert probed["HealthCheckConfig"] == TCP
    assert "HealthCheckCustomConfig" not in probed
    assert "HealthCheckCustomConfig" in custom
    assert "HealthCheckConfig" not in custom


@proves("services.route53-checks-not-in-private-namespaces")
@for_each("settings", {"A": {"DnsConfig": A}, "SRV": {"DnsConfig": dns_config("SRV")}, "no records": {"Type": "HTTP"}})
def test_private_namespace_refuses_route53_checks(make_service, unique_name, private_namespace, settings):
    """HealthCheckConfig in a private namespace is refused with InvalidInput."""
    # servicediscovery/CreateServiceRequest.HealthCheckConfig: "Public DNS and HTTP namespaces only."
    name = unique_name("svc")
    for kind in ("TCP", "HTTP", "HTTPS"):
        with raises("InvalidInput"):
            make_service(private_namespace, name, HealthCheckConfig={"Type": kind}, **settings)
    make_service(private_namespace, name, **settings)


@proves("services.route53-checks-not-in-private-namespaces")
def test_public_and_http_namespaces_accept_route53_checks(cloudmap, make_service, public_namespace, http_namespace):
    """HealthCheckConfig in a public and in an HTTP namespace is accepted and read back."""
    for service in (
        make_service(public_namespace, DnsConfig=A, HealthCheckConfig=TCP),
        make_service(http_namespace, HealthCheckConfig=TCP),
    ):
        assert cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"] == TCP


@proves("services.health-check.type-and-path")
@for_each("kind", ["HTTP", "HTTPS", "TCP"])
def test_documented_types_are_kept(cloudmap, make_service, http_namespace, kind):
    """HTTP, HTTPS and TCP are accepted and read back."""
    service = make_service(http_namespace, HealthCheckConfig={"Type": kind})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"]["Type"] == kind


@proves("services.health-check.type-and-path")
@for_each(
    "config",
    {
        "no type": {"ResourcePath": "/", "FailureThreshold": 3},
        "string matching": {"Type": "HTTP_STR_MATCH", "ResourcePath": "/"},
        "calculated": {"Type": "CALCULATED"},
        "TCP with a path": {"Type": "TCP", "ResourcePath": "/alive"},
        "TCP with the default path": {"Type": "TCP", "ResourcePath": "/"},
    },
)
def test_other_settings_are_refused(make_service, http_namespace, config):
    """A missing Type, a Type that only Route 53 has, and a path for TCP are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig=config)


@proves("services.health-check.type-and-path")
@for_each("kind", ["HTTP", "HTTPS"])
@for_each("setting, expected", {"no path": ({}, "/"), "path": ({"ResourcePath": "/alive"}, "/alive")})
def test_path_of_the_check_is_root_by_default(
    route53, make_service, register, record_sets, public_namespace, kind, setting, expected
):
    """The check of an instance requests the path of the service, or / if the service has no path."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckConfig={"Type": kind, **setting})
    register(service, "i-1", NAME_SERVER)
    [record] = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    check = route53.get_health_check(HealthCheckId=record["HealthCheckId"])["HealthCheck"]["HealthCheckConfig"]
    assert (check["Type"], check["ResourcePath"]) == (kind, expected)


@proves("services.health-check.path-is-limited")
def test_path_has_255_characters_at_most(cloudmap, make_service, http_namespace):
    """A ResourcePath of 255 characters is accepted and read back; one of 256 is refused with InvalidInput."""
    longest = f"/{'p' * 254}"
    service = make_service(http_namespace, HealthCheckConfig={"Type": "HTTP", "ResourcePath": longest})
    assert cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"]["ResourcePath"] == longest
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig={"Type": "HTTP", "ResourcePath": f"{longest}p"})


@proves("services.health-check.threshold-is-1-to-10")
@for_each("kind", ["HTTP", "HTTPS", "TCP"])
def test_threshold_within_bounds_is_kept(cloudmap, make_service, http_namespace, kind):
    """FailureThresholds of 1 and 10 are accepted and read back."""
    for threshold in (1, 10):
        service = make_service(http_namespace, HealthCheckConfig={"Type": kind, "FailureThreshold": threshold})
        config = cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckConfig"]
        assert config["FailureThreshold"] == threshold


@proves("services.health-check.threshold-is-1-to-10")
@for_each("threshold", [0, 11])
def test_threshold_out_of_bounds_is_refused(make_service, http_namespace, threshold):
    """FailureThresholds of 0 and 11 are refused with InvalidInput."""
    with raises("InvalidInput"):
        make_service(http_namespace, HealthCheckConfig={"Type": "TCP", "FailureThreshold": threshold})


@proves("services.custom-health.threshold-is-one")
@for_each("threshold", [2, 10])
def test_threshold_of_custom_checks_has_no_effect(
    cloudmap, make_service, register, eventually, http_namespace, threshold
):
    """With another threshold a reported status takes effect after about 30 seconds, not after twice that time."""
    # servicediscovery/HealthCheckCustomConfig.FailureThreshold: "This parameter is no longer supported and is always
    # set to 1."
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": threshold})["Id"]
    register(service, "i-1", {"colour": "red"})
    for status in ("UNHEALTHY", "HEALTHY"):
        cloudmap.update_instance_custom_health_status(ServiceId=service, InstanceId="i-1", Status=status)

        def status_changed(status=status):
            return cloudmap.get_instances_health_status(ServiceId=service)["Status"]["i-1"] == status

        eventually(status_changed, within=2 * timeouts.CUSTOM_HEALTH - 5)


@proves("services.custom-health.threshold-is-one")
@for_each("config", {"no threshold": {}, "1": {"FailureThreshold": 1}, "10": {"FailureThreshold": 10}})
def test_threshold_of_custom_checks_is_shown_as_one(cloudmap, make_service, http_namespace, config):
    """GetService shows a threshold of 1, whatever was requested, if it shows one."""
    service = make_service(http_namespace, HealthCheckCustomConfig=config)
    found = cloudmap.get_service(Id=service["Id"])["Service"]["HealthCheckCustomConfig"]
    assert found.get("FailureThreshold", 1) == 1

"""Health of instances at registration."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, for_each, proves, timeouts

# Route 53 does not check private and documentation ranges; these are addresses of one of its name servers.
IPV4, IPV6 = "205.251.192.1", "2600:9000:5300:100::1"
A_DAY = 24 * 3600


@pytest.fixture
def health_checks(route53, record_sets, public_namespace):
    """Return the health checks of a service's records: record type -> the check's id and HealthCheckConfig."""

    def checks(service):
        records = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
        found = {}
        for record in records:
            check = route53.get_health_check(HealthCheckId=record["HealthCheckId"])["HealthCheck"]
            found[record["Type"]] = (check["Id"], check["HealthCheckConfig"])
        return found

    return checks


@proves("instances.initial-custom-health")
@for_each("kind", ["http", "private"])
def test_initial_status_is_as_registered_or_healthy(
    cloudmap, make_service, register_all, eventually, namespace_of_kind, kind
):
    """AWS_INIT_HEALTH_STATUS is the first status of an instance, and without it an instance is HEALTHY."""
    namespace = namespace_of_kind(kind)
    dns = {} if kind == "http" else {"DnsConfig": dns_config("A")}
    service = make_service(namespace, HealthCheckCustomConfig={"FailureThreshold": 1}, **dns)
    expected = {"up": "HEALTHY", "down": "UNHEALTHY", "unset": "HEALTHY"}
    instances = {name: {"AWS_INIT_HEALTH_STATUS": status} for name, status in expected.items()}
    instances["unset"] = {"colour": "red"}
    for number, each in enumerate(instances.values()):
        each["AWS_INSTANCE_IPV4"] = f"192.0.2.{number}"
    register_all(service, instances)

    def status_of_all():
        status = dict(cloudmap.get_instances_health_status(ServiceId=service["Id"])["Status"])
        return status if len(status) == 3 and "UNKNOWN" not in status.values() else None

    # GetInstancesHealthStatus: "a brief delay between when you register an instance and when the health status for the
    # instance is available"
    assert eventually(status_of_all, within=20) == expected
    names = {"NamespaceName": namespace["Name"], "ServiceName": service["Name"], "HealthStatus": "ALL"}
    found = eventually(
        lambda: len(instances := cloudmap.discover_instances(**names)["Instances"]) == 3 and instances,
        within=timeouts.DISCOVERY,
    )
    assert {instance["InstanceId"]: instance["HealthStatus"] for instance in found} == expected


@proves("instances.initial-custom-health")
@for_each("status", ["UNKNOWN", "healthy", ""])
def test_other_status_has_no_effect(cloudmap, make_service, wait_for_operation, eventually, http_namespace, status):
    """Another initial status is refused with InvalidInput, or its registration fails, or the instance is HEALTHY."""
    service = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})["Id"]
    try:
        answer = cloudmap.register_instance(
            ServiceId=service, InstanceId="i-1", Attributes={"AWS_INIT_HEALTH_STATUS": status}
        )
    except cloudmap.exceptions.InvalidInput:
        return
    if wait_for_operation(answer)["Status"] == "SUCCESS":
        eventually(
            lambda: cloudmap.get_instances_health_status(ServiceId=service)["Status"] == {"i-1": "HEALTHY"}, within=20
        )


@proves("instances.health-check.goes-to-ipv4")
@for_each(
    "types, address",
    {
        "A and AAAA": ("A AAAA", IPV4),
        "AAAA and A": ("AAAA A", IPV4),
        "A": ("A", IPV4),
        "AAAA": ("AAAA", IPV6),
        "SRV": ("SRV", IPV4),
    },
)
def test_check_of_two_addresses_probes_ipv4(make_service, register, health_checks, public_namespace, types, address):
    """With A and AAAA both records have the same health check, and it probes IPv4; with one record it probes that."""
    # servicediscovery/HealthCheckConfig: "creates a health check that uses the IPv4 address to check the health of the
    # resource"
    dns = dns_config(*types.split())
    service = make_service(public_namespace, DnsConfig=dns, HealthCheckConfig={"Type": "TCP"})
    addresses = {"A": {"AWS_INSTANCE_IPV4": IPV4}, "AAAA": {"AWS_INSTANCE_IPV6": IPV6}}
    addresses["SRV"] = addresses["A"] | addresses["AAAA"]
    attributes = {"AWS_INSTANCE_PORT": "53"}
    for kind in types.split():
        attributes |= addresses[kind]
    register(service, "i-1", attributes)
    checks = health_checks(service)
    assert sorted(checks) == sorted(types.split())
    assert len({check for check, _ in checks.values()}) == 1
    assert [settings["IPAddress"] for _, settings in checks.values()] == [address] * len(checks)


@proves("instances.health-check.goes-to-ipv4")
def test_each_instance_has_a_check(route53, make_service, register_all, record_sets, public_namespace):
    """Two instances have different health checks, each for the address in its record."""
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig={"Type": "TCP"})
    addresses = {"i-1": IPV4, "i-2": "205.251.193.1"}
    register_all(
        service,
        {name: {"AWS_INSTANCE_IPV4": address, "AWS_INSTANCE_PORT": "53"} for name, address in addresses.items()},
    )
    records = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    checked = {}
    for record in records:
        check = route53.get_health_check(HealthCheckId=record["HealthCheckId"])["HealthCheck"]
        checked[record["ResourceRecords"][0]["Value"]] = check["HealthCheckConfig"]["IPAddress"]
    assert checked == {address: address for address in addresses.values()}


@proves("instances.register-again-replaces-health-check")
def test_second_registration_replaces_the_check(
    route53, make_service, register, health_checks, clock, public_namespace
):
    """Registering an instance again gives its record a new health check, and the old check is deleted within a day."""
    # servicediscovery/RegisterInstanceRequest.InstanceId: "If there's also an existing health check, Cloud Map deletes
    # the old health check and creates a new one."
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig={"Type": "TCP"})
    checks = []
    for port in ("53", "54"):
        register(service, "i-1", {"AWS_INSTANCE_IPV4": IPV4, "AWS_INSTANCE_PORT": port})
        [(check, settings)] = health_checks(service).values()
        assert settings["Port"] == int(port)
        checks.append(check)
    assert checks[0] != checks[1]
    clock.wait(A_DAY)  # "it will still appear for a while": hours (route53/DeleteHealthCheck)
    with pytest.raises(ClientError) as refusal:
        route53.get_health_check(HealthCheckId=checks[0])
    assert refusal.value.response["Error"]["Code"] == "NoSuchHealthCheck"
    assert [check for check, _ in health_checks(service).values()] == [checks[1]]

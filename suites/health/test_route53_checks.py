"""Route 53 health checks that Cloud Map creates for instances, as Route 53 shows them."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import NotOffered, dns_config, for_each, proves, raises, timeouts

TCP = {"Type": "TCP"}
HTTPS = {"Type": "HTTPS", "ResourcePath": "/alive", "FailureThreshold": 5}
# Route 53 does not check private and documentation ranges; these are addresses of a name server of Route 53.
IPV4, IPV6 = "205.251.192.1", "2600:9000:5300:100::1"
NAME_SERVER = {"AWS_INSTANCE_IPV4": IPV4, "AWS_INSTANCE_PORT": "53"}
# The first and the last address of ranges in RFC 5735, 6598 and 5156. Those for documentation are not among them.
SPECIAL_RANGES = {
    "this network": ("0.0.0.0", "0.255.255.255"),  # noqa: S104  # to be refused
    "private 10": ("10.0.0.0", "10.255.255.255"),
    "shared": ("100.64.0.0", "100.127.255.255"),
    "link-local": ("169.254.0.0", "169.254.255.255"),
    "private 172": ("172.16.0.0", "172.31.255.255"),
    "private 192": ("192.168.0.0", "192.168.255.255"),
    "benchmark": ("198.18.0.0", "198.19.255.255"),
    "multicast": ("224.0.0.0", "239.255.255.255"),
    "reserved": ("240.0.0.0", "255.255.255.255"),
    "protocol assignments": ("192.0.0.0", "192.0.0.255"),
    "unspecified": ("::",),
    "IPv6 local": ("fc00::1", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "IPv6 link-local": ("fe80::1", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    "IPv6 multicast": ("ff00::1", "ff0e::1"),
}
# Public addresses just outside of these ranges.
NEIGHBOURS = [
    *("9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "169.253.255.255", "169.255.0.0"),
    *("172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"),
    *("191.255.255.255", "192.0.1.0", "223.255.255.255", IPV6),
]


@pytest.fixture
def attached_checks(make_service, register, record_sets, public_namespace):
    """Register instance i-1 of a new service, and return the health check ids at the records of the service."""

    def create(*types, policy="MULTIVALUE", check=TCP):
        records = dns_config(*types, policy=policy)
        service = make_service(public_namespace, DnsConfig=records, HealthCheckConfig=check)
        addresses = {"AWS_INSTANCE_IPV4": IPV4} if types != ("AAAA",) else {}
        addresses |= {"AWS_INSTANCE_IPV6": IPV6} if "AAAA" in types else {}
        register(service, "i-1", {**addresses, "AWS_INSTANCE_PORT": "53"})
        found = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
        return service, {record["Type"]: record.get("HealthCheckId") for record in found}

    return create


@pytest.fixture
def attached_check(attached_checks):
    """Return the id of the health check at the record of an instance in a public namespace."""
    return attached_checks("A")[1]["A"]


@pytest.fixture
def create_check(route53, unique_name):
    """Create a TCP check in Route 53, and return it."""

    def create(**settings):
        config = {"Type": "TCP", "IPAddress": IPV4, "Port": 53, **settings}
        answer = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        return answer["HealthCheck"]

    return create


def checks(route53):
    """Return the settings of every health check of the account, by id."""
    pages = route53.get_paginator("list_health_checks").paginate()
    return {check["Id"]: check["HealthCheckConfig"] for page in pages for check in page["HealthChecks"]}


@proves("health.route53.attached-to-records")
@for_each("policy", ["MULTIVALUE", "WEIGHTED"])
@for_each("types", {"A": ["A"], "AAAA": ["AAAA"], "A and AAAA": ["A", "AAAA"], "SRV": ["SRV"]})
@for_each("settings", {"TCP": TCP, "HTTPS": HTTPS})
def test_check_of_a_public_namespace_is_at_its_records(route53, attached_checks, types, policy, settings):
    """Each record names one health check, with the service's settings and the instance's address and port."""
    _, attached = attached_checks(*types, policy=policy, check=settings)
    assert attached.keys() == set(types)
    assert all(attached.values())
    [check_id] = set(attached.values())
    check = route53.get_health_check(HealthCheckId=check_id)["HealthCheck"]["HealthCheckConfig"]
    assert check["IPAddress"] == (IPV6 if types == ["AAAA"] else IPV4)
    assert check["Port"] == 53
    assert {name: check[name] for name in settings} == settings


@proves("health.route53.attached-to-records")
@for_each("settings", {"TCP": TCP, "HTTPS": HTTPS})
def test_check_of_an_http_namespace_has_no_record(route53, make_service, register, http_namespace, settings):
    """Without any record a new check is created for the instance's address and port."""
    before = checks(route53)
    register(
        make_service(http_namespace, HealthCheckConfig=settings), "i-1", {**NAME_SERVER, "AWS_INSTANCE_PORT": "443"}
    )
    expected = [*settings.items(), ("IPAddress", IPV4), ("Port", 443)]
    found = [check for check_id, check in checks(route53).items() if check_id not in before]
    assert any(all(check.get(name) == value for name, value in expected) for check in found)


@proves("health.route53.interval-is-10-or-30")
def test_checks_of_cloud_map_have_the_long_interval(route53, attached_check):
    """The check of an instance has a RequestInterval of 30 seconds."""
    check = route53.get_health_check(HealthCheckId=attached_check)["HealthCheck"]
    assert check["HealthCheckConfig"]["RequestInterval"] == 30


@proves("health.route53.interval-is-10-or-30")
def test_interval_is_10_or_30(route53, create_check):
    """10 and 30 are accepted and read back, 30 is the default, other figures are refused with InvalidInput."""
    for interval, expected in (({"RequestInterval": 10}, 10), ({"RequestInterval": 30}, 30), ({}, 30)):
        created = create_check(**interval)
        assert created["HealthCheckConfig"]["RequestInterval"] == expected
        assert checks(route53)[created["Id"]]["RequestInterval"] == expected
        route53.delete_health_check(HealthCheckId=created["Id"])
    for figure in (9, 11, 20, 29, 31):
        with raises("InvalidInput"):
            create_check(RequestInterval=figure)


@proves("health.route53.not-for-local-addresses")
@for_each("addresses", SPECIAL_RANGES)
def test_local_addresses_are_refused(create_check, addresses):
    """A check for the first or the last address of such a range is refused with InvalidInput."""
    for address in addresses:
        with raises("InvalidInput"):
            create_check(IPAddress=address, Disabled=True)


@proves("health.route53.not-for-local-addresses")
@for_each("address", NEIGHBOURS)
def test_neighbours_of_local_addresses_are_accepted(route53, create_check, address):
    """A disabled check, which sends nothing, is created for a public address beside these ranges."""
    route53.delete_health_check(HealthCheckId=create_check(IPAddress=address, Disabled=True)["Id"])


@proves("health.route53.not-for-local-addresses")
@for_each("address", ["10.0.0.1", "192.168.0.1", "fc00::1"])
def test_instance_with_a_private_address_gets_no_check(
    cloudmap, make_service, wait_for_operation, http_namespace, address
):
    """In a service with a check a private address is refused, or its registration fails."""
    service = make_service(http_namespace, HealthCheckConfig=TCP)["Id"]
    private = {f"AWS_INSTANCE_IPV{6 if ':' in address else 4}": address, "AWS_INSTANCE_PORT": "53"}
    try:
        outcome = wait_for_operation(
            cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=private)
        )["Status"]
    except ClientError as refusal:
        outcome = refusal.response["Error"]["Code"]
    assert outcome in ("InvalidInput", "FAIL")


@proves("health.route53.owned-by-cloud-map")
def test_route53_does_not_change_checks_of_cloud_map(route53, attached_check):
    """DeleteHealthCheck and UpdateHealthCheck are refused for the check of an instance, which does not change."""
    # route53/HealthCheck.LinkedService: "you can't edit or delete it using Amazon Route 53"
    before = route53.get_health_check(HealthCheckId=attached_check)["HealthCheck"]
    assert before["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com"
    for refused in (
        lambda: route53.delete_health_check(HealthCheckId=attached_check),
        lambda: route53.update_health_check(HealthCheckId=attached_check, FailureThreshold=7),
    ):
        # Not documented: the error code. A target without this operation has not refused it.
        with pytest.raises(ClientError) as refusal:
            refused()
        assert not isinstance(refusal.value, NotOffered)
    assert route53.get_health_check(HealthCheckId=attached_check)["HealthCheck"] == before


@proves("health.route53.deleted-after-deregistration")
def test_check_of_a_deregistered_instance_is_deleted(
    route53, make_service, register, deregister, record_sets, public_namespace, clock
):
    """A day later the checks of an instance that left, or has another port, do not exist; those of others do."""
    # route53/DeleteHealthCheck: "there can be a delay of several hours before the health check is deleted"
    service = make_service(public_namespace, DnsConfig=dns_config("A"), HealthCheckConfig=TCP)
    # Name servers of Route 53, each another one: two instances with one address were seen to be refused.
    addresses = {name: f"205.251.192.{number}" for number, name in enumerate(("leaves", "changes", "stays"), 1)}
    for instance, address in addresses.items():
        register(service, instance, {**NAME_SERVER, "AWS_INSTANCE_IPV4": address})

    def attached():
        found = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
        return {record["SetIdentifier"]: record["HealthCheckId"] for record in found}

    before = attached()
    assert len(set(before.values())) == 3
    deregister(service, "leaves")
    register(service, "changes", {"AWS_INSTANCE_IPV4": addresses["changes"], "AWS_INSTANCE_PORT": "443"})
    clock.wait(24 * 3600)
    after, listed = attached(), checks(route53)
    assert after.keys() == {"changes", "stays"}
    for check in after.values():
        assert route53.get_health_check(HealthCheckId=check)["HealthCheck"]["Id"] == check
        assert check in listed
    for instance in ("leaves", "changes"):
        with raises("NoSuchHealthCheck"):
            route53.get_health_check(HealthCheckId=before[instance])
        assert before[instance] not in listed
    assert after["stays"] == before["stays"]


@proves("health.route53.replaced-by-registration")
def test_registering_again_creates_another_check(
    route53, attached_checks, register, record_sets, public_namespace, eventually
):
    """The record names another check than before, with the new port."""
    # servicediscovery/RegisterInstanceRequest.InstanceId: "deletes the old health check and creates a new one"
    service, before = attached_checks("A")
    register(service, "i-1", {**NAME_SERVER, "AWS_INSTANCE_PORT": "443"})
    name = f"{service['Name']}.{public_namespace['Name']}"

    def replaced():
        [record] = record_sets(public_namespace, name)
        return record["HealthCheckId"] != before["A"] and record["HealthCheckId"]

    check = eventually(replaced, within=timeouts.DNS_CHANGE)
    assert route53.get_health_check(HealthCheckId=check)["HealthCheck"]["HealthCheckConfig"]["Port"] == 443


@proves("health.route53.version-counts-updates")
def test_each_update_raises_the_version(route53, create_check):
    """The version is 1, and one more after each UpdateHealthCheck; an update with another version is refused."""
    check = create_check(Disabled=True)
    named = {"HealthCheckId": check["Id"]}
    assert check["HealthCheckVersion"] == 1
    assert route53.update_health_check(**named, FailureThreshold=4)["HealthCheck"]["HealthCheckVersion"] == 2
    updated = route53.update_health_check(**named, FailureThreshold=5, HealthCheckVersion=2)["HealthCheck"]
    assert updated["HealthCheckVersion"] == 3
    for version in (2, 4):
        with raises("HealthCheckVersionMismatch"):
            route53.update_health_check(**named, FailureThreshold=6, HealthCheckVersion=version)
    assert route53.get_health_check(**named)["HealthCheck"] == updated
    assert updated["HealthCheckConfig"] == {**check["HealthCheckConfig"], "FailureThreshold": 5}
    route53.delete_health_check(**named)


@proves("health.route53.caller-reference")
def test_caller_reference_identifies_a_check(route53, unique_name):
    """The reference identifies a check: it is repeated, has other settings, differs, or is that of a deleted check."""
    # route53/CreateHealthCheckRequest.CallerReference: "returns the health check configuration in the response"
    config = {"Type": "TCP", "IPAddress": IPV4, "Port": 53, "Disabled": True}
    request = {"CallerReference": unique_name("check"), "HealthCheckConfig": config}
    check = route53.create_health_check(**request)["HealthCheck"]
    assert route53.create_health_check(**request)["HealthCheck"] == check
    other = route53.create_health_check(**{**request, "CallerReference": unique_name("check")})["HealthCheck"]
    assert other["Id"] != check["Id"]
    route53.delete_health_check(HealthCheckId=other["Id"])
    with raises("HealthCheckAlreadyExists"):
        route53.create_health_check(**{**request, "HealthCheckConfig": {**config, "Port": 54}})
    route53.delete_health_check(HealthCheckId=check["Id"])
    with raises("HealthCheckAlreadyExists"):
        route53.create_health_check(**request)
    with raises("NoSuchHealthCheck"):
        route53.get_health_check(HealthCheckId=check["Id"])

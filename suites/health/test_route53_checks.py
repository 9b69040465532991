"""Route 53 health checks that Cloud Map creates for instances, as Route 53 shows them."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import NotOffered, dns_config, proves, raises

A = dns_config("A")
TCP = {"Type": "TCP"}
# Route 53 does not check private and documentation ranges; this is a name server of Route 53.
NAME_SERVER = {"AWS_INSTANCE_IPV4": "205.251.192.1", "AWS_INSTANCE_PORT": "53"}


@pytest.fixture
def attached_check(make_service, register, record_sets, public_namespace):
    """Return the id of the health check at the record of an instance in a public namespace."""
    service = make_service(public_namespace, DnsConfig=A, HealthCheckConfig=TCP)
    register(service, "i-1", NAME_SERVER)
    [record] = record_sets(public_namespace, f"{service['Name']}.{public_namespace['Name']}")
    return str(record["HealthCheckId"])


def checks(route53):
    """Return the settings of every health check of the account, by id."""
    pages = route53.get_paginator("list_health_checks").paginate()
    return {check["Id"]: check["HealthCheckConfig"] for page in pages for check in page["HealthChecks"]}


@proves("health.route53.attached-to-records")
def test_check_of_a_public_namespace_is_at_its_record(route53, attached_check):
    """The record names a health check for the instance's address and port."""
    check = checks(route53)[attached_check]
    assert (check["Type"], check["IPAddress"], check["Port"]) == ("TCP", "205.251.192.1", 53)


@proves("health.route53.attached-to-records")
def test_check_of_an_http_namespace_has_no_record(route53, make_service, register, http_namespace):
    """Without any record a new check is created for the instance's address and port."""
    before = checks(route53)
    register(make_service(http_namespace, HealthCheckConfig=TCP), "i-1", NAME_SERVER)
    [check] = [check for check_id, check in checks(route53).items() if check_id not in before]
    assert (check["Type"], check["IPAddress"], check["Port"]) == ("TCP", "205.251.192.1", 53)


@proves("health.route53.interval-is-10-or-30")
def test_checks_of_cloud_map_have_the_long_interval(route53, attached_check):
    """The check of an instance has a RequestInterval of 30 seconds."""
    check = route53.get_health_check(HealthCheckId=attached_check)["HealthCheck"]
    assert check["HealthCheckConfig"]["RequestInterval"] == 30


@proves("health.route53.interval-is-10-or-30")
def test_interval_is_10_or_30(route53, unique_name):
    """10 and 30 are accepted and read back, 30 is the default, 20 is refused with InvalidInput."""
    settings = {"Type": "TCP", "IPAddress": "205.251.192.1", "Port": 53}

    def create(**interval):
        config = {**settings, **interval}
        answer = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        return answer["HealthCheck"]

    for interval, expected in (({"RequestInterval": 10}, 10), ({"RequestInterval": 30}, 30), ({}, 30)):
        created = create(**interval)
        assert created["HealthCheckConfig"]["RequestInterval"] == expected
        route53.delete_health_check(HealthCheckId=created["Id"])
    with raises("InvalidInput"):
        create(RequestInterval=20)


@proves("health.route53.not-for-local-addresses")
@pytest.mark.parametrize("address", ["10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.1.1", "100.64.0.1", "224.0.0.1"])
def test_local_addresses_are_refused(route53, unique_name, address):
    """A check for a private, link-local, shared or multicast address is refused with InvalidInput."""

    def create(address):
        config = {"Type": "TCP", "Port": 53, "IPAddress": address}
        answer = route53.create_health_check(CallerReference=unique_name("check"), HealthCheckConfig=config)
        return answer["HealthCheck"]

    with raises("InvalidInput"):
        create(address)
    route53.delete_health_check(HealthCheckId=create("205.251.192.1")["Id"])


@proves("health.route53.not-for-local-addresses")
def test_instance_with_a_private_address_gets_no_check(cloudmap, make_service, wait_for_operation, http_namespace):
    """In a service with a check a private address is refused, or its registration fails."""
    service = make_service(http_namespace, HealthCheckConfig=TCP)["Id"]
    private = {"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "53"}
    try:
        outcome = wait_for_operation(
            cloudmap.register_instance(ServiceId=service, InstanceId="i-1", Attributes=private)
        )["Status"]
    except ClientError as refusal:
        outcome = refusal.response["Error"]["Code"]
    assert outcome in ("InvalidInput", "FAIL")


@proves("health.route53.owned-by-cloud-map")
def test_route53_does_not_delete_checks_of_cloud_map(route53, attached_check):
    """DeleteHealthCheck is refused for the check of an instance, and the check still exists."""
    # Not documented: the error code. A target without this operation has not refused it.
    with pytest.raises(ClientError) as refusal:
        route53.delete_health_check(HealthCheckId=attached_check)
    assert not isinstance(refusal.value, NotOffered)
    assert route53.get_health_check(HealthCheckId=attached_check)["HealthCheck"]["Id"] == attached_check

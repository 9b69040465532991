"""Hosted zones of DNS namespaces, as Route 53 and its resolvers show them."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, for_each, proves, raises, timeouts

A = dns_config("A")


def zone_id(namespace):
    """Return the id of a DNS namespace's hosted zone."""
    return str(namespace["Properties"]["DnsProperties"]["HostedZoneId"])


def text_record(name):
    """Return a TXT record."""
    return {"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"by hand"'}]}


def batch(action, record):
    """Return a batch of one change."""
    return {"Changes": [{"Action": action, "ResourceRecordSet": record}]}


@proves("namespaces.private.creates-zone-in-one-vpc")
def test_private_namespace_creates_a_private_zone(cloudmap, route53, make_namespace, vpc, second_vpc):
    """The hosted zone has the name of the namespace, is private, and is associated with only the namespace's VPC."""
    for each in (vpc, second_vpc):
        namespace = make_namespace("private", Vpc=each)
        answer = route53.get_hosted_zone(Id=zone_id(namespace))
        assert answer["HostedZone"]["Name"] == f"{namespace['Name']}."
        assert answer["HostedZone"]["Config"]["PrivateZone"] is True
        assert answer["VPCs"] == [{"VPCId": each, "VPCRegion": cloudmap.meta.region_name}]


@proves("namespaces.private.creates-zone-in-one-vpc")
def test_private_namespace_needs_a_vpc(cloudmap, wait_for_success, unique_name, vpc):
    """CreatePrivateDnsNamespace without Vpc raises InvalidInput; the same call with Vpc is accepted."""
    name = f"{unique_name('ns')}.surveyor.test"
    with raises("InvalidInput"):
        cloudmap.create_private_dns_namespace(Name=name)
    wait_for_success(cloudmap.create_private_dns_namespace(Name=name, Vpc=vpc))


@proves("namespaces.private.more-vpcs-through-route53")
def test_second_vpc_resolves_once_it_is_associated(
    cloudmap, route53, make_service, register, query_dns, eventually, private_namespace, vpc, second_vpc
):
    """After AssociateVPCWithHostedZone the names of a private namespace also resolve in a second VPC."""
    services = [make_service(private_namespace, DnsConfig=A) for _ in range(2)]
    register(services[0], "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})

    def addresses(service, vpc):
        answer = query_dns(f"{service['Name']}.{private_namespace['Name']}", "A", vpc=vpc).answer
        return [record.address for rrset in answer for record in rrset]

    assert eventually(lambda: addresses(services[0], vpc), within=timeouts.DNS_CHANGE) == ["192.0.2.1"]
    assert addresses(services[0], second_vpc) == []
    association = {"VPCRegion": cloudmap.meta.region_name, "VPCId": second_vpc}
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone_id(private_namespace), VPC=association)
    assert eventually(lambda: addresses(services[0], second_vpc), within=timeouts.DNS_CHANGE) == ["192.0.2.1"]
    register(services[1], "i-2", {"AWS_INSTANCE_IPV4": "192.0.2.2"})
    for each in (vpc, second_vpc):
        eventually(lambda each=each: addresses(services[1], each) == ["192.0.2.2"], within=timeouts.DNS_CHANGE)


@proves("namespaces.public.creates-public-zone")
def test_public_namespace_creates_a_public_zone(route53, public_namespace, eventually):
    """The hosted zone has the name of the namespace, is public, and has name servers, which answer for it."""
    answer = route53.get_hosted_zone(Id=zone_id(public_namespace))
    assert answer["HostedZone"]["Name"] == f"{public_namespace['Name']}."
    assert answer["HostedZone"]["Config"]["PrivateZone"] is False
    assert not answer.get("VPCs")
    name_servers = sorted(answer["DelegationSet"]["NameServers"])
    assert len(name_servers) > 1

    def name_servers_answered():
        served = route53.test_dns_answer(
            HostedZoneId=zone_id(public_namespace), RecordName=public_namespace["Name"], RecordType="NS"
        )
        return sorted(name.rstrip(".") for name in served["RecordData"])

    eventually(lambda: name_servers_answered() == name_servers, within=timeouts.DNS_CHANGE)


@proves("namespaces.public.parent-delegates")
def test_parent_answers_for_a_namespace_once_it_delegates(
    route53, make_namespace, make_service, register, eventually, unique_name
):
    """A name of the namespace does not exist in the zone above it until that has the name servers of the namespace."""
    # RFC 1034, 4.2.1: "The RRs that describe cuts around the bottom of the zone are NS RRs that name the servers for
    # the subzones."
    parent = f"{unique_name('parent')}.surveyor.test"
    zone = route53.create_hosted_zone(Name=parent, CallerReference=unique_name("reference"))["HostedZone"]["Id"]
    namespace = make_namespace("public", Name=f"svc.{parent}")
    service = make_service(namespace, DnsConfig=A)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})

    def answer(zone):
        name = f"{service['Name']}.{namespace['Name']}"
        found = route53.test_dns_answer(HostedZoneId=zone, RecordName=name, RecordType="A")
        return found["ResponseCode"], found["RecordData"]

    eventually(lambda: answer(zone_id(namespace)) == ("NOERROR", ["192.0.2.1"]), within=timeouts.DNS_CHANGE)
    eventually(lambda: answer(zone)[0] == "NXDOMAIN", within=timeouts.DNS_CHANGE)
    servers = route53.get_hosted_zone(Id=zone_id(namespace))["DelegationSet"]["NameServers"]
    delegation = {
        "Name": namespace["Name"],
        "Type": "NS",
        "TTL": 60,
        "ResourceRecords": [{"Value": s} for s in servers],
    }
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch("CREATE", delegation))
    eventually(lambda: answer(zone)[0] == "NOERROR", within=timeouts.DNS_CHANGE)


@proves("namespaces.dns.delete-removes-zone")
@for_each("kind", ["private", "public"])
def test_deleting_a_namespace_deletes_its_zone(
    cloudmap, route53, make_namespace, namespace_of_kind, wait_for_success, kind
):
    """Deleting a DNS namespace deletes its hosted zone, and no other."""
    namespace, other = make_namespace(kind), namespace_of_kind(kind)
    assert route53.get_hosted_zone(Id=zone_id(namespace))["HostedZone"]
    wait_for_success(cloudmap.delete_namespace(Id=namespace["Id"]))
    with raises("NoSuchHostedZone"):
        route53.get_hosted_zone(Id=zone_id(namespace))
    assert route53.get_hosted_zone(Id=zone_id(other))["HostedZone"]["Name"] == f"{other['Name']}."


@proves("namespaces.dns.zone-is-closed-to-route53-users")
@for_each("kind", ["private", "public"])
def test_zone_names_cloud_map_as_its_owner(route53, namespace_of_kind, kind):
    """The LinkedService of a hosted zone created by Cloud Map has Cloud Map's service principal."""
    zone = route53.get_hosted_zone(Id=zone_id(namespace_of_kind(kind)))["HostedZone"]
    assert zone["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com"


@proves("namespaces.dns.zone-is-closed-to-route53-users")
@for_each("kind", ["private", "public"])
def test_zone_is_not_edited_or_deleted_through_route53(
    cloudmap, route53, make_service, register, record_sets, namespace_of_kind, kind
):
    """ChangeResourceRecordSets and DeleteHostedZone fail for the zone of a namespace and change nothing."""
    # route53/LinkedService: "When a resource is created by another service, you can't edit or delete it using
    # Amazon Route 53."
    namespace = namespace_of_kind(kind)
    zone, service = zone_id(namespace), make_service(namespace, DnsConfig=A)
    # Not documented: the error code. The next test shows that the target has both operations.
    with pytest.raises(ClientError):
        route53.delete_hosted_zone(Id=zone)
    name, by_hand = f"{service['Name']}.{namespace['Name']}", f"by-hand.{service['Name']}.{namespace['Name']}"
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    [record] = before = record_sets(namespace, name)
    for change in (
        batch("CREATE", text_record(by_hand)),
        batch("UPSERT", text_record(by_hand)),
        batch("UPSERT", record | {"TTL": 61}),
        batch("DELETE", record),
    ):
        with pytest.raises(ClientError):
            route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=change)
    assert record_sets(namespace, name) == before
    assert not record_sets(namespace, by_hand)


@proves("namespaces.dns.zone-is-closed-to-route53-users")
def test_zone_of_the_account_is_edited_and_deleted(route53, unique_name):
    """The calls that fail for the zone of a namespace succeed for a zone that the account created itself."""
    name = f"{unique_name('own')}.surveyor.test"
    zone = route53.create_hosted_zone(Name=name, CallerReference=unique_name("reference"))["HostedZone"]
    assert "LinkedService" not in zone
    record = text_record(f"by-hand.{name}")
    for change in (
        batch("CREATE", record),
        batch("UPSERT", record | {"TTL": 61}),
        batch("DELETE", record | {"TTL": 61}),
    ):
        route53.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch=change)
    route53.delete_hosted_zone(Id=zone["Id"])
    with raises("NoSuchHostedZone"):
        route53.get_hosted_zone(Id=zone["Id"])

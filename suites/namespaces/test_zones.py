"""Hosted zones of DNS namespaces, as Route 53 and its resolvers show them."""

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, proves, raises, timeouts

A = dns_config("A")


def zone_id(namespace):
    """Return the id of a DNS namespace's hosted zone."""
    return str(namespace["Properties"]["DnsProperties"]["HostedZoneId"])


def text_record(name):
    """Return a change that adds one TXT record."""
    record = {"Name": name, "Type": "TXT", "TTL": 60, "ResourceRecords": [{"Value": '"by hand"'}]}
    return {"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}


@proves("namespaces.private.creates-zone-in-one-vpc")
def test_private_namespace_creates_a_private_zone(cloudmap, route53, private_namespace, vpc):
    """The hosted zone has the name of the namespace, is private, and is associated with only the namespace's VPC."""
    answer = route53.get_hosted_zone(Id=zone_id(private_namespace))
    assert answer["HostedZone"]["Name"] == f"{private_namespace['Name']}."
    assert answer["HostedZone"]["Config"]["PrivateZone"] is True
    assert answer["VPCs"] == [{"VPCId": vpc, "VPCRegion": cloudmap.meta.region_name}]


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
    service = make_service(private_namespace, DnsConfig=A)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    name = f"{service['Name']}.{private_namespace['Name']}"

    def addresses(vpc):
        return [record.address for rrset in query_dns(name, "A", vpc=vpc).answer for record in rrset]

    assert eventually(lambda: addresses(vpc), within=timeouts.DNS_CHANGE) == ["192.0.2.1"]
    assert addresses(second_vpc) == []
    association = {"VPCRegion": cloudmap.meta.region_name, "VPCId": second_vpc}
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone_id(private_namespace), VPC=association)
    assert eventually(lambda: addresses(second_vpc), within=timeouts.DNS_CHANGE) == ["192.0.2.1"]


@proves("namespaces.public.creates-public-zone")
def test_public_namespace_creates_a_public_zone(route53, public_namespace):
    """The hosted zone has the name of the namespace, is public, and has name servers."""
    answer = route53.get_hosted_zone(Id=zone_id(public_namespace))
    assert answer["HostedZone"]["Name"] == f"{public_namespace['Name']}."
    assert answer["HostedZone"]["Config"]["PrivateZone"] is False
    assert answer["DelegationSet"]["NameServers"]


@proves("namespaces.dns.delete-removes-zone")
@pytest.mark.parametrize("kind", ["private", "public"])
def test_deleting_a_namespace_deletes_its_zone(cloudmap, route53, make_namespace, wait_for_success, kind):
    """Deleting a DNS namespace deletes its hosted zone."""
    namespace = make_namespace(kind)
    assert route53.get_hosted_zone(Id=zone_id(namespace))["HostedZone"]
    wait_for_success(cloudmap.delete_namespace(Id=namespace["Id"]))
    with raises("NoSuchHostedZone"):
        route53.get_hosted_zone(Id=zone_id(namespace))


@proves("namespaces.dns.zone-is-closed-to-route53-users")
@pytest.mark.parametrize("kind", ["private", "public"])
def test_zone_names_cloud_map_as_its_owner(route53, make_namespace, kind):
    """The LinkedService of a hosted zone created by Cloud Map has Cloud Map's service principal."""
    zone = route53.get_hosted_zone(Id=zone_id(make_namespace(kind)))["HostedZone"]
    assert zone["LinkedService"]["ServicePrincipal"] == "servicediscovery.amazonaws.com"


@proves("namespaces.dns.zone-is-closed-to-route53-users")
def test_zone_is_not_edited_or_deleted_through_route53(route53, public_namespace, unique_name):
    """ChangeResourceRecordSets and DeleteHostedZone fail for the zone of a namespace and change nothing."""
    zone, name = zone_id(public_namespace), public_namespace["Name"]
    before = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    # Not documented: the error code. The next test shows that the target has both operations.
    with pytest.raises(ClientError):
        route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=text_record(f"by-hand.{name}"))
    with pytest.raises(ClientError):
        route53.delete_hosted_zone(Id=zone)
    assert route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"] == before


@proves("namespaces.dns.zone-is-closed-to-route53-users")
def test_zone_of_the_account_is_edited_and_deleted(route53, unique_name):
    """The calls that fail for the zone of a namespace succeed for a zone that the account created itself."""
    name = f"{unique_name('own')}.surveyor.test"
    zone = route53.create_hosted_zone(Name=name, CallerReference=unique_name("reference"))["HostedZone"]["Id"]
    batch = text_record(f"by-hand.{name}")
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    batch["Changes"][0]["Action"] = "DELETE"
    route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)
    route53.delete_hosted_zone(Id=zone)
    with raises("NoSuchHostedZone"):
        route53.get_hosted_zone(Id=zone)

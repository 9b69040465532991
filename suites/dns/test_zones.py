"""Hosted zones created through Route 53: how long negative answers are cached, how fast changes are published."""

import dns.rcode
import dns.rdatatype
import pytest

from surveyor.testing import dns_config, proves, record_values, timeouts


@pytest.fixture
def zone(route53, unique_name):
    """Create a public hosted zone, described as `query_dns` and `record_sets` expect a namespace."""
    name = f"{unique_name('zone')}.test"
    hosted_zone = route53.create_hosted_zone(Name=name, CallerReference=name)["HostedZone"]
    zone_id = hosted_zone["Id"].removeprefix("/hostedzone/")
    return {"Type": "DNS_PUBLIC", "Name": name, "Properties": {"DnsProperties": {"HostedZoneId": zone_id}}}


def upsert(route53, zone, record_set):
    """Create or replace a record set, and return the ChangeInfo."""
    return route53.change_resource_record_sets(
        HostedZoneId=zone["Properties"]["DnsProperties"]["HostedZoneId"],
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": record_set}]},
    )["ChangeInfo"]


def negative_ttl(query_dns, zone):
    """Return how long a negative answer of the zone may be cached: the lesser of SOA TTL and minimum (RFC 2308, 5)."""
    answer = query_dns(f"absent.{zone['Name']}", "A", zone)
    assert answer.rcode() == dns.rcode.NXDOMAIN
    [soa] = [rrset for rrset in answer.authority if rrset.rdtype == dns.rdatatype.SOA]
    return min(soa.ttl, int(soa[0].minimum))


@proves("dns.negative.cached-for-lesser-of-two")
def test_new_zone_has_900_and_86400(query_dns, eventually, record_sets, zone):
    """The SOA record of a new zone has TTL 900 and minimum 86400, so negative answers are cached for 900 seconds."""
    [soa] = [record for record in record_sets(zone, zone["Name"]) if record["Type"] == "SOA"]
    [record] = soa["ResourceRecords"]
    assert (soa["TTL"], record["Value"].split()[-1]) == (900, "86400")
    assert eventually(lambda: negative_ttl(query_dns, zone), within=timeouts.DNS_CHANGE) == 900


@proves("dns.negative.cached-for-lesser-of-two")
@pytest.mark.parametrize(("ttl", "minimum"), [(60, 86400), (900, 60)], ids=["TTL", "minimum"])
def test_lesser_of_ttl_and_minimum_counts(route53, query_dns, eventually, record_sets, zone, ttl, minimum):
    """After a change of the SOA record negative answers are cached for its TTL or its minimum, whichever is less."""
    [soa] = [record for record in record_sets(zone, zone["Name"]) if record["Type"] == "SOA"]
    fields = soa["ResourceRecords"][0]["Value"].split()[:-1]
    changed = {**soa, "TTL": ttl, "ResourceRecords": [{"Value": " ".join([*fields, str(minimum)])}]}
    upsert(route53, zone, changed)
    eventually(lambda: negative_ttl(query_dns, zone) == 60, within=timeouts.DNS_CHANGE)


@proves("dns.propagation.within-a-minute")
def test_change_is_answered_once_it_is_in_sync(route53, query_dns, eventually, zone):
    """A change is PENDING at first, INSYNC within 60 seconds, and answered from then on."""
    name = f"www.{zone['Name']}"
    record = {"Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]}
    change = upsert(route53, zone, record)
    # INSYNC at once is allowed too: a change may take no time.
    assert change["Status"] in ("PENDING", "INSYNC")
    eventually(
        lambda: route53.get_change(Id=change["Id"])["ChangeInfo"]["Status"] == "INSYNC", within=timeouts.DNS_CHANGE
    )
    assert record_values(query_dns(name, "A", zone), name, "A") == ["192.0.2.1"]


@proves("dns.propagation.within-a-minute")
def test_registered_instance_is_answered_within_a_minute(
    make_service, register, query_dns, eventually, public_namespace
):
    """A registered address is answered no later than 60 seconds after its operation has succeeded."""
    config = dns_config("A")
    service = make_service(public_namespace, DnsConfig=config)
    register(service, "i-1", {"AWS_INSTANCE_IPV4": "192.0.2.1"})
    name = f"{service['Name']}.{public_namespace['Name']}"
    eventually(
        lambda: record_values(query_dns(name, "A", public_namespace), name, "A") == ["192.0.2.1"],
        within=timeouts.DNS_CHANGE,
    )

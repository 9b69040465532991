"""Public DNS fallback of private zones: names that only public DNS has resolve in the VPC, once the owner wants it."""

from __future__ import annotations

import dns.rcode
import pytest
from botocore.exceptions import ClientError

from surveyor.testing import dns_config, for_each, proves, raises, record_values, timeouts

ADVANCED = {"PrivateZone": True, "HostedZoneTier": "ADVANCED"}
A = dns_config("A", ttl=5)
SETTLED = timeouts.DNS_CHANGE + 60
"""Seconds until an answer that a resolver has kept is gone, too: the zone's negative TTL is set to 5."""


def at(number):
    """Return one instance at an address that ends with this number."""
    return {"i-1": {"AWS_INSTANCE_IPV4": f"192.0.2.{number}"}}


@pytest.fixture
def published(make_namespace, make_service, register_all, query_dns, eventually):
    """Create a public namespace in which `web` and `both` have A records, and return the namespace."""
    namespace = make_namespace("public", Properties={"DnsProperties": {"SOA": {"TTL": 5}}})
    for name, number in (("web", 1), ("both", 2)):
        register_all(make_service(namespace, name, DnsConfig=A), at(number))
        fqdn = f"{name}.{namespace['Name']}"
        eventually(lambda fqdn=fqdn: query_dns(fqdn, "A", namespace).answer, within=timeouts.DNS_CHANGE)
    return namespace


@pytest.fixture
def private_zone(route53, make_zone, change, in_vpc, published):
    """Create a private zone of the tier ADVANCED over the public namespace; `inside` has A, `both` only TXT records."""
    made = make_zone(name=published["Name"], VPC=in_vpc, HostedZoneConfig=ADVANCED)["HostedZone"]
    [soa] = [
        record
        for record in route53.list_resource_record_sets(HostedZoneId=made["Id"])["ResourceRecordSets"]
        if record["Type"] == "SOA"
    ]
    value = " ".join([*soa["ResourceRecords"][0]["Value"].split(" ")[:-1], "5"])
    change(
        made,
        ("UPSERT", {**soa, "TTL": 5, "ResourceRecords": [{"Value": value}]}),
        ("CREATE", record(f"inside.{published['Name']}", "A", "192.0.2.9")),
        ("CREATE", record(f"both.{published['Name']}", "TXT", '"private"')),
    )
    return made


def record(name, kind, value):
    """Return a simple record set."""
    return {"Name": name, "Type": kind, "TTL": 5, "ResourceRecords": [{"Value": value}]}


@pytest.fixture
def addresses(query_dns, published):
    """Return `addresses(name, vpc)`: the A records that the resolver of a VPC answers, or the text of its rcode."""

    def ask(name, vpc):
        fqdn = f"{name}.{published['Name']}"
        answer = query_dns(fqdn, "A", vpc=vpc)
        if answer.rcode() != dns.rcode.NOERROR:
            return dns.rcode.to_text(answer.rcode())
        return record_values(answer, fqdn, "A")

    return ask


@proves(
    "route53.fallback.unknown-names",
    "route53.fallback.not-for-names-that-exist",
    "route53.fallback.of-all-vpcs",
    "route53.fallback.is-turned-on-and-off",
)
def test_names_that_only_public_dns_has(route53, private_zone, addresses, eventually, always, in_vpc, second_vpc):
    """With fallback a name that is in the public zone only resolves, in every VPC of the zone; without it NXDOMAIN."""
    # UpdateHostedZoneFeatures: "Fallback does not occur when the name exists but has no record of the requested type."
    vpc, zone = in_vpc["VPCId"], {"HostedZoneId": private_zone["Id"]}
    route53.associate_vpc_with_hosted_zone(**zone, VPC={**in_vpc, "VPCId": second_vpc})

    def status():
        return route53.get_hosted_zone(Id=private_zone["Id"])["HostedZone"]["Features"]["PublicDNSFallbackStatus"]

    for place in (vpc, second_vpc):
        eventually(lambda place=place: addresses("inside", place) == ["192.0.2.9"], within=timeouts.DNS_CHANGE)
        eventually(lambda place=place: addresses("web", place) == "NXDOMAIN", within=SETTLED)
    assert status() == "DISABLED"
    route53.update_hosted_zone_features(**zone, EnablePublicDNSFallback=True, DryRun=True)
    assert status() == "DISABLED"
    route53.update_hosted_zone_features(**zone, EnablePublicDNSFallback=True)
    assert status() in ("ENABLING", "ENABLED")
    eventually(lambda: status() == "ENABLED", within=timeouts.DNS_CHANGE)
    for place in (vpc, second_vpc):
        eventually(lambda place=place: addresses("web", place) == ["192.0.2.1"], within=SETTLED)
        assert addresses("inside", place) == ["192.0.2.9"]
        always(lambda place=place: addresses("both", place) == [], during=30)
        assert addresses("nowhere", place) == "NXDOMAIN"
    route53.update_hosted_zone_features(**zone, EnablePublicDNSFallback=False)
    eventually(lambda: status() == "DISABLED", within=timeouts.DNS_CHANGE)
    eventually(lambda: addresses("web", vpc) == "NXDOMAIN", within=SETTLED)


@proves("route53.fallback.unknown-names")
def test_a_zone_may_fall_back_from_its_creation(make_zone, change, addresses, published, eventually, in_vpc):
    """CreateHostedZone with EnablePublicDNSFallback makes such a zone."""
    # CreateHostedZone: "Set to true to enable public DNS fallback, or false to disable it. The default is false."
    vpc = in_vpc["VPCId"]
    zone = make_zone(name=published["Name"], VPC=in_vpc, HostedZoneConfig=ADVANCED, EnablePublicDNSFallback=True)
    change(zone["HostedZone"], ("CREATE", record(f"inside.{published['Name']}", "A", "192.0.2.9")))
    # Without the zone public DNS answers, too.
    eventually(lambda: addresses("inside", vpc) == ["192.0.2.9"], within=SETTLED)
    eventually(lambda: addresses("web", vpc) == ["192.0.2.1"], within=SETTLED)


@proves("route53.fallback.private-zones-of-the-tier-advanced")
def test_which_zones_fall_back(route53, make_zone, in_vpc):
    """A public zone is refused with InvalidInput, a private one of the tier STANDARD too; the tier may be changed."""
    # CreateHostedZone: "If you specify true for a public hosted zone, the request fails with an InvalidInput error."
    advanced = {"HostedZoneTier": "ADVANCED"}
    with raises("InvalidInput"):
        make_zone(HostedZoneConfig=advanced, EnablePublicDNSFallback=True)
    with pytest.raises(ClientError):
        make_zone(VPC=in_vpc, EnablePublicDNSFallback=True)
    zone = make_zone(VPC=in_vpc)["HostedZone"]
    assert zone["Config"]["HostedZoneTier"] == "STANDARD"
    with pytest.raises(ClientError):
        route53.update_hosted_zone_features(HostedZoneId=zone["Id"], EnablePublicDNSFallback=True)
    route53.update_hosted_zone_tier(HostedZoneId=zone["Id"], HostedZoneTier="ADVANCED")
    route53.update_hosted_zone_features(HostedZoneId=zone["Id"], EnablePublicDNSFallback=True)
    found = route53.get_hosted_zone(Id=zone["Id"])["HostedZone"]
    assert found["Config"]["HostedZoneTier"] == "ADVANCED"
    assert found["Features"]["PublicDNSFallbackStatus"] in ("ENABLING", "ENABLED")


@proves("route53.fallback.not-of-namespaces")
@for_each("operation", ["features", "tier"])
def test_zones_of_namespaces_do_not_fall_back(route53, private_namespace, operation):
    """Public DNS fallback and the tier of a namespace's zone cannot be changed by its owner."""
    # HostedZone.LinkedService: "When a resource is created by another service, you can't edit or delete it using Amazon
    # Route 53."
    zone = private_namespace["Properties"]["DnsProperties"]["HostedZoneId"]
    change = {
        "features": lambda: route53.update_hosted_zone_features(HostedZoneId=zone, EnablePublicDNSFallback=False),
        "tier": lambda: route53.update_hosted_zone_tier(HostedZoneId=zone, HostedZoneTier="STANDARD"),
    }[operation]
    with pytest.raises(ClientError):
        change()

"""The zones of the name servers follow their changes."""

from __future__ import annotations

from surveyor_emulator.aws.route53.published_zones import PublishedZones
from surveyor_emulator.aws.route53.record_model import RecordKey, RecordSet
from surveyor_emulator.aws.route53.state import HostedZone, VpcKey

RECORD = RecordSet("a.example.com.", "A", 60, ("192.0.2.1",), "1", multivalue=True)


def zone(identity: str, account: str = "1", name: str = "example.com.", *vpcs: VpcKey) -> HostedZone:
    """Return a zone; public without VPCs."""
    return HostedZone(identity, name, account, identity, None, ("ns.",), 900, vpcs)


def test_newest_public_zone_of_a_name_wins() -> None:
    """The newest zone is used, unless the given account owns an older one."""
    known = PublishedZones()
    for identity, account in (("Z1", "1"), ("Z2", "2"), ("Z3", "3")):
        known.put(zone(identity, account))
    assert known.public()["example.com."].zone.id == "Z3"
    assert known.public("1")["example.com."].zone.id == "Z1"
    known.remove("Z3")
    assert known.public()["example.com."].zone.id == "Z2"


def test_private_zones_belong_to_their_vpcs() -> None:
    """Private zones are never listed as public, and follow a change of VPCs."""
    known, first, second = PublishedZones(), VpcKey("vpc-1", "us-east-1"), VpcKey("vpc-1", "us-west-2")
    known.put(zone("Z1", "1", "example.com.", first))
    assert not known.public()
    assert list(known.private(first)) == ["example.com."]
    assert not known.private(second)
    known.put(zone("Z1", "1", "example.com.", second))
    assert not known.private(first)
    assert known.private(second)


def test_every_change_raises_the_generation() -> None:
    """Changes of records, zones and health do; only zones raise the layout; calls without effect raise neither."""
    known = PublishedZones()
    known.put(zone("Z1"))
    assert (known.generation, known.layout) == (1, 1)
    known.change("Z1", [RECORD], [])
    assert (known.generation, known.layout) == (2, 1)
    known.set_health("Z1", RECORD.key, False)
    known.set_health("Z1", RECORD.key, False)
    known.set_health("Z1", RecordKey("b.example.com.", "A"), False)
    known.change("gone", [RECORD], [])
    assert (known.generation, known.layout) == (3, 1)
    known.remove("Z1")
    assert (known.generation, known.layout) == (4, 2)

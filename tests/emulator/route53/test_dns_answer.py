"""TestDNSAnswer returns what the name servers would answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from surveyor_emulator.core.errors import ServiceError


def test_returns_the_answer_of_the_name_servers(
    route53: Callable[..., Any], zone: str, change: Callable[..., Any], advance: Callable[[float], object]
) -> None:
    """Existing names are NOERROR, others NXDOMAIN; weighted groups have one value, multivalue groups up to eight."""
    own = zone.removeprefix("/hostedzone/")
    change(
        *(
            (
                "CREATE",
                {
                    "Name": name,
                    "Type": "A",
                    "TTL": 5,
                    "SetIdentifier": str(n),
                    "ResourceRecords": [{"Value": f"192.0.2.{n}"}],
                }
                | policy,
            )
            for n in range(9)
            for name, policy in (("w.example.net", {"Weight": n}), ("m.example.net", {"MultiValueAnswer": True}))
        )
    )
    advance(60)
    servers = route53("GetHostedZone", Id=zone)["DelegationSet"]["NameServers"]
    for name, values, code in (
        ("W.example.net", 1, "NOERROR"),
        ("m.example.net", 8, "NOERROR"),
        ("x.example.net", 0, "NXDOMAIN"),
    ):
        answer = route53("TestDNSAnswer", HostedZoneId=own, RecordName=name, RecordType="A")
        assert (answer["ResponseCode"], len(set(answer["RecordData"]))) == (code, values)
        assert (answer["RecordName"], answer["RecordType"], answer["Protocol"]) == (f"{name.lower()}.", "A", "UDP")
        assert answer["Nameserver"] in servers


def test_only_public_zones_can_be_tested(route53: Callable[..., Any], private_zone: str) -> None:
    """A private zone is InvalidInput: this operation queries public zones only (route53/TestDNSAnswer)."""
    with pytest.raises(ServiceError, match="InvalidInput"):
        route53("TestDNSAnswer", HostedZoneId=private_zone, RecordName="example.internal", RecordType="SOA")


def test_a_zone_is_refused_before_propagation(route53: Callable[..., Any], zone: str) -> None:
    """The name servers refuse questions about a zone that has not propagated yet."""
    answer = route53("TestDNSAnswer", HostedZoneId=zone, RecordName="example.net", RecordType="SOA")
    assert answer["ResponseCode"] == "REFUSED"

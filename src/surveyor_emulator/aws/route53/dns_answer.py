"""TestDNSAnswer: the current answer of a public zone's name servers."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import names
from .answers import DnsAnswer, ResolutionScope, resolve
from .published_zones import published_zones
from .state import Route53State
from .zones import find_zone

__all__ = ["test_dns_answer"]


def test_dns_answer(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle TestDNSAnswer. Answers do not depend on the client, so resolver address and client subnet are ignored."""
    zone = find_zone(call.world.in_account(Route53State, call.account), str(request["HostedZoneId"]))
    if zone.private:
        raise ServiceError("InvalidInput", f"zone {zone.name} is private, and only public zones can be tested")
    try:
        name = names.canonical(str(request["RecordName"]))
    except ValueError as error:
        raise ServiceError("InvalidInput", str(error)) from None
    kind = str(request["RecordType"])
    serving = published_zones(call.world).get(zone.id)
    scope = ResolutionScope(call.world, {}, {zone.name: serving} if serving else {}, recursive=False)
    generator = call.world.request_random
    answer = _pick(resolve(scope, name, kind), generator)
    return {
        "Nameserver": generator.choice(zone.name_servers).rstrip("."),
        "RecordName": name,
        "RecordType": kind,
        "RecordData": [record.value for record in answer.fixed if record.type == kind],
        "ResponseCode": answer.rcode,
        "Protocol": "UDP",
    }


def _pick(answer: DnsAnswer, generator: Random) -> DnsAnswer:
    """Pick one of the possible answers."""
    while answer.weighted:
        weights = [weight for weight, _ in answer.weighted]
        answer = generator.choices([option for _, option in answer.weighted], weights)[0]
    picked = generator.sample(answer.shuffled, min(answer.limit, len(answer.shuffled)))
    return DnsAnswer(answer.rcode, fixed=(*answer.fixed, *(record for option in picked for record in option)))

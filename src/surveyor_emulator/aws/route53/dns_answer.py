"""TestDNSAnswer: what the name servers of a public zone would answer now."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import names
from .answers import Answer, Scope, resolve
from .published import published
from .state import Route53State
from .zones import find_zone

__all__ = ["test_dns_answer"]


def test_dns_answer(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """TestDNSAnswer. Answers do not depend on who asks, so resolver and client subnet change nothing."""
    zone = find_zone(call.world.in_account(Route53State, call.account), str(request["HostedZoneId"]))
    if zone.private:
        raise ServiceError("InvalidInput", f"zone {zone.name} is private, and only public zones can be tested")
    try:
        name = names.canonical(str(request["RecordName"]))
    except ValueError as problem:
        raise ServiceError("InvalidInput", str(problem)) from None
    kind = str(request["RecordType"])
    serving = published(call.world).get(zone.id)
    scope = Scope(call.world, {}, {zone.name: serving} if serving else {}, recursive=False)
    chance = call.world.chance_of_requests
    answer = _pick(resolve(scope, name, kind), chance)
    return {
        "Nameserver": chance.choice(zone.name_servers).rstrip("."),
        "RecordName": name,
        "RecordType": kind,
        "RecordData": [row.value for row in answer.rows if row.type == kind],
        "ResponseCode": answer.rcode,
        "Protocol": "UDP",
    }


def _pick(answer: Answer, chance: Random) -> Answer:
    """One answer of those that may be given."""
    while answer.weighted:
        weights = [weight for weight, _ in answer.weighted]
        answer = chance.choices([option for _, option in answer.weighted], weights)[0]
    picked = chance.sample(answer.shuffled, min(answer.limit, len(answer.shuffled)))
    return Answer(answer.rcode, rows=(*answer.rows, *(row for option in picked for row in option)))

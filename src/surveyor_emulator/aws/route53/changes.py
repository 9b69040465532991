"""Changes on their way to the name servers: PENDING until the propagation delay is over, then INSYNC.

Changes of one zone arrive in the order in which they were made, whatever delay the seeded generator picks for each: an
old one that overtook a newer one would leave answers wrong for ever.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World

from .shapes import ChangeInfo, plain_id
from .state import Change, Route53State

__all__ = ["change_info", "get_change", "submit"]

# Old changes are forgotten, so that a long run keeps its size.
KEPT = 10_000
_ALPHABET = string.ascii_uppercase + string.digits


def submit(
    world: World, account: str, zone_id: str, publish: Callable[[], None], *, comment: str | None = None
) -> Change:
    """Have ``publish`` called when the change reaches the name servers; returns the change, PENDING until then."""
    state = world.in_account(Route53State, account)
    now = world.clock.now()
    delay = world.settings.dns_propagation
    due = max(now + world.chance.uniform(delay.least, delay.most), state.settles_at.get(zone_id, 0.0))
    change = Change("C" + world.new_id(20, _ALPHABET), now, comment)
    state.settles_at[zone_id] = due
    state.changes[change.id] = change
    state.pending.add(change.id)
    while len(state.changes) > KEPT:
        del state.changes[next(iter(state.changes))]
    world.clock.call_at(due, _arrive, state, change.id, publish)
    return change


def change_info(state: Route53State, change: Change) -> ChangeInfo:
    """The change as the API shows it."""
    info: ChangeInfo = {
        "Id": f"/change/{change.id}",
        "Status": "PENDING" if change.id in state.pending else "INSYNC",
        "SubmittedAt": change.submitted_at,
    }
    if change.comment:
        info["Comment"] = change.comment
    return info


def get_change(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """GetChange."""
    state = call.world.in_account(Route53State, call.account)
    wanted = plain_id(str(request["Id"]))
    change = state.changes.get(wanted)
    if change is None:
        raise ServiceError("NoSuchChange", f"no change has the id {wanted}")
    return {"ChangeInfo": change_info(state, change)}


def _arrive(state: Route53State, change_id: str, publish: Callable[[], None]) -> None:
    state.pending.discard(change_id)
    publish()

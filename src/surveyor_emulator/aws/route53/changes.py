"""Changes that propagate to the name servers: PENDING until the propagation delay is over, then INSYNC.

Changes of one zone arrive in the order in which they were submitted, whatever delay the seeded generator picks for
each: an old one that arrived after a newer one would leave answers outdated for ever.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call, World

from .shapes import ChangeInfo, plain_id
from .state import Change, Route53State

__all__ = ["change_info", "get_change", "submit_change"]

# Older changes are forgotten, so that memory stays bounded in a long run.
MAX_CHANGES = 10_000
_ALPHABET = string.ascii_uppercase + string.digits


def submit_change(
    world: World, account: str, zone_id: str, publish: Callable[[], None], *, comment: str | None = None
) -> Change:
    """Call ``publish`` when the change reaches the name servers; return the change, which is PENDING until then."""
    state = world.in_account(Route53State, account)
    now = world.clock.now()
    delay = world.settings.dns_propagation
    due = max(now + world.random.uniform(delay.minimum, delay.maximum), state.settles_at.get(zone_id, 0.0))
    change = Change("C" + world.new_id(20, _ALPHABET), now, comment)
    state.settles_at[zone_id] = due
    state.changes[change.id] = change
    state.pending.add(change.id)
    while len(state.changes) > MAX_CHANGES:
        del state.changes[next(iter(state.changes))]
    world.clock.call_at(due, _arrive, state, change.id, publish)
    return change


def change_info(state: Route53State, change: Change) -> ChangeInfo:
    """Return the change as the API shows it."""
    info: ChangeInfo = {
        "Id": f"/change/{change.id}",
        "Status": "PENDING" if change.id in state.pending else "INSYNC",
        "SubmittedAt": change.submitted_at,
    }
    if change.comment:
        info["Comment"] = change.comment
    return info


def get_change(call: Call, request: Mapping[str, object]) -> dict[str, object]:
    """Handle GetChange."""
    state = call.world.in_account(Route53State, call.account)
    change_id = plain_id(str(request["Id"]))
    change = state.changes.get(change_id)
    if change is None:
        raise ServiceError("NoSuchChange", f"no change has the id {change_id}")
    return {"ChangeInfo": change_info(state, change)}


def _arrive(state: Route53State, change_id: str, publish: Callable[[], None]) -> None:
    state.pending.discard(change_id)
    publish()

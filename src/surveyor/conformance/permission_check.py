"""Check before a run that the account lets it create what its tests need, and delete it again."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from surveyor.account.budget import UNBOUNDED
from surveyor.account.ledger import Ledger, Owner, read_ledger
from surveyor.account.needed_calls import PUBLIC_TASKS, needed_operations
from surveyor.account.permissions import required_actions
from surveyor.account.removal import delete_resources
from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.layout import Layout
from surveyor.targets.model import Target
from surveyor.targets.preflight import check_permissions, services_of
from surveyor.targets.running import RunningTarget, reach_target
from surveyor_policies.dependent import DEPENDENT

__all__ = ["actions_of", "reach_with_permissions"]


def actions_of(command: str, target: Target, selection: Selection, layout: Layout) -> frozenset[str]:
    """Return the actions of IAM that a run of a command needs to create and delete: for `conform`, of its claims."""
    more = {"from-vpc": target.from_vpc is not None, PUBLIC_TASKS: target.place.public}
    features = {*(target.features or ()), *(name for name, is_used in more.items() if is_used)}
    needed = required_actions(needed_operations(command, features), DEPENDENT)
    if command != "conform":
        return frozenset(needed)
    chosen = selection.select(load_claims(layout.claims)).values()
    judged = [claim for claim in chosen if target.features is None or target.features.issuperset(claim.features)]
    services = services_of(feature for claim in judged for feature in claim.features)
    return frozenset(action for action in needed if action.partition(":")[0] in services)


@contextmanager
def reach_with_permissions(
    target: Target, seed: int, actions: Collection[str], command: str, owner: Owner, folder: Path
) -> Iterator[RunningTarget]:
    """Reach an account after a check that a run may do there what it will do; without actions only reach it.

    Raises TargetUnavailable with all actions that are missing. The check creates nothing on AWS; what another target
    accepts of it is in a ledger in `folder`, and deleted.
    """
    if not actions:
        with reach_target(target, seed) as running:
            yield running
        return
    ledger = Ledger(folder / "ledger-check.jsonl", owner)
    unlimited = replace(target, budget=UNBOUNDED)  # what is asked for creates nothing
    try:
        with reach_target(unlimited, seed, ledger) as running:
            try:
                check_permissions(target, running.clients, actions, owner.run, command)
            finally:
                accepted = read_ledger(ledger.path).existing
                if accepted:
                    for resource in delete_resources(list(accepted), running.account(owner.run)).deleted:
                        ledger.record_removed(resource.number)
            yield running
    finally:
        ledger.close()
        if not read_ledger(ledger.path).existing:
            ledger.path.unlink(missing_ok=True)

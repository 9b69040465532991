"""Delete what a run left behind, by its ledgers, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from surveyor.account.ledger import Ledger, Owner, Thing, ledgers_in, read_pages
from surveyor.account.removal import Account, delete_resources
from surveyor.errors import SurveyorError, UsageError
from surveyor.targets.model import Target

__all__ = ["RunStillActive", "forget", "owner_of", "standing_in", "sweep_folder"]


class RunStillActive(SurveyorError):
    """The run whose resources were to be deleted has not ended."""


class ReachedTarget(Protocol):
    """A target that can be called."""

    def account(self, run: str) -> Account:
        """Return the account for the clean-up of a run."""


Reach = Callable[[Target, int], AbstractContextManager[ReachedTarget]]
"""Reach a target, with a seed, and check its account: surveyor.targets.running.run_target."""


def standing_in(folder: Path) -> list[Thing]:
    """Return what still exists by the ledgers of a run. Raises LedgerBroken."""
    return [thing for path in ledgers_in(folder) for thing in read_pages(path).standing]


def owner_of(folder: Path) -> Owner | None:
    """Return the owner of the ledgers; None if there are none, or nothing was written. Raises LedgerBroken."""
    return next((pages.owner for path in ledgers_in(folder) if (pages := read_pages(path)).owner), None)


def forget(folder: Path, *, anyway: bool) -> None:
    """Delete the ledgers of an earlier run in `folder`.

    Raises UsageError if resources still exist by them, unless `anyway`: the resources ended with the target.
    """
    standing = [] if anyway else standing_in(folder)
    if standing:
        raise UsageError(
            f"{folder} holds the ledgers of a run that left {len(standing)} thing{'s' if len(standing) > 1 else ''} "
            f"behind: delete them with `surveyor sweep {folder}`, or choose another --out"
        )
    for path in (*folder.rglob("ledger-*.jsonl"), *folder.rglob("spent.json")):
        path.unlink()


def sweep_folder(
    folder: Path, target: Target, reach: Reach, report: Callable[[str], None] = lambda _: None
) -> list[str]:
    """Delete what exists by the ledgers in `folder`, and return a line for each resource that is left.

    Raises RunStillActive while the run has not ended, LedgerBroken, and TargetUnavailable as `reach` does.
    """
    owner = owner_of(folder)
    if owner is None or not standing_in(folder):
        return []
    with ExitStack() as stack:
        ledgers = [Ledger(path, owner) for path in ledgers_in(folder)]
        for ledger in ledgers:
            stack.callback(ledger.close)
            if not ledger.claim(wait=False):
                raise RunStillActive(f"run {owner.run} is still active (process {owner.process} on {owner.host})")
        account = stack.enter_context(reach(target, 0)).account(owner.run)
        standing = {thing: ledger for ledger in ledgers for thing in read_pages(ledger.path).standing}
        report(f"run {owner.run}: deleting {len(standing)} resources")
        outcome = delete_resources(list(standing), account)
        for thing in outcome.gone:
            standing[thing].removed(thing.number)
            report(f"deleted: {thing}")
        return [f"{thing}: {why}" for thing, why in outcome.left.items()]

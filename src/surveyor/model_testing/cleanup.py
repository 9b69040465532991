"""Cleanup in an account that outlives the run: a ledger of what histories create, deleted after each history."""

from __future__ import annotations

from pathlib import Path

from surveyor import timeouts
from surveyor.account.ledger import Ledger, Owner, read_ledger
from surveyor.account.refusals import describe_denial
from surveyor.account.removal import delete_resources
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget
from surveyor.targets.sweep import forget

__all__ = ["SearchCleanup"]


class SearchCleanup:
    """The ledger of one search. Raises UsageError if `folder` has the ledger of a run that left resources behind."""

    def __init__(self, target: Target, target_name: str, run: str, folder: Path, dns: str | None) -> None:
        forget(folder, anyway=False)
        owner = Owner(run, target_name, target.account or "", target.region, target.endpoint, dns)
        self.run = run
        self.ledger = Ledger(folder / "ledger-model.jsonl", owner, {"namespace": timeouts.NAMESPACES})

    def delete_all(self, running: RunningTarget) -> tuple[str, ...]:
        """Delete all resources in the ledger; return a line for each that remains."""
        existing = read_ledger(self.ledger.path).existing if self.ledger.path.exists() else ()
        result = delete_resources(existing, running.account(self.run))
        for resource in result.deleted:
            self.ledger.record_removed(resource.number)
        return tuple(f"{resource}: {describe_denial(why)}" for resource, why in result.remaining.items())

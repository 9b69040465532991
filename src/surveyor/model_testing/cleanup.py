"""In an account that outlives the run: a ledger of what histories make, which is taken away after each of them."""

from __future__ import annotations

from pathlib import Path

from surveyor import timeouts
from surveyor.account.ledger import Ledger, Owner, read_pages
from surveyor.account.removal import delete_resources
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget
from surveyor.targets.sweep import forget

__all__ = ["Keeping"]


class Keeping:
    """The ledger of one search. Raises UsageError if `folder` holds one of a run that left things behind."""

    def __init__(self, target: Target, named: str, run: str, folder: Path, dns: str | None) -> None:
        forget(folder, anyway=False)
        owner = Owner(run, named, target.account or "", target.region, target.endpoint, dns)
        self.run = run
        self.ledger = Ledger(folder / "ledger-model.jsonl", owner, timeouts.NAMESPACES)

    def clear(self, running: RunningTarget) -> tuple[str, ...]:
        """Take away all that stands; a line for each thing that is left."""
        standing = read_pages(self.ledger.path).standing if self.ledger.path.exists() else ()
        outcome = delete_resources(standing, running.account(self.run))
        for thing in outcome.gone:
            self.ledger.removed(thing.number)
        return tuple(f"{thing}: {why}" for thing, why in outcome.left.items())

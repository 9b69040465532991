"""The second account of a run in this process: its clients, and the ledger of what they create."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from surveyor.account.ledger import Ledger, Owner
from surveyor.account.removal import Account
from surveyor.targets.clients import Clients
from surveyor.targets.consumer import consumer_target
from surveyor.targets.guard import ownership_in
from surveyor.targets.model import Target
from surveyor.targets.running import RunningTarget
from surveyor.targets.sweep import CONSUMER_FOLDER

__all__ = ["Consumer", "open_consumer"]


@dataclass(frozen=True)
class Consumer:
    """The account with which namespaces are shared."""

    target: Target
    clients: Clients
    ledger: Ledger

    @property
    def account(self) -> str:
        """Return its id."""
        return self.target.account or ""

    def clean_up(self, running: RunningTarget, run: str) -> Account:
        """Return the account for the clean-up of `run`."""
        ownership = ownership_in(self.target, run)
        clients = partial(self.clients.patient, ownership=ownership)
        return Account(run, clients, running.clock, ownership, running.operations)


def open_consumer(running: RunningTarget, owner: Owner, folder: Path, worker: str) -> Consumer:
    """Return the consumer of a running target; `owner` and `folder` are those of the run's own ledger.

    Raises as `consumer_target` does.
    """
    target = consumer_target(running.target)
    second = replace(owner, account=target.account or "", profile=target.credentials.profile)
    ledger = Ledger(folder / CONSUMER_FOLDER / f"ledger-{worker}.jsonl", second)
    clients = Clients(target, target.endpoint, running.evidence, ledger, None, running.spending)
    clients.watch_operations(running.operations, running.clock.now)
    clients.ownership = running.clients.ownership  # the two accounts act on the same namespaces
    return Consumer(target, clients, ledger)

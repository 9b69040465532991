"""Slow things, namespaces and VPCs, that all tests of a run share in an account that outlives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from surveyor.account.ledger import Ledger, Shared, alone, ledgers_in, read_pages
from surveyor.plugin.session import SESSION

__all__ = ["Sharing", "sharing"]


@dataclass(frozen=True)
class Sharing:
    """Makes what is shared once in a run, whichever worker comes first."""

    ledger: Ledger

    def get(self, kind: str, make: Callable[[], tuple[str, str | None]]) -> Shared:
        """The thing of that kind; `make` makes it, if no worker has yet, and tells its id and VPC."""
        folder = self.ledger.path.parent
        with alone(folder, "shared " + kind.replace("/", " ")):  # a namespace is made with a VPC: each kind its own
            for path in ledgers_in(folder):
                for one in read_pages(path).shared:
                    if one.kind == kind:
                        return one
            before = self.ledger.count
            found, vpc = make()
            shared = Shared(kind, found, self.ledger.count if self.ledger.count > before else 0, vpc)
            self.ledger.shared(shared)
            return shared


@pytest.fixture
def sharing(request: pytest.FixtureRequest) -> Sharing | None:
    """What shares, where that is done; None where each test has an account of its own."""
    ledger = request.config.stash[SESSION].ledger
    return Sharing(ledger) if ledger is not None else None

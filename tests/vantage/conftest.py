"""A vantage on an embedded target whose traffic is ruled, and a test process that reaches its endpoint only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest

from surveyor.account.ledger import Ledger, Owner, read_ledger
from surveyor.account.removal import delete_resources
from surveyor.account.removal.account import Account
from surveyor.targets.running import RunningTarget, reach_target
from surveyor.vantage import Vantages, choose_place, open_main
from surveyor.vantage.client import Vantage
from tests.account.conftest import ACCOUNT, flowing
from tests.vantage.outside import limited_to

RUN = "0123abcd"


@dataclass(frozen=True)
class Place:
    """A running target with the vantages of a run."""

    running: RunningTarget
    vantages: Vantages
    vpc: str
    clean_up: Account

    @property
    def vantage(self) -> Vantage:
        """The vantage in the default VPC."""
        return self.vantages.at(self.vpc)

    def client(self, service: str) -> Any:
        """Return a client that no guard of a run limits: anybody's in the account."""
        clients = self.running.clients
        return clients._session.create_client(service, "us-east-1", endpoint_url=self.running.endpoint)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Start a vantage in the default VPC of an account whose clock runs fast, and delete everything at the end.

    Meanwhile this process reaches nothing but the endpoint, and tasks only what routes and security groups admit.
    """
    folder = tmp_path_factory.mktemp("run")
    with flowing(60, traffic="ruled", egress="routed") as emulator, mock.patch.dict(os.environ, emulator.environment):
        ledger = Ledger(folder / "ledger-vantage.jsonl", Owner(RUN, "aws", ACCOUNT, "us-east-1", emulator.endpoint))
        port = urlsplit(emulator.endpoint).port or 0
        with limited_to(port), reach_target(emulator.target(), 7, ledger) as running:
            chosen = choose_place(running.clients.client("ec2", ACCOUNT), ())
            assert chosen is not None
            open_main(running, ledger, chosen)
            yield Place(running, Vantages(running, ledger), chosen.vpc, running.account(RUN))
            result = delete_resources(read_ledger(ledger.path).existing, running.account(RUN))
            ledger.close()
            assert not result.remaining
            assert not running.clients.client("s3", ACCOUNT).list_buckets().get("Buckets")

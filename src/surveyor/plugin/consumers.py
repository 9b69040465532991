"""A second account that namespaces are shared with, through AWS RAM."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

import pytest

from surveyor import bounds
from surveyor.answers import member
from surveyor.clock import Clock
from surveyor.errors import FeatureLacking
from surveyor.plugin.account import ClientFactory, Unique
from surveyor.targets.running import RunningTarget

__all__ = ["Share"]


class Share(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, namespace: Mapping[str, Any], permission: str | None = None) -> str:
        """`share(namespace, permission=None)`: shares it with the consumer, who accepts; the resource share's ARN.

        `permission`: the ARN of a managed permission other than the default one.
        """


@pytest.fixture
def consumer_account(running: RunningTarget, account: str) -> str:
    """The number of the consumer's account."""
    if running.target.credentials.kind != "per-test":
        raise FeatureLacking(f"credentials for {running.target.name} are those of one account")
    return str(100_000_000_000 + int(hashlib.sha256(account.encode()).hexdigest(), 16) % 900_000_000_000)


@pytest.fixture
def consumer(running: RunningTarget, consumer_account: str) -> ClientFactory:
    """Makes boto3 clients of any service for the consumer's account."""

    def make(service: str, region: str | None = None) -> Any:
        return running.clients.client(service, consumer_account, region)

    return make


@pytest.fixture
def share(client: ClientFactory, consumer: ClientFactory, consumer_account: str, unique: Unique, clock: Clock) -> Share:
    """Shares namespaces with the consumer's account, by invitation: the accounts have no organization in common."""

    def call(namespace: Mapping[str, Any], permission: str | None = None) -> str:
        given = {"permissionArns": [permission]} if permission is not None else {}
        answer = client("ram").create_resource_share(
            name=unique("share"),
            resourceArns=[namespace["Arn"]],
            principals=[consumer_account],
            allowExternalPrincipals=True,
            **given,
        )
        arn = str(member(answer, "resourceShare", "resourceShareArn", of="CreateResourceShare"))
        ram = consumer("ram")

        def invited() -> str | None:
            found = ram.get_resource_share_invitations(resourceShareArns=[arn])["resourceShareInvitations"]
            pending = [one["resourceShareInvitationArn"] for one in found if one["status"] == "PENDING"]
            return pending[0] if pending else None

        invitation = clock.eventually(invited, within=bounds.SHARE)
        ram.accept_resource_share_invitation(resourceShareInvitationArn=invitation)

        def seen() -> bool:
            listed = consumer("servicediscovery").get_paginator("list_namespaces").paginate().build_full_result()
            return namespace["Arn"] in [one["Arn"] for one in listed["Namespaces"]]

        clock.eventually(seen, within=bounds.SHARE)
        return arn

    return call

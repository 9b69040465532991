"""State of AWS RAM: resource shares of all accounts, since a share belongs to several accounts."""

from __future__ import annotations

from dataclasses import dataclass, field

from surveyor_emulator.core.world import World

__all__ = ["Invitation", "RamState", "Share", "is_in_a_share", "is_shared", "ram_state", "shared_with"]

_ALL_ACCOUNTS = "*"


@dataclass(slots=True)
class Invitation:
    """An account's invitation to a share: PENDING, ACCEPTED, REJECTED or EXPIRED."""

    arn: str
    account: str
    at: float
    status: str = "PENDING"


@dataclass(slots=True)
class Share:
    """A resource share of `owner`: ARNs of namespaces, and the invited accounts.

    ``for_ecs`` is true if it grants the permissions that Service Connect needs.
    """

    arn: str
    name: str
    owner: str
    created: float
    status: str = "ACTIVE"
    updated: float = 0.0
    for_ecs: bool = False
    resources: set[str] = field(default_factory=set)
    invitations: dict[str, Invitation] = field(default_factory=dict)


@dataclass(slots=True)
class RamState:
    """All shares, by ARN."""

    shares: dict[str, Share] = field(default_factory=dict)


def ram_state(world: World) -> RamState:
    """Return the state of RAM, which is the same for all accounts."""
    return world.in_account(RamState, _ALL_ACCOUNTS)


def shared_with(world: World, account: str) -> list[str]:
    """Return the ARNs of resources that others share with an account that has accepted."""
    return sorted(
        {arn for share in ram_state(world).shares.values() if _is_open(share, account) for arn in share.resources}
    )


def is_shared(world: World, arn: str, account: str, *, for_ecs: bool = False) -> bool:
    """Return whether a resource is shared with an account that has accepted; with ``for_ecs`` for Service Connect."""
    return any(
        arn in share.resources and _is_open(share, account) and (share.for_ecs or not for_ecs)
        for share in ram_state(world).shares.values()
    )


def is_in_a_share(world: World, arn: str) -> bool:
    """Return whether the owner of a resource shares it with any account."""
    return any(arn in share.resources and share.status == "ACTIVE" for share in ram_state(world).shares.values())


def _is_open(share: Share, account: str) -> bool:
    invitation = share.invitations.get(account)
    return share.status == "ACTIVE" and invitation is not None and invitation.status == "ACCEPTED"

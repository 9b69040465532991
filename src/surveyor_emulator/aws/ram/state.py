"""Which namespaces are shared with which accounts: plain data of all accounts, since a share belongs to two."""

from __future__ import annotations

from dataclasses import dataclass, field

from surveyor_emulator.core.world import World

__all__ = ["Invitation", "RamState", "Share", "is_shared", "shared_with", "state"]

_EVERYBODY = "*"


@dataclass(slots=True)
class Invitation:
    """One account's way into a share: PENDING until it says ACCEPTED or REJECTED."""

    arn: str
    account: str
    at: float
    status: str = "PENDING"


@dataclass(slots=True)
class Share:
    """A resource share of `owner`: ARNs of namespaces, and the accounts that were invited.

    ``for_ecs``: whether it grants what Service Connect needs.
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
    """All shares by ARN."""

    shares: dict[str, Share] = field(default_factory=dict)


def state(world: World) -> RamState:
    """That of the whole target."""
    return world.in_account(RamState, _EVERYBODY)


def shared_with(world: World, account: str) -> list[str]:
    """The ARNs of what others share with an account that has accepted."""
    return sorted({arn for share in state(world).shares.values() if _open(share, account) for arn in share.resources})


def is_shared(world: World, arn: str, account: str, *, for_ecs: bool = False) -> bool:
    """Whether a resource is shared with an account that has accepted; ``for_ecs``: for Service Connect, too."""
    return any(
        arn in share.resources and _open(share, account) and (share.for_ecs or not for_ecs)
        for share in state(world).shares.values()
    )


def _open(share: Share, account: str) -> bool:
    invitation = share.invitations.get(account)
    return share.status == "ACTIVE" and invitation is not None and invitation.status == "ACCEPTED"

"""How many resources of a kind a run may have at a time in an account that others use too."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.prices import HOSTED_ZONE
from surveyor.account.resources import CREATES
from surveyor.errors import NotOffered

__all__ = ["Room", "RoomIn", "VpcRoom", "find_vpc_room", "kinds_of", "rooms_of"]

_BUDGETS = {"namespace": "namespaces", "hosted zone": "zones"}

_VPCS_PER_REGION = 5
"""Amazon VPC User Guide, "Amazon VPC quotas": VPCs per Region, by default."""

_QUOTA_CODE = "L-F678F1CE"
"""Of "VPCs per Region" in Service Quotas."""


@dataclass(frozen=True)
class Room:
    """How many resources of one kind a run may have, and what to say where none becomes free."""

    places: float
    why: str


RoomIn = Callable[[str, Sequence[str]], Room]
"""Returns the room for a kind in a Region; it gets the ids of those that the run has."""


def kinds_of(operation: str) -> set[str]:
    """Return the kinds of resources that a call creates: a DNS namespace is also a hosted zone."""
    created = CREATES.get(operation)
    if created is None:
        return set()
    return {created.kind, "hosted zone"} if created.price is HOSTED_ZONE else {created.kind}


def rooms_of(limits: Mapping[str, float]) -> dict[str, RoomIn]:
    """Return the rooms that the budget of a run gives to kinds of resources."""
    return {kind: partial(_fixed_room, kind, limit) for kind, limit in limits.items() if limit < math.inf}


def _fixed_room(kind: str, limit: float, region: str, own: Sequence[str]) -> Room:
    why = f"{limit:g} {kind}s of this run exist already, and none was deleted in time"
    return Room(limit, f"{why}; --budget {_BUDGETS.get(kind, kind)}=N allows more")


@dataclass(frozen=True)
class VpcRoom:
    """The VPCs of an account in a Region: its quota (None: not known), those of others, and those of the run.

    `is_default`: the quota could not be read, and is taken to be the default one.
    """

    region: str
    quota: int | None
    others: int
    own: int
    is_default: bool = False

    def room(self) -> Room:
        """Return how many VPCs the run may have at a time."""
        if self.quota is None:
            return Room(math.inf, "")
        have = f"others have {self.others} and this run {self.own}"
        if self.is_default:
            why = (
                f"VPCs per Region: servicequotas:GetServiceQuota did not say the quota of {self.region} "
                f"({_QUOTA_CODE}), so it is taken to be {self.quota}, and {have}: permit that call, delete some, or "
                "name one with --vpc"
            )
        else:
            why = (
                f"VPCs per Region: the quota of {self.region} is {self.quota} ({_QUOTA_CODE}), {have}: delete some, "
                "have the quota raised, or name one with --vpc"
            )
        return Room(max(0, self.quota - self.others), why)

    def describe(self) -> str:
        """Return a line if the run would take the last place, or finds none; "" otherwise."""
        if self.quota is None or self.others + 2 <= self.quota:
            return ""
        use = f"VPCs: {self.others} of {self.quota} are in use in {self.region}"
        if self.others >= self.quota:
            return f"{use}: claims that need a new one are inconclusive; have the quota raised, or name one with --vpc"
        return f"{use}: a run that needs one takes the last until it ends; to prevent it, name one with --vpc"


def find_vpc_room(client: Callable[[str, str], Any], region: str, own: Collection[str]) -> VpcRoom:
    """Count the VPCs of a Region; `own` are the ids of the run's. `client` makes clients of a service for a Region.

    The quota is asked of Service Quotas. Where that is not permitted it is the default one, or not known if the account
    has as many already: then it was raised. If VPCs may not be listed nothing is known, and EC2 decides.
    """
    try:
        pages = client("ec2", region).get_paginator("describe_vpcs").paginate()
        found = {vpc["VpcId"] for page in pages for vpc in page["Vpcs"]}
    except (ClientError, NotOffered, BotoCoreError, LookupError):
        return VpcRoom(region, None, 0, len(own))
    others = len(found - set(own))
    quota = _applied_quota(client, region)
    is_default = quota is None and others < _VPCS_PER_REGION
    return VpcRoom(region, _VPCS_PER_REGION if is_default else quota, others, len(found) - others, is_default)


def _applied_quota(client: Callable[[str, str], Any], region: str) -> int | None:
    try:
        answer = client("service-quotas", region).get_service_quota(ServiceCode="vpc", QuotaCode=_QUOTA_CODE)
        return int(answer["Quota"]["Value"])
    except (ClientError, NotOffered, BotoCoreError, LookupError, ValueError):
        return None  # not permitted, or a target without Service Quotas

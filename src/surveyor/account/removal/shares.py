"""Resource shares of AWS RAM."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import ClientError

from surveyor.account.ledger import Resource
from surveyor.account.removal.account import Account, Problems, ignore_absent

__all__ = ["delete_shares", "find_share"]


def find_share(account: Account, resource: Resource) -> tuple[str, ...]:
    """Return the ARN of the share, by its name if its creation was not answered."""
    if resource.ids:
        return resource.ids
    ram, name = account.client("ram", resource.region), resource.parameters.get("name", "")
    pages = ram.get_paginator("get_resource_shares").paginate(resourceOwner="SELF", name=name)
    return tuple(share["resourceShareArn"] for page in pages for share in page["resourceShares"])


def delete_shares(account: Account, region: str, ids: Sequence[str]) -> Problems:
    """Delete shares; those that are deleted stay listed for some time."""
    ram = account.client("ram", region)
    problems: dict[str, str] = {}
    for arn in ids:
        try:
            with ignore_absent("UnknownResourceException"):
                ram.delete_resource_share(resourceShareArn=arn)
        except ClientError as error:
            problems[arn] = str(error)
    return problems

"""Namespaces that are being created: neither a list nor a name shows them until their operation has ended."""

from __future__ import annotations

from collections.abc import Collection

from surveyor import timeouts
from surveyor.account.removal.account import Account

__all__ = ["STILL_CREATING", "creations_in_progress", "wait_for_creations"]

STILL_CREATING = (
    "it still creates a namespace, which may be a run's: when the operation has ended, sweep the account (--account)"
)
"""Of an operation that takes too long."""

_FILTERS = [
    {"Name": "TYPE", "Values": ["CREATE_NAMESPACE"], "Condition": "EQ"},
    {"Name": "STATUS", "Values": ["SUBMITTED", "PENDING"], "Condition": "IN"},
]


def creations_in_progress(account: Account, region: str) -> frozenset[str]:
    """Return the operations in progress that create namespaces, of any run and of others: only their end shows whose.

    Call this before namespaces are listed: in the other order, one that ends between the calls is in neither answer.
    """
    pages = account.client("servicediscovery", region).get_paginator("list_operations").paginate(Filters=_FILTERS)
    return frozenset(operation["Id"] for page in pages for operation in page["Operations"])


def wait_for_creations(account: Account, region: str, operations: Collection[str]) -> frozenset[str]:
    """Wait until these operations have ended, and what they created is listed; return those that take too long.

    Others that begin meanwhile are not waited for: in a shared account there may always be one.
    """
    remaining = frozenset(operations)

    def have_ended() -> bool:
        nonlocal remaining
        remaining &= creations_in_progress(account, region)
        return not remaining

    if remaining:
        try:
            account.clock.eventually(have_ended, within=timeouts.OPERATION)
        except AssertionError:
            return remaining
        if account.clock.polling:  # a read right after the end may not show what was created
            account.clock.wait(timeouts.READ_AGAIN)
    return frozenset()

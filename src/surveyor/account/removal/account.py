"""The account that things are taken away from, and what finding and removing in it have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.clock import Clock

__all__ = ["Account", "Found", "Problems", "code_of", "gone", "persist"]

Problems = Mapping[str, str]
"""By identifier: why a thing still stands."""

Found = Callable[["Account", Any], tuple[str, ...]]
"""Finds the identifiers of what a Thing made."""


@dataclass(frozen=True)
class Account:
    """One account as one run sees it. `client(service, region)` makes a client that is patient and not recorded."""

    run: str
    client: Callable[[str, str], Any]
    clock: Clock


def code_of(error: ClientError) -> str:
    """The error's code."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def gone(*codes: str) -> Iterator[None]:
    """Errors that say that there is nothing to take away are as good as success."""
    try:
        yield
    except ClientError as error:
        if code_of(error) not in codes:
            raise


def persist(account: Account, call: Callable[[], Any], *not_yet: str) -> Any:
    """Call until the target no longer says that something inside is still on its way out.

    Raises the last of these errors when that has taken too long.
    """
    last: list[ClientError] = []

    def accepted() -> tuple[Any] | None:
        last.clear()
        try:
            return (call(),)
        except ClientError as error:
            if code_of(error) not in not_yet:
                raise
            last.append(error)
            return None

    try:
        [answer] = account.clock.eventually(accepted, within=timeouts.OPERATION)
    except AssertionError:
        if last:
            raise last[0] from None
        raise
    return answer

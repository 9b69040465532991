"""The account that resources are deleted from, and what all deletions have in common."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from surveyor import timeouts
from surveyor.account.cloudmap_operations import CloudMapOperations
from surveyor.account.ownership import Ownership
from surveyor.account.refusals import DENIED
from surveyor.clock import Clock

__all__ = ["Account", "FindIds", "Problems", "error_code", "ignore_absent", "retry_while"]

Problems = Mapping[str, str]
"""Identifier -> why the resource still exists."""

FindIds = Callable[["Account", Any], tuple[str, ...]]
"""Finds the identifiers of a Resource."""


@dataclass(frozen=True)
class Account:
    """One account, for the cleanup of one run. `client(service, region)` creates a client that retries, unrecorded.

    `ownership`: what its clients may delete; None if no account outlives the run. `operations`: those of this process.
    """

    run: str
    client: Callable[[str, str], Any]
    clock: Clock
    ownership: Ownership | None = None
    operations: CloudMapOperations = field(default_factory=CloudMapOperations)


def error_code(error: ClientError) -> str:
    """Return the error's code."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def ignore_absent(*codes: str, look: Callable[[], object] | None = None) -> Iterator[None]:
    """Treat errors with these codes as success: they say that the resource does not exist.

    `look` reads the resource. A role that may change only what has a tag is denied what is gone: it has no tags.
    """
    try:
        yield
    except ClientError as error:
        if error_code(error) not in codes and not (look and error_code(error) in DENIED and _is_absent(look, codes)):
            raise


def _is_absent(look: Callable[[], object], codes: Collection[str]) -> bool:
    """Return whether a read says that the resource does not exist. Raises ClientError if the read is denied, too."""
    try:
        look()
    except ClientError as error:
        if error_code(error) in DENIED:
            raise
        return error_code(error) in codes
    return False


def retry_while(account: Account, call: Callable[[], Any], *codes: str, within: float = timeouts.OPERATION) -> Any:
    """Call again while the target answers with one of these codes: something inside is still being deleted.

    Raises the last of these errors after `within` service seconds, and any other error at once.
    """
    answers: list[Any] = []
    errors: list[ClientError] = []

    def is_decided() -> bool:
        errors.clear()
        try:
            answers.append(call())
        except ClientError as error:
            errors.append(error)
            return error_code(error) not in codes
        return True

    try:
        account.clock.eventually(is_decided, within=within)
    except AssertionError:
        if not errors:
            raise
    if errors:
        raise errors[0]
    return answers[0]

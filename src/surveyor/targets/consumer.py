"""The consumer: a second account, named by --consumer-profile, with which the run shares namespaces.

Its ledgers are in a folder beside those of the run's own account. It is cleaned up first: it uses what is shared.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.ledger import Owner
from surveyor.account.needed_calls import CONSUMER
from surveyor.errors import SurveyorError, UsageError
from surveyor.targets.credential_chain import no_credentials, own_calls
from surveyor.targets.credentials import open_session
from surveyor.targets.model import Target, TaskPlacement
from surveyor.targets.sweep import CONSUMER_FOLDER, Reach, close_run, not_searched, owner_of

__all__ = ["close_accounts", "consumer_target"]


def consumer_target(target: Target) -> Target:
    """Return a target in the account of its consumer, which its credentials name.

    Raises UsageError if that is the account of the run, TargetUnavailable if the credentials are refused.
    """
    assert target.consumer is not None, "asked for with --consumer-profile only"
    second = replace(
        target, credentials=target.consumer, consumer=None, vpc=None, role=None, place=TaskPlacement(), account=None
    )
    session: Any = open_session(second)[0]  # its clients have no types
    try:
        sts = session.create_client("sts", target.region, endpoint_url=target.endpoint, config=own_calls(target))
        account = str(sts.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise no_credentials(second, error) from None
    if account == target.account:
        raise UsageError(
            f"--consumer-profile {target.consumer.profile} is of account {account}, as the run itself: name a profile "
            "of another account"
        )
    return replace(second, account=account)


def close_accounts(
    folder: Path, owner: Owner, target: Target, reach: Reach, without: Collection[str]
) -> Mapping[str, str]:
    """Delete what a run has in its accounts, in that of the consumer first, even if that fails.

    Returns where the search failed in either account, and raises what `close_run` does. `without`: services of the
    owner's account that are not searched. What remains is in a ledger.
    """
    problem: SurveyorError | None = None
    failed: dict[str, str] = {}
    second = owner_of(folder / CONSUMER_FOLDER)
    if target.consumer is not None and second is not None:
        try:
            there_without = not_searched(target, CONSUMER)
            there = close_run(folder / CONSUMER_FOLDER, second, consumer_target(target), reach, there_without)
            failed |= {f"{service} of the consumer": why for service, why in there.items()}
        except SurveyorError as error:
            problem = error
    failed |= close_run(folder, owner, target, reach, without)
    if problem is not None:
        raise problem
    return failed

"""The checks before the first call of any command in an account: whose credentials they are, and the clocks."""

from __future__ import annotations

import time
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.failed_calls import MAX_CLOCK_SKEW, advice_on, clock_difference, describe_difference
from surveyor.account.removal.account import error_code
from surveyor.errors import CredentialsEnded, TargetUnavailable
from surveyor.targets.answers import describe_missing
from surveyor.targets.clients import Clients
from surveyor.targets.model import Target

__all__ = ["check_identity", "stop"]


def check_identity(target: Target, clients: Clients, now: Callable[[], float] = time.time) -> None:
    """Raise TargetUnavailable if the credentials are refused or are another account's, or if the clocks differ.

    Nothing else is asked for: sts:GetCallerIdentity needs no permission.
    """
    try:
        answer = clients.client("sts", target.account or "", target.region).get_caller_identity()
    except CredentialsEnded as error:
        if not error.code:
            raise CredentialsEnded(_nothing(str(error))) from None
        advice = advice_on({"Error": {"Code": error.code}})
        raise CredentialsEnded(_nothing(_refused(target, error.code, advice)), error.code) from None
    except ClientError as error:
        advice = advice_on(error.response) or "its answer to GetCallerIdentity must name the account"
        raise stop(_refused(target, error_code(error), advice)) from None
    except BotoCoreError as error:
        raise stop(f"{target.name} did not answer GetCallerIdentity: {describe_missing(error)}") from None
    actual = answer.get("Account")
    if actual != target.account:
        raise stop(
            f"expected account {target.account} (--account); the credentials are of account {actual} "
            f"({answer.get('Arn')})"
        )
    ahead = clock_difference(answer, now())
    if abs(ahead) > MAX_CLOCK_SKEW:
        raise stop(
            f"this machine's clock is {describe_difference(ahead)} that of {target.name}, and a signature is valid "
            "for five minutes: set the clock"
        )


def stop(why: str) -> TargetUnavailable:
    """Return the error with which a command ends before it has created anything."""
    return TargetUnavailable(_nothing(why))


def _refused(target: Target, code: str, advice: str) -> str:
    return f"{target.name} refused GetCallerIdentity with {code}: {advice} (Region {target.region})"


def _nothing(why: str) -> str:
    return f"{why}; nothing was created"

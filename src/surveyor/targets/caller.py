"""Name the account and the principal of a run on the terminal; reports have neither."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.targets.credential_chain import own_calls
from surveyor.targets.credentials import open_session
from surveyor.targets.model import Target

__all__ = ["describe_caller"]


def describe_caller(target: Target) -> str:
    """Return the account with its alias, the principal and the Region; "" where each test has an account.

    Without permission for iam:ListAccountAliases the alias is left out; what GetCallerIdentity refuses, the checks
    before a run report. Raises TargetUnavailable without credentials, UsageError for settings that cannot be used.
    """
    if target.start is not None or target.credentials.kind == "per-test":
        return ""
    session: Any = open_session(target)[0]  # its clients have no types
    config = own_calls(target)
    try:
        sts = session.create_client("sts", target.region, endpoint_url=target.endpoint, config=config)
        identity = sts.get_caller_identity()
    except (BotoCoreError, ClientError):
        return f"account {target.account}, {target.region}"
    alias = ""
    try:
        iam = session.create_client("iam", target.region, endpoint_url=target.endpoint, config=config)
        alias = "".join(f" ({name})" for name in iam.list_account_aliases()["AccountAliases"][:1])
    except (BotoCoreError, ClientError, KeyError, TypeError):  # not permitted, or another target does not have it
        alias = ""
    return f"account {identity.get('Account')}{alias} as {identity.get('Arn')}, {target.region}"

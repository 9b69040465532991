"""What is checked before a run creates anything in an account: that it may create there and delete again.

Which services a run uses follows from the features of its claims. All permissions that are missing are named at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from surveyor.account.failed_calls import denial_advice, describe_failed_call, is_of_account
from surveyor.account.principals import limit_arn, limit_documents
from surveyor.account.refusals import ALLOW, DENIED, denied_action
from surveyor.account.removal.account import error_code
from surveyor.targets.answers import describe_missing
from surveyor.targets.clients import Clients
from surveyor.targets.identity import stop
from surveyor.targets.model import Target
from surveyor.targets.probes import Probe, probes_of

__all__ = ["check_permissions", "services_of"]

_SERVICES: Mapping[str, tuple[str, ...]] = {
    "dns": ("route53", "ec2"),
    "public-dns": ("route53",),
    "route53": ("route53",),
    "health": ("route53",),
    "ec2": ("ec2",),
    "ipv6": ("ec2",),
    "ecs": ("ecs", "ec2"),
    "principals": ("iam",),
}
"""The services that claims with a feature use, besides Cloud Map: a private namespace has a zone and a VPC."""


def services_of(features: Iterable[str]) -> frozenset[str]:
    """Return the services in which tests of claims with these features create something."""
    return frozenset({"servicediscovery", *(name for feature in features for name in _SERVICES.get(feature, ()))})


def check_permissions(target: Target, clients: Clients, actions: Collection[str], run: str, command: str) -> None:
    """Raise TargetUnavailable with a list of all actions that a run may not do and needs, of `actions`.

    `command`: whose policy the message names. Everything asked for has the name or the tag of `run`.
    """
    account = target.account or ""
    missing: dict[str, str] = {}
    more = ""
    for probe in probes_of(run, account, target.region, target.tags):
        if probe.action in actions and (denied := _denied(target, clients, probe)):
            missing.setdefault(*denied)
            if denied[0] != probe.action:
                more = "; what is checked after these may be missing, too"
    if target.role and "iam" in (target.features or ()):
        role = Probe("sts", "assume_role", {"RoleArn": target.role, "RoleSessionName": "surveyor-preflight"})
        if denied := _denied(target, clients, role):
            missing.setdefault(f"{denied[0]} on {target.role}", "the trust policy of the role must allow it, too")
    if target.start is None and "iam:CreateUser" in actions and not missing:
        _check_limits(clients.client("iam", account, target.region), account)
    if missing:
        reasons = dict.fromkeys(why for why in missing.values() if why != ALLOW)
        actions = f"{len(missing)} actions" if len(missing) > 1 else "an action"
        needed = f"{actions} that the run needs {'are' if len(missing) > 1 else 'is'}"
        raise stop(
            f"{needed} not permitted in account {account}, {target.region}: "
            f"{', '.join(missing)}{''.join(f'; {why}' for why in reasons)}{more}; "
            f"`surveyor policy {command} --account {account} --region {target.region}` prints a policy with all of them"
        )


def _check_limits(iam: Any, account: str) -> None:
    """Raise TargetUnavailable unless the account has the policies that limit users and roles, as this version has them.

    Another document could allow them more.
    """
    for name, document in limit_documents(account).items():
        found: dict[str, Any] = {}
        try:
            arn = limit_arn(account, name)
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        except ClientError as error:
            if error_code(error) != "NoSuchEntity":
                raise stop(describe_failed_call(f"iam:{error.operation_name}", error.response)) from None
        except BotoCoreError as error:
            raise stop(f"iam cannot be reached: {describe_missing(error)}") from None
        if found.get("Document") != document:
            what = "is not as this version writes it" if found else "does not exist"
            raise stop(
                f"the policy {name}, which limits users and roles of a run, {what} in account {account}: "
                f"`surveyor policy conform --enable principals --account {account} --out DIR` writes {name}.json for "
                f"`aws iam create-policy --policy-name {name} --policy-document file://DIR/{name}.json`"
            )


def _denied(target: Target, clients: Clients, probe: Probe) -> tuple[str, str] | None:
    """Return the action that is denied, and what to do about it; None if the call is permitted."""
    client = clients.client(probe.service, target.account or "", target.region)
    try:
        getattr(client, probe.method)(**probe.params)
    except ClientError as error:
        message = str(error.response["Error"].get("Message", ""))
        if error_code(error) in DENIED:
            return denied_action(probe.action, message), denial_advice(message)
        if is_of_account(error.response):
            raise stop(describe_failed_call(probe.action, error.response)) from None
    except BotoCoreError as error:
        raise stop(f"{probe.service} of {target.name} cannot be reached: {describe_missing(error)}") from None
    return None

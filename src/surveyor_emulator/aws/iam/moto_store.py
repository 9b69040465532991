"""Users, roles, groups and policies: held by moto's IAM in this process, which is never asked what is allowed.

It is imported with the first request to IAM; until then there is nobody but the owners of accounts.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.moto_services import forward_to_moto
from surveyor_emulator.core.http import Request, Response
from surveyor_policies.model import Policy, PolicySet
from surveyor_policies.parsing import parse_policy

if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

__all__ = [
    "answer",
    "backend",
    "changes",
    "key",
    "load",
    "managed",
    "policies_of",
    "role",
    "session_policy",
    "trust_of",
    "user",
]

_changes = 0
"""Rises with each request to IAM, so that nothing is decided on what was there before."""


def changes() -> int:
    """How many requests to IAM there have been."""
    return _changes


def load() -> None:
    """Import moto's IAM, with AWS's managed policies; takes three tenths of a second the first time."""
    import moto.iam.responses  # noqa: F401  # loaded now, in whatever thread, so that requests need not wait


def backend(account: str) -> IAMBackend:
    """What moto holds of one account."""
    from moto.iam.models import iam_backends

    held: IAMBackend = iam_backends[account]["aws"]
    return held


def answer(request: Request, account: str) -> Response:
    """Hand a request on to moto, as of that account."""
    from moto.iam.responses import IamResponse

    global _changes  # noqa: PLW0603  # a counter beside the one process-wide store that it counts the changes of
    _changes += 1
    return forward_to_moto(IamResponse, "IAM", request, request.body, account, "https://iam.amazonaws.com")


def key(access_key: str) -> tuple[str, str, str] | None:
    """Account, user's name and secret of an active access key; None for any other."""
    if "moto.iam.models" not in sys.modules:
        return None
    from moto.iam.models import iam_backends

    for account, partitions in list(iam_backends.items()):
        found = partitions["aws"].access_keys.get(access_key)
        if found is not None and found.status == "Active" and found.user_name is not None:
            return account, found.user_name, found.secret_access_key
    return None


def role(arn: str) -> Any | None:
    """moto's role of that ARN."""
    if "moto.iam.models" not in sys.modules or arn.count(":") < 5:
        return None
    return next((one for one in backend(arn.split(":")[4]).roles.values() if one.arn == arn), None)


def trust_of(held: Any) -> Policy:
    """The policy that says who may assume a role. Raises MalformedPolicy."""
    return _parsed(held.assume_role_policy_document, "the trust policy", "", "trust")


def policies_of(account: str, kind: str, name: str) -> PolicySet:
    """The policies of a user or role, and its permissions boundary. Raises MalformedPolicy, KeyError."""
    return _set(account, kind, name, _changes)


def session_policy(text: str) -> Policy:
    """A session policy, parsed once. Raises MalformedPolicy."""
    return _parsed(text, "the session policy", "", "session")


def user(account: str, name: str) -> tuple[str, str]:
    """ARN and id of a user. Raises KeyError."""
    found = backend(account).users[name]
    return str(found.arn), str(found.id)


def managed(account: str, arn: str) -> Policy:
    """The default version of a managed policy. Raises KeyError, MalformedPolicy."""
    return _managed(backend(account).managed_policies[arn])


@functools.lru_cache(maxsize=1_024)
def _set(account: str, kind: str, name: str, at: int) -> PolicySet:
    there = backend(account)
    if kind == "role":
        held: Any = next(one for one in there.roles.values() if one.name == name)
        holders = [held]
    else:
        held = there.users[name]
        holders = [held, *(group for group in there.groups.values() if held in group.users)]
    boundary = getattr(held, "permissions_boundary_arn", None) or _arn_of(held)
    return PolicySet(
        identity=tuple(policy for holder in holders for policy in _attached(holder)),
        boundary=(managed(account, boundary),) if boundary else None,
    )


def _arn_of(held: Any) -> str | None:
    """The boundary of a user, which moto keeps otherwise than a role's."""
    bound = getattr(held, "permissions_boundary", None)
    return str(bound["PermissionsBoundaryArn"]) if isinstance(bound, dict) else None


def _attached(holder: Any) -> Iterable[Policy]:
    for name, text in holder.policies.items():
        yield _parsed(text, name, "", "identity")
    for one in holder.managed_policies.values():
        yield _managed(one)


def _managed(held: Any) -> Policy:
    text = next(one.document for one in held.versions if one.version_id == held.default_version_id)
    return _parsed(text, held.name, held.arn, "identity")


@functools.lru_cache(maxsize=2_048)
def _parsed(text: str, name: str, arn: str, kind: Any) -> Policy:
    return parse_policy(text, name, arn=arn or None, kind=kind)

"""The store of users, roles, groups and policies: moto's IAM in this process, which decides nothing itself.

It is imported with the first request to IAM; until then there are only the owners of accounts.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from surveyor_emulator.aws.moto_services import forward_to_moto
from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.http import Request, Response

# The policy engine is imported with the first caller that has policies: it takes a tenth of the start of the target.
if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

    from surveyor_policies.model import Policy, PolicySet

__all__ = [
    "access_key",
    "answer",
    "backend",
    "changes",
    "load",
    "managed_policy",
    "policies_of_caller",
    "role",
    "tags_of",
    "trust_policy",
    "user_caller",
]

_BOUNDARY_ACTIONS = ("PutUserPermissionsBoundary", "DeleteUserPermissionsBoundary")

_LINKED_ROLES = {
    "ecs": "ECS",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "ram": "ResourceAccessManager",
}
"""How the names of service-linked roles write the service (IAM User Guide, "AWS services that work with IAM")."""

_ECS_PRINCIPAL = "ecs.amazonaws.com"
_ECS_POLICY = "arn:aws:iam::aws:policy/aws-service-role/AmazonECSServiceRolePolicy"

_changes = 0
"""Rises with each request to IAM, so that no decision is taken from a cache of before."""


def changes() -> int:
    """Return how many requests to IAM there have been."""
    return _changes


def load(service: str = "iam") -> None:
    """Import moto's IAM with AWS's managed policies; takes three tenths of a second the first time."""
    import moto.iam.responses  # noqa: F401  # loaded now, in a thread, so that requests need not wait
    from moto.iam.models import SERVICE_NAME_CONVERSION

    SERVICE_NAME_CONVERSION.update(_LINKED_ROLES)


def backend(account: str) -> IAMBackend:
    """Return moto's IAM of one account."""
    from moto.iam.models import iam_backends

    store: IAMBackend = iam_backends[account]["aws"]
    return store


def answer(service: str, request: Request, account: str, endpoint: str) -> Response:
    """Answer a request whose caller is known to be allowed to make it. IAM has one endpoint, whatever the region."""
    from moto.iam.responses import IamResponse

    global _changes  # noqa: PLW0603  # a counter beside the one process-wide store that it counts the changes of
    _changes += 1
    form = {name: values[0] for name, values in parse_qs(request.body.decode("utf-8", "replace")).items()}
    action, body = form.get("Action", ""), request.body
    if action in _BOUNDARY_ACTIONS:
        # moto has boundaries of roles only. Forwarded is GetUser, which fails if there is no such user.
        body = body.replace(f"Action={action}".encode(), b"Action=GetUser")
    response = forward_to_moto(IamResponse, "IAM", request, body, account, "https://iam.amazonaws.com")
    if response.status == 200 and (action in _BOUNDARY_ACTIONS or action == "CreateUser"):
        user: Any = backend(account).users[form["UserName"]]
        user.permissions_boundary_arn = form.get("PermissionsBoundary")
    if response.status == 200 and action == "CreateServiceLinkedRole" and form["AWSServiceName"] == _ECS_PRINCIPAL:
        backend(account).attach_role_policy(_ECS_POLICY, "AWSServiceRoleForECS")
    if response.status == 200 and action in _BOUNDARY_ACTIONS:
        return Response(200, f"<{action}Response/>".encode(), response.headers)
    return response


def access_key(key: str) -> tuple[str, str, str] | None:
    """Return account, user name and secret of an active access key; None for any other."""
    if "moto.iam.models" not in sys.modules:
        return None
    from moto.iam.models import iam_backends

    for account, partitions in list(iam_backends.items()):
        found = partitions["aws"].access_keys.get(key)
        if found is not None and found.status == "Active" and found.user_name is not None:
            return account, found.user_name, found.secret_access_key
    return None


def role(arn: str) -> Any | None:
    """Return moto's role with this ARN; None if there is none."""
    if "moto.iam.models" not in sys.modules or arn.count(":") < 5:
        return None
    return next((role for role in backend(arn.split(":")[4]).roles.values() if role.arn == arn), None)


def trust_policy(role: Any) -> Policy:
    """Return the policy that says who may assume a role. Raises MalformedPolicy."""
    return _parse(role.assume_role_policy_document, "trust")


def user_caller(account: str, name: str) -> Caller:
    """Return the caller for a user, by its name. Raises KeyError."""
    from surveyor_policies.model import Principal

    user = backend(account).users[name]
    return Caller(Principal(str(user.arn), account, "user"), ("user", name), str(user.id), tags=tags_of(user))


def tags_of(holder: Any) -> tuple[tuple[str, str], ...]:
    """Return the tags of a user or role, of which moto stores the first as a list and the second as a mapping."""
    tags = holder.tags or ()
    return tuple((str(tag["Key"]), str(tag["Value"])) for tag in (tags.values() if isinstance(tags, dict) else tags))


def policies_of_caller(caller: Caller) -> PolicySet:
    """Return all policies that apply to a caller now. Raises KeyError or MalformedPolicy."""
    account = caller.principal.account
    own = _policies_of_holder(account, *caller.holder, _changes)
    if caller.session is None and not caller.managed:
        return own
    limits = [_parse(text, "session") for text in caller.session or ()]
    limits += [managed_policy(account, arn) for arn in caller.managed]
    return replace(own, session=tuple(limits))


def managed_policy(account: str, arn: str) -> Policy:
    """Return the default version of a managed policy. Raises KeyError, MalformedPolicy."""
    return _default_version(backend(account).managed_policies[arn])


@functools.lru_cache(maxsize=1_024)
def _policies_of_holder(account: str, kind: str, name: str, at_change: int) -> PolicySet:
    """Return the policies of a user or role, and its permissions boundary; cached until IAM changes."""
    from surveyor_policies.model import PolicySet

    store = backend(account)
    if kind == "role":
        holder: Any = next(role for role in store.roles.values() if role.name == name)
        sources = [holder]
    else:
        holder = store.users[name]
        sources = [holder, *(group for group in store.groups.values() if holder in group.users)]
    boundary = getattr(holder, "permissions_boundary_arn", None)
    return PolicySet(
        identity=tuple(policy for source in sources for policy in _attached(source)),
        boundary=(managed_policy(account, boundary),) if boundary else None,
    )


def _attached(source: Any) -> Iterable[Policy]:
    for text in source.policies.values():
        yield _parse(text, "identity")
    for policy in source.managed_policies.values():
        yield _default_version(policy)


def _default_version(policy: Any) -> Policy:
    text = next(version.document for version in policy.versions if version.version_id == policy.default_version_id)
    return _parse(text, "identity")


@functools.lru_cache(maxsize=2_048)
def _parse(text: str, kind: Any) -> Policy:
    from surveyor_policies.parsing import parse_policy

    return parse_policy(text, kind=kind)

"""The store of users, roles, groups and policies: moto's IAM in this process, which decides nothing itself.

It is imported with the first request to IAM; until then there are only the owners of accounts.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from surveyor_emulator.core.caller import Caller

from .managed_policies import share_aws_policies

# The policy engine is imported with the first caller that has policies: it takes a tenth of the start of the target.
if TYPE_CHECKING:
    from moto.iam.models import IAMBackend

    from surveyor_policies.model import Policy, PolicySet, Principal

__all__ = [
    "HolderGone",
    "access_key",
    "backend",
    "changes",
    "linked_role_name",
    "load",
    "managed_policy",
    "policies_of_caller",
    "principal_in_trust_policy",
    "record_change",
    "record_trusted_principals",
    "role",
    "tags_of",
    "trust_policy",
    "user_caller",
]


_LINKED_ROLES = {
    "ecs": "ECS",
    "elasticloadbalancing": "ElasticLoadBalancing",
    "ram": "ResourceAccessManager",
}
"""How the names of service-linked roles write the service (IAM User Guide, "AWS services that work with IAM")."""

_changes = 0
"""Rises with each request to IAM, so that no decision is taken from a cache of before."""


class HolderGone(LookupError):
    """Raised for a session whose user or role was deleted since."""


def changes() -> int:
    """Return how many requests to IAM there have been."""
    return _changes


def load() -> None:
    """Import moto's IAM with AWS's managed policies; takes three tenths of a second the first time."""
    import moto.iam.responses  # noqa: F401  # loaded now, in a thread, so that requests need not wait
    from moto.iam.models import SERVICE_NAME_CONVERSION

    share_aws_policies()
    SERVICE_NAME_CONVERSION.update(_LINKED_ROLES)


def backend(account: str) -> IAMBackend:
    """Return moto's IAM of one account."""
    from moto.iam.models import iam_backends

    store: IAMBackend = iam_backends[account]["aws"]
    return store


def linked_role_name(service: str) -> str:
    """Return the name that moto gives the service-linked role of a service principal, without a suffix."""
    from moto.iam.models import SERVICE_NAME_CONVERSION

    first, *_ = parts = service.split(".")
    name = parts[-3] if len(parts) > 2 else service
    below = "" if first == name else "_" + "".join(word.capitalize() for word in first.split("-"))
    return f"AWSServiceRoleFor{SERVICE_NAME_CONVERSION.get(name, name)}{below}"


def record_change() -> None:
    """Note that a request may change IAM: what was read or decided before must be read and decided again."""
    global _changes  # noqa: PLW0603  # a counter beside the one process-wide store that it counts the changes of
    _changes += 1


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


def record_trusted_principals(role: Any) -> None:
    """Record the unique ids of the users and roles that a trust policy names, when it is saved.

    An ARN in a trust policy stands for the user or role that has it then: one that is deleted and created again is not
    trusted (IAM User Guide, AWS JSON policy elements: Principal).
    """
    named = {
        name
        for statement in trust_policy(role).statements
        for kind, name in statement.principals or ()
        if kind == "AWS" and name.count(":") >= 5
    }
    found = [
        holder
        for account in {name.split(":")[4] for name in named}
        if account.isdigit()
        for holders in (backend(account).users, backend(account).roles)
        for holder in holders.values()
        if holder.arn in named
    ]
    role.surveyor_trusted_ids = {str(holder.arn): str(holder.id) for holder in found}


def principal_in_trust_policy(role: Any, caller: Caller) -> Principal:
    """Return the principal of a caller as the trust policy of a role sees it.

    One that was created again under an ARN that the policy names has its unique id in place of that ARN.
    """
    principal, unique_id = caller.principal, caller.user_id.partition(":")[0]
    arn = principal.issuer or principal.arn
    if getattr(role, "surveyor_trusted_ids", {}).get(arn, unique_id) == unique_id:
        return principal
    return replace(principal, issuer=unique_id) if principal.issuer else replace(principal, arn=unique_id)


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
    """Return all policies that apply to a caller now. Raises HolderGone, KeyError or MalformedPolicy."""
    account = caller.principal.account
    unique_id = caller.user_id.partition(":")[0]
    own = _policies_of_holder(account, *caller.holder, unique_id, _changes)
    if caller.session is None and not caller.managed:
        return own
    limits = [_parse(text, "session") for text in caller.session or ()]
    limits += [managed_policy(account, arn) for arn in caller.managed]
    return replace(own, session=tuple(limits))


def managed_policy(account: str, arn: str) -> Policy:
    """Return the default version of a managed policy. Raises KeyError, MalformedPolicy."""
    return _default_version(backend(account).managed_policies[arn])


@functools.lru_cache(maxsize=1_024)
def _policies_of_holder(account: str, kind: str, name: str, unique_id: str, at_change: int) -> PolicySet:
    """Return the policies of a user or role, and its permissions boundary; cached until IAM changes.

    One that was deleted and created again under its name has another unique id (IAM User Guide, IAM identifiers):
    sessions of the former have none of its rights.
    """
    from surveyor_policies.model import PolicySet

    store = backend(account)
    holders: Iterable[Any] = store.roles.values() if kind == "role" else store.users.values()
    holder = next((holder for holder in holders if holder.name == name and holder.id == unique_id), None)
    if holder is None:
        raise HolderGone(f"the {kind} {name} with the unique id {unique_id} no longer exists")
    sources = [holder]
    if kind == "user":
        sources += [group for group in store.groups.values() if holder in group.users]
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

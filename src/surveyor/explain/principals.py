"""The principal of an ARN, and the condition keys that follow from it."""

from __future__ import annotations

from surveyor.errors import UsageError
from surveyor_policies.model import Principal, PrincipalKind
from surveyor_policies.statements import Context

__all__ = ["default_principal", "parse_principal", "principal_context"]

_KINDS: dict[str, PrincipalKind] = {
    "root": "root",
    "user": "user",
    "role": "role",
    "assumed-role": "assumed-role",
    "federated-user": "federated",
}
_ACCOUNT = "000000000000"


def parse_principal(arn: str) -> Principal:
    """Return the principal of an ARN as GetCallerIdentity returns it, or of a service's name. Raises UsageError."""
    if arn.endswith(".amazonaws.com"):
        return Principal(arn, "", "service")
    parts = arn.split(":", 5)
    kind = _KINDS.get(parts[-1].partition("/")[0])
    if len(parts) != 6 or parts[0] != "arn" or kind is None or not parts[4].isdigit():
        raise UsageError(f"expected the ARN of a user, a role, a session or an account's root, got {arn!r}")
    return Principal(arn, parts[4], kind)


def default_principal(resource: str, *, session: bool) -> Principal:
    """Return a caller in the resource's account, for a request without a principal: a user, or a session of a role."""
    parts = resource.split(":", 5)
    account = parts[4] if len(parts) == 6 and parts[4].isdigit() else _ACCOUNT
    if session:
        return Principal(f"arn:aws:sts::{account}:assumed-role/any-role/session", account, "assumed-role")
    return Principal(f"arn:aws:iam::{account}:user/any-user", account, "user")


def principal_context(principal: Principal) -> Context:
    """Return the condition keys of every request of this principal (IAM User Guide, global condition keys)."""
    if not principal.account:
        return {}
    keys = {"aws:principalaccount": (principal.account,), "aws:principalarn": (_principal_arn(principal),)}
    if principal.kind == "user":
        keys["aws:username"] = (principal.arn.rpartition("/")[2],)
    return keys


def _principal_arn(principal: Principal) -> str:
    """Return ``aws:PrincipalArn``: for a session the ARN of its role, whose path is not known here."""
    if principal.kind != "assumed-role":
        return principal.arn
    partition, role = principal.arn.split(":")[1], principal.arn.split("/")[1]
    return f"arn:{partition}:iam::{principal.account}:role/{role}"

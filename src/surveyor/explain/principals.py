"""Who an ARN is, and the condition keys that follow from it."""

from __future__ import annotations

from surveyor.errors import UsageError
from surveyor_policies.model import Principal, PrincipalKind
from surveyor_policies.statements import Context

__all__ = ["caller", "keys_of", "somebody"]

_KINDS: dict[str, PrincipalKind] = {
    "root": "root",
    "user": "user",
    "role": "role",
    "assumed-role": "assumed-role",
    "federated-user": "federated",
}
_ACCOUNT = "000000000000"


def caller(arn: str) -> Principal:
    """The principal of an ARN as GetCallerIdentity tells it, or of a service's name."""
    if arn.endswith(".amazonaws.com"):
        return Principal(arn, "", "service")
    parts = arn.split(":", 5)
    kind = _KINDS.get(parts[-1].partition("/")[0])
    if len(parts) != 6 or parts[0] != "arn" or kind is None or not parts[4].isdigit():
        raise UsageError(f"expected the ARN of a user, a role, a session or an account's root, got {arn!r}")
    return Principal(arn, parts[4], kind)


def somebody(resource: str, *, session: bool) -> Principal:
    """A caller of the resource's own account, where none is named: a user, or a session of a role."""
    parts = resource.split(":", 5)
    account = parts[4] if len(parts) == 6 and parts[4].isdigit() else _ACCOUNT
    if session:
        return Principal(f"arn:aws:sts::{account}:assumed-role/somebody/session", account, "assumed-role")
    return Principal(f"arn:aws:iam::{account}:user/somebody", account, "user")


def keys_of(principal: Principal) -> Context:
    """The condition keys that every request of this principal carries (IAM User Guide, global condition keys)."""
    if not principal.account:
        return {}
    keys = {"aws:principalaccount": (principal.account,), "aws:principalarn": (_principal_arn(principal),)}
    if principal.kind == "user":
        keys["aws:username"] = (principal.arn.rpartition("/")[2],)
    return keys


def _principal_arn(principal: Principal) -> str:
    """``aws:PrincipalArn`` is the role's ARN for a session of it; its path is not known here."""
    if principal.kind != "assumed-role":
        return principal.arn
    partition, role = principal.arn.split(":")[1], principal.arn.split("/")[1]
    return f"arn:{partition}:iam::{principal.account}:role/{role}"

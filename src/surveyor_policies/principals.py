"""Decide whether a Principal element matches a principal, and how directly.

Source: IAM User Guide, Principal element; How AWS enforcement code logic evaluates requests. Directness matters: a
statement that names the user or the session itself is limited only by explicit denies, one that names the role also by
boundary and session policies, and one that names the account leaves the decision to the identity-based policies.
"""

from __future__ import annotations

from enum import IntEnum

from .model import Principal
from .statements import Statement

__all__ = ["PRINCIPAL_TYPES", "Grant", "find_grant"]

PRINCIPAL_TYPES = ("AWS", "CanonicalUser", "Federated", "Service")


class Grant(IntEnum):
    """How directly a statement matches a principal, from not at all to by its own name."""

    NONE = 0
    ACCOUNT = 1
    ISSUER = 2
    DIRECT = 3


def find_grant(statement: Statement, principal: Principal, *, bounded: bool) -> Grant:
    """Return how directly ``statement`` matches ``principal``; ``bounded``: the principal has a permissions boundary.

    NotPrincipal matches all principals that it does not name, and every user and role with a boundary (IAM User Guide,
    NotPrincipal).
    """
    if statement.principals is None:
        return Grant.NONE
    named = max(_named(type_, value, principal) for type_, value in statement.principals)
    if not statement.not_principals:
        return named
    limited = bounded and principal.kind in ("user", "role", "assumed-role")
    return Grant.DIRECT if named is Grant.NONE or limited else Grant.NONE


def _named(type_: str, value: str, principal: Principal) -> Grant:
    if type_ == "*":
        return Grant.DIRECT
    if principal.kind == "service":
        return Grant.DIRECT if type_ == "Service" and value == principal.arn else Grant.NONE
    if type_ == "Federated":
        return Grant.DIRECT if principal.kind == "federated" and value == principal.arn else Grant.NONE
    if type_ != "AWS":
        return Grant.NONE
    if value == "*":
        return Grant.DIRECT
    if value == principal.arn and principal.kind not in ("root", "role"):
        return Grant.DIRECT
    if value == _issuer(principal, value):
        return Grant.ISSUER
    return Grant.ACCOUNT if _account(value) == principal.account != "" else Grant.NONE


def _issuer(principal: Principal, value: str) -> str | None:
    """Return the role or user behind a session. A role's name is unique in its account, so its path may be unknown."""
    if principal.kind == "role":
        return principal.arn
    if principal.issuer or principal.kind != "assumed-role":
        return principal.issuer
    head, _, path = value.partition(":role/")
    session = principal.arn.split("/")
    same = len(session) > 1 and path.rpartition("/")[2] == session[1] and head.endswith(f":iam::{principal.account}")
    return value if same else None


def _account(value: str) -> str | None:
    """Return the account that an entry names by its number or the ARN of its root user."""
    if value.isdigit():
        return value
    head, _, account = value.removesuffix(":root").rpartition("::")
    return account if value.endswith(":root") and head.endswith(":iam") else None

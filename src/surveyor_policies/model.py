"""Values of a permission decision: the principal and its request, the policies that apply, and the decision.

The terms are those of the IAM User Guide (Policy evaluation logic). This module computes nothing: ``parsing`` builds
policies from text, ``engine`` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .statements import Statement, StatementIndex

__all__ = [
    "UNKNOWN_RESOURCE",
    "AccessRequest",
    "Decision",
    "MalformedPolicy",
    "Policy",
    "PolicyKind",
    "PolicySet",
    "Principal",
    "PrincipalKind",
    "Reason",
    "StatementRef",
]

UNKNOWN_RESOURCE = "?"
"""The resource of a request that does not say which one it is about: a deny with any Resource covers it, an allow only
with ``*``, so that nothing is allowed by mistake."""

PrincipalKind = Literal["root", "user", "role", "assumed-role", "federated", "service"]
PolicyKind = Literal["identity", "boundary", "session", "resource"]
Reason = Literal["allow", "explicit-deny", "implicit-deny", "error"]


class MalformedPolicy(ValueError):
    """Raised for a text that is not a valid policy; one line states what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The identity that sends a request.

    ``arn`` is the ARN that GetCallerIdentity returns; for a service its name (``ecs-tasks.amazonaws.com``), for a web
    identity its provider. ``account`` has twelve digits, or is empty for services.

    ``issuer`` is the ARN of the role behind an assumed role, or of the user behind a federated one: resource-based
    policies and ``aws:PrincipalArn`` use it, and the session's own ARN lacks the role's path.
    """

    arn: str
    account: str
    kind: PrincipalKind
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One action on one resource.

    ``action`` is for example ``servicediscovery:RegisterInstance``; ``resource`` is an ARN, ``*`` if the action has no
    resource type, or UNKNOWN_RESOURCE. ``context`` has the condition keys of the request, in any case; a key with an
    empty tuple is present without values, which differs from an absent key. ``owner`` is the account that owns the
    resource, if the ARN does not contain it; empty means the account in the ARN or, without one, the principal's.
    """

    action: str
    resource: str
    principal: Principal
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A parsed policy document. `StatementRef` has its ``name``."""

    name: str
    statements: tuple[Statement, ...]
    index: StatementIndex


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies that apply to a request.

    ``boundary`` and ``session`` are ``None`` if there is none, which limits nothing; an empty tuple allows nothing.
    ``resource`` has resource-based policies: a role's trust policy, a permission of a RAM share.
    """

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    resource: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementRef:
    """A reference to the statement that decided: the statement at ``index``, from 0, of the named policy."""

    policy: str
    kind: PolicyKind
    index: int


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of an evaluation.

    ``by`` is the statement that decided: a deny or an allow. It is ``None`` for an implicit deny; ``lacking`` is then
    the kind of policy in which an allow is missing. ``why`` is one line, in the words of AWS's own messages:
    ``no identity-based policy allows the servicediscovery:RegisterInstance action``.
    """

    allowed: bool
    reason: Reason
    by: StatementRef | None
    why: str
    lacking: PolicyKind | None = None

"""The values of a permission decision: who asks for what, which policies speak, and what came of it.

The words are those of the IAM User Guide (Policy evaluation logic). Nothing here computes: ``parsing`` makes policies
from text, ``engine`` decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .statements import Statement, StatementIndex

__all__ = [
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

PrincipalKind = Literal["root", "user", "role", "assumed-role", "federated", "anonymous", "service"]
PolicyKind = Literal["identity", "boundary", "session", "resource"]
Reason = Literal["allow", "explicit-deny", "implicit-deny", "error"]


class MalformedPolicy(ValueError):
    """A text that is no policy; one line says what was expected and what came."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    ``arn`` is what GetCallerIdentity tells; for a service its name (``ecs-tasks.amazonaws.com``), for a web identity
    its provider, for nobody ``*``. ``account`` has twelve digits, or is empty for services and nobody.

    ``issuer`` is the ARN of the role behind an assumed role, or of the user behind a federated one: resource-based
    policies and ``aws:PrincipalArn`` name that, and the session's own ARN lacks the role's path.
    """

    arn: str
    account: str
    kind: PrincipalKind
    issuer: str | None = None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One action on one resource.

    ``action`` is ``servicediscovery:RegisterInstance``; ``resource`` an ARN, or ``*`` where the action has no resource
    type. ``context`` has the condition keys that the request carries, in any case; a key without values is there and
    empty, which is another thing than absent. ``owner`` is the account that the resource belongs to where its ARN does
    not tell; empty means the account in the ARN or, without one, the principal's.
    """

    action: str
    resource: str
    principal: Principal
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """A document, parsed once. ``name`` is what an error names; ``arn`` that of a managed policy."""

    name: str
    statements: tuple[Statement, ...]
    index: StatementIndex = field(repr=False, compare=False)
    arn: str | None = None
    version: str = "2008-10-17"


@dataclass(frozen=True, slots=True)
class PolicySet:
    """The policies that apply to a request.

    ``boundary`` and ``session`` are ``None`` where there is none, which limits nothing; an empty tuple allows nothing.
    ``resource`` has resource-based policies: a role's trust policy, what RAM shares.
    """

    identity: tuple[Policy, ...] = ()
    boundary: tuple[Policy, ...] | None = None
    session: tuple[Policy, ...] | None = None
    resource: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementRef:
    """The statement that decided: the ``index``-th, from 0, of the policy so named."""

    policy: str
    kind: PolicyKind
    index: int
    sid: str | None = None
    arn: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of it.

    ``by`` is the statement that decided: the deny, or an allow. Of an implicit deny there is none; ``lacking`` then
    tells the kind of policy in which an allow is missing. ``why`` is one line, in the words of AWS's own messages:
    ``no identity-based policy allows the servicediscovery:RegisterInstance action``.
    """

    allowed: bool
    reason: Reason
    by: StatementRef | None
    why: str
    lacking: PolicyKind | None = None

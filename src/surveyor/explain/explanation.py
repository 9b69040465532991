"""An explanation of one decision: what decided, what comes close, and the smallest statements that would allow it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, Decision, Policy, PolicyKind, PolicySet
from surveyor_policies.parsing import parse_policy
from surveyor_policies.statements import Condition, Context, Statement

__all__ = ["Close", "Explanation", "Missing", "explain", "smallest"]

_ADDED = "(added)"
_KINDS: tuple[PolicyKind, ...] = ("identity", "boundary", "session", "resource")


@dataclass(frozen=True)
class Missing:
    """A statement that is not there, and the kind of policy that lacks it."""

    kind: PolicyKind
    statement: dict[str, object]


@dataclass(frozen=True)
class Close:
    """A statement that speaks of the action and does not apply: ``why`` not."""

    policy: str
    kind: PolicyKind
    index: int
    why: str


@dataclass(frozen=True)
class Explanation:
    """Why a request is allowed or not.

    ``missing`` has, for each kind of policy that lacks an allow, the smallest statement that would do; with all of them
    the request is allowed. It is empty where an explicit deny decides: no allow helps there.
    """

    request: AccessRequest
    decision: Decision
    missing: tuple[Missing, ...]
    close: tuple[Close, ...]


def explain(request: AccessRequest, policies: PolicySet, *, context_known: bool = True) -> Explanation:
    """Decide, and say why.

    ``context_known`` is false where the request's context is not at hand: then no condition is held against a
    statement, neither one that allows nor one that denies.
    """
    decision = decide(request, policies)
    missing = tuple(_missing(request, policies, decision))
    lacking = {each.kind for each in missing}
    close = tuple(_close(request, policies, lacking, context_known=context_known))
    return Explanation(request, decision, missing, close)


def smallest(request: AccessRequest, kind: PolicyKind) -> dict[str, object]:
    """The smallest statement that allows ``request`` in a policy of this kind."""
    statement: dict[str, object] = {"Effect": "Allow"}
    if kind == "resource":
        statement["Principal"] = {"AWS": request.principal.issuer or request.principal.arn}
    statement["Action"] = request.action
    if kind != "resource" or ":role/" not in request.resource:  # a trust policy stands on its role
        statement["Resource"] = request.resource
    return statement


def _missing(request: AccessRequest, policies: PolicySet, decision: Decision) -> Iterator[Missing]:
    """One kind after the other is given what it lacks, until the answer is another."""
    while decision.lacking:
        missing = Missing(decision.lacking, smallest(request, decision.lacking))
        yield missing
        policies = _with(policies, missing)
        before, decision = decision.lacking, decide(request, policies)
        if decision.lacking == before:
            return  # what would allow it cannot be written as one statement: a service or nobody asks


def _with(policies: PolicySet, missing: Missing) -> PolicySet:
    text = json.dumps({"Version": "2012-10-17", "Statement": missing.statement})
    added = parse_policy(text, _ADDED, kind="resource" if missing.kind == "resource" else "identity")
    return replace(policies, **{missing.kind: (*_of(policies, missing.kind), added)})


def _of(policies: PolicySet, kind: PolicyKind) -> tuple[Policy, ...]:
    return getattr(policies, kind) or ()


def _close(
    request: AccessRequest, policies: PolicySet, lacking: set[PolicyKind], *, context_known: bool
) -> Iterator[Close]:
    """Allows that might have been meant, where one is lacking; and denies whose conditions nobody knows."""
    context = {key.lower(): values for key, values in request.context.items()}
    for kind in _KINDS:
        for policy in _of(policies, kind):
            for statement in policy.index.of(request.action, "Allow") if kind in lacking else ():
                yield Close(policy.name, kind, statement.index, _why_not(statement, request, context, context_known))
            for statement in () if context_known else policy.index.of(request.action, "Deny"):
                if statement.conditions and statement.covers_resource(request.resource, context):
                    yield Close(policy.name, kind, statement.index, f"it denies if {_asked(statement.conditions[0])}")


def _why_not(statement: Statement, request: AccessRequest, context: Context, context_known: bool) -> str:
    """What of an allow does not fit the request."""
    if not statement.covers_resource(request.resource, context):
        element = "NotResource" if statement.not_resources else "Resource"
        return f"its {element} {_listed(statement.resources)} does not cover {request.resource}"
    for condition in statement.conditions:
        if not condition.holds(context):
            given = context.get(condition.key.lower())
            actual = "the request has none" if given is None else f"the request has {_listed(given)}"
            return (
                f"it allows if {_asked(condition)}; {actual if context_known else 'what the request had is not told'}"
            )
    return "its Principal is another"


def _asked(condition: Condition) -> str:
    return f"{condition.operator} {condition.key} {_listed(condition.values)}"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(json.dumps(value) for value in values) or "nothing"

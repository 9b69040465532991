"""Explanation of one decision: what decided, what nearly matched, and the smallest statements that would allow it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, Decision, Policy, PolicyKind, PolicySet
from surveyor_policies.parsing import parse_policy
from surveyor_policies.statements import Condition, Context, Statement

__all__ = ["Explanation", "MissingStatement", "NearMatch", "explain", "smallest_statement"]

_ADDED = "(added)"
_KINDS: tuple[PolicyKind, ...] = ("identity", "boundary", "session", "resource")


@dataclass(frozen=True)
class MissingStatement:
    """A statement that is missing, and the kind of policy that lacks it."""

    kind: PolicyKind
    statement: dict[str, object]


@dataclass(frozen=True)
class NearMatch:
    """A statement about the action that does not apply, with the reason."""

    policy: str
    kind: PolicyKind
    index: int
    why: str


@dataclass(frozen=True)
class Explanation:
    """Why a request is allowed or denied.

    ``missing`` has the smallest sufficient statement for each kind of policy that lacks an allow; with all of them the
    request is allowed. It is empty if an explicit deny decided, since no allow helps then.
    """

    request: AccessRequest
    decision: Decision
    missing: tuple[MissingStatement, ...]
    near_matches: tuple[NearMatch, ...]


def explain(request: AccessRequest, policies: PolicySet, *, context_known: bool = True) -> Explanation:
    """Decide the request and explain the decision.

    ``context_known`` is false if the request's context is not available: then no statement, whether it allows or
    denies, is excluded because of a condition.
    """
    decision = decide(request, policies)
    missing = tuple(_find_missing(request, policies, decision))
    lacking = {statement.kind for statement in missing}
    near_matches = tuple(_find_near_matches(request, policies, lacking, context_known=context_known))
    return Explanation(request, decision, missing, near_matches)


def smallest_statement(request: AccessRequest, kind: PolicyKind) -> dict[str, object]:
    """Return the smallest statement that allows ``request`` in a policy of this kind."""
    statement: dict[str, object] = {"Effect": "Allow"}
    if kind == "resource":
        statement["Principal"] = {"AWS": request.principal.issuer or request.principal.arn}
    statement["Action"] = request.action
    is_trust = ":role/" in request.resource or request.action.lower().startswith("sts:assumerole")
    if kind != "resource" or not is_trust:  # a trust policy belongs to its role
        statement["Resource"] = request.resource
    return statement


def _find_missing(request: AccessRequest, policies: PolicySet, decision: Decision) -> Iterator[MissingStatement]:
    """Add the missing statement to one kind of policy after the other, until the decision changes."""
    while decision.lacking:
        missing = MissingStatement(decision.lacking, smallest_statement(request, decision.lacking))
        yield missing
        policies = _with(policies, missing)
        before, decision = decision.lacking, decide(request, policies)
        if decision.lacking == before:
            return  # no single statement would allow it: the caller is a service or anonymous


def _with(policies: PolicySet, missing: MissingStatement) -> PolicySet:
    text = json.dumps({"Version": "2012-10-17", "Statement": missing.statement})
    added = parse_policy(text, _ADDED, kind="resource" if missing.kind == "resource" else "identity")
    return replace(policies, **{missing.kind: (*_policies_of(policies, missing.kind), added)})


def _policies_of(policies: PolicySet, kind: PolicyKind) -> tuple[Policy, ...]:
    return getattr(policies, kind) or ()


def _find_near_matches(
    request: AccessRequest, policies: PolicySet, lacking: set[PolicyKind], *, context_known: bool
) -> Iterator[NearMatch]:
    """Yield allows that may have been intended, where one is missing, and denies with unknown conditions."""
    context = {key.lower(): values for key, values in request.context.items()}
    for kind in _KINDS:
        for policy in _policies_of(policies, kind):
            for statement in policy.index.of(request.action, "Allow") if kind in lacking else ():
                yield NearMatch(
                    policy.name, kind, statement.index, _why_not(statement, request, context, context_known)
                )
            for statement in () if context_known else policy.index.of(request.action, "Deny"):
                if statement.conditions and statement.covers_resource(request.resource, context):
                    yield NearMatch(
                        policy.name, kind, statement.index, f"it denies if {_format_condition(statement.conditions[0])}"
                    )


def _why_not(statement: Statement, request: AccessRequest, context: Context, context_known: bool) -> str:
    """Return the part of an allow that does not match the request."""
    if not statement.covers_resource(request.resource, context):
        element = "NotResource" if statement.not_resources else "Resource"
        return f"its {element} {_listed(statement.resources)} does not cover {request.resource}"
    for condition in statement.conditions:
        if not condition.holds(context):
            values = context.get(condition.key.lower())
            actual = "the request has none" if values is None else f"the request has {_listed(values)}"
            return (
                f"it allows if {_format_condition(condition)}; "
                f"{actual if context_known else 'the value in the request is unknown'}"
            )
    return "its Principal does not match"


def _format_condition(condition: Condition) -> str:
    return f"{condition.operator} {condition.key} {_listed(condition.values)}"


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(json.dumps(value) for value in values) or "nothing"

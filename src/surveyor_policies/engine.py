"""Decide whether policies allow a request: a pure function of both.

Source: IAM User Guide, Policy evaluation logic, with its pages How AWS enforcement code logic evaluates requests and
Cross-account policy evaluation logic. An explicit deny in any policy decides. Otherwise, inside one account, an
identity-based or a resource-based policy must allow; permissions boundary and session policies must allow as well,
unless the resource-based policy names the user or the session itself. Across accounts both sides must allow. A role's
trust policy must allow the principal that assumes the role, in the same account too.

Errors never allow: an exception during evaluation is a denial and is logged as an error. Neither does a resource that
is not known: a deny with any Resource covers it, an allow only with ``*``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from .model import (
    UNKNOWN_RESOURCE,
    AccessRequest,
    Decision,
    Policy,
    PolicyKind,
    PolicySet,
    Principal,
    StatementRef,
)
from .principals import Grant, find_grant
from .statements import Context, Effect, Statement

__all__ = ["account_of", "decide"]

_NO_CONTEXT: Context = {}
_ACCOUNT = re.compile(r"arn:[^:]*:[^:]*:[^:]*:([0-9]+):")
_log = logging.getLogger(__name__)

_NAMES: dict[PolicyKind, str] = {
    "identity": "identity-based policy",
    "boundary": "permissions boundary",
    "session": "session policy",
    "resource": "resource-based policy",
}


def decide(request: AccessRequest, policies: PolicySet) -> Decision:
    """Return whether ``policies`` allow ``request``, and which statement decided."""
    try:
        return _decide(request, policies)
    except Exception:  # noqa: BLE001  # an unexpected error must never allow a request
        _log.exception("no decision on %s: denied", request.action)
        return Decision(False, "error", None, "because the policies could not be evaluated")


def account_of(request: AccessRequest) -> str:
    """Return the account that owns the resource: twelve digits."""
    if request.owner:
        return request.owner
    named = _ACCOUNT.match(request.resource)
    return named[1] if named else request.principal.account


def _decide(request: AccessRequest, policies: PolicySet) -> Decision:
    evaluation = _Evaluation(request, bounded=policies.boundary is not None)
    for kind, group in _kinds(policies):
        denied = evaluation.first("Deny", kind, group)
        if denied:
            return Decision(False, "explicit-deny", denied, f"with an explicit deny in {_a(kind)}")

    principal = request.principal
    by_resource, reach = evaluation.granted(policies.resource)
    if not principal.account:
        return _allowed(by_resource) if by_resource else _lacking(request, "resource")
    if account_of(request) != principal.account:
        if not by_resource:
            return _lacking(request, "resource")
        return evaluation.by_identity(policies)
    if by_resource and reach is Grant.DIRECT:
        return _allowed(by_resource)
    if by_resource and reach is Grant.ISSUER:
        return evaluation.limited(policies, by_resource)
    if not by_resource and _is_assumption(request):
        return _lacking(request, "resource")
    return evaluation.by_identity(policies)


class _Evaluation:
    """The evaluation of one request against policies."""

    __slots__ = ("action", "bounded", "context", "principal", "request", "resource")

    def __init__(self, request: AccessRequest, *, bounded: bool) -> None:
        self.request = request
        self.action = request.action
        self.resource = request.resource
        self.principal: Principal = request.principal
        self.bounded = bounded
        self.context: Context | None = None

    def covers(self, statement: Statement) -> bool:
        """Return whether a statement on this action matches resource and conditions, whatever its principals."""
        context: Context = _NO_CONTEXT
        if statement.reads_context:
            context = self.context or self._context()
        if self.resource == UNKNOWN_RESOURCE:
            if statement.effect == "Allow" and (statement.not_resources or "*" not in statement.resources):
                return False
        elif not statement.covers_resource(self.resource, context):
            return False
        return not statement.conditions or all(condition.holds(context) for condition in statement.conditions)

    def _context(self) -> Context:
        """Return the condition keys in lower case, computed when the first statement reads one."""
        self.context = {key.lower(): values for key, values in self.request.context.items()}
        return self.context

    def first(self, effect: Effect, kind: PolicyKind, policies: Iterable[Policy]) -> StatementRef | None:
        """Return the first statement of ``effect`` that applies."""
        for policy in policies:
            for statement in policy.index.of(self.action, effect):
                if self.covers(statement) and (
                    kind != "resource" or find_grant(statement, self.principal, bounded=self.bounded)
                ):
                    return _ref(policy, kind, statement)
        return None

    def granted(self, policies: Iterable[Policy]) -> tuple[StatementRef | None, Grant]:
        """Return the resource-based allow with the most direct grant."""
        best: StatementRef | None = None
        reach = Grant.NONE
        for policy in policies:
            for statement in policy.index.of(self.action, "Allow"):
                if self.covers(statement):
                    found = find_grant(statement, self.principal, bounded=self.bounded)
                    if found > reach:
                        best, reach = _ref(policy, "resource", statement), found
        return best, reach

    def by_identity(self, policies: PolicySet) -> Decision:
        """Decide by the identity-based policies and their limits: boundary and session policies."""
        if self.principal.kind == "root":
            return Decision(True, "allow", None, "because the root user of an account has full access")
        allow = self.first("Allow", "identity", policies.identity)
        if not allow:
            return _lacking(self.request, "identity")
        return self.limited(policies, allow)

    def limited(self, policies: PolicySet, allow: StatementRef) -> Decision:
        """Return the decision ``allow`` if boundary and session policies allow as well."""
        if policies.boundary is not None and not self.first("Allow", "boundary", policies.boundary):
            return _lacking(self.request, "boundary")
        if policies.session is not None and not self.first("Allow", "session", policies.session):
            return _lacking(self.request, "session")
        return _allowed(allow)


def _kinds(policies: PolicySet) -> tuple[tuple[PolicyKind, tuple[Policy, ...]], ...]:
    return (
        ("identity", policies.identity),
        ("boundary", policies.boundary or ()),
        ("session", policies.session or ()),
        ("resource", policies.resource),
    )


def _is_assumption(request: AccessRequest) -> bool:
    """Return whether a trust policy must allow this: an action of STS on a role."""
    return request.action.lower().startswith("sts:") and ":role/" in request.resource


def _ref(policy: Policy, kind: PolicyKind, statement: Statement) -> StatementRef:
    return StatementRef(policy.name, kind, statement.index)


def _allowed(by: StatementRef) -> Decision:
    return Decision(True, "allow", by, f"because {_a(by.kind)} allows it")


def _lacking(request: AccessRequest, kind: PolicyKind) -> Decision:
    return Decision(False, "implicit-deny", None, f"because no {_NAMES[kind]} allows the {request.action} action", kind)


def _a(kind: PolicyKind) -> str:
    name = _NAMES[kind]
    return f"{'an' if name[0] == 'i' else 'a'} {name}"

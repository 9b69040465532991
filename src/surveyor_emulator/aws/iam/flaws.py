"""An engine that is wrong on purpose, in a way in which engines are: for targets that suites are to see through.

A proxy can turn a refusal into an answer, but not decide wrongly; so the setting `iam_flaw` does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from surveyor_emulator.core.settings import IamFlaw
from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, Decision, Policy, PolicySet
from surveyor_policies.statements import Context, Statement, StatementIndex

__all__ = ["decide_wrongly"]


def decide_wrongly(flaw: IamFlaw, request: AccessRequest, policies: PolicySet) -> Decision:
    """The decision of an engine with that flaw."""
    if flaw == "fails-open":
        decision = decide(request, policies)
        return decision if decision.reason == "explicit-deny" else replace(decision, allowed=True, reason="allow")
    spoiled: dict[IamFlaw, Callable[[Statement], Statement | None]] = {
        "ignores-deny": lambda one: one if one.effect == "Allow" else None,
        "ignores-conditions": lambda one: replace(one, conditions=()),
        "ignores-case": _without_case,
    }
    spoil = spoiled[flaw]

    def each(group: tuple[Policy, ...]) -> tuple[Policy, ...]:
        return tuple(_with(policy, tuple(filter(None, map(spoil, policy.statements)))) for policy in group)

    return decide(
        request,
        PolicySet(
            identity=each(policies.identity),
            boundary=each(policies.boundary) if policies.boundary is not None else None,
            session=each(policies.session) if policies.session is not None else None,
            resource=each(policies.resource),
        ),
    )


def _with(policy: Policy, statements: tuple[Statement, ...]) -> Policy:
    return replace(policy, statements=statements, index=StatementIndex(statements))


def _without_case(statement: Statement) -> Statement:
    named = {one.lower() for one in statement.resources}
    covers = statement.covers_resource

    def either(resource: str, context: Context) -> bool:
        return resource.lower() in named or covers(resource, context)

    return replace(statement, covers_resource=either)

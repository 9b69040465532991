"""Mutations of permission decisions: the ways in which policy engines are known to be wrong.

A proxy can turn a refusal into a success, but it cannot decide wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from surveyor_emulator.aws.iam import authorise  # noqa: F401  (binds the name `decide`, which is replaced there)
from surveyor_policies.engine import decide
from surveyor_policies.model import AccessRequest, Decision, Policy, PolicySet
from surveyor_policies.statements import Context, Statement, StatementIndex

from .registry import Patches, mutation

__all__ = ["fails_open", "ignores_case", "ignores_conditions", "ignores_deny"]


@mutation("ignores-deny")
def ignores_deny(patches: Patches) -> None:
    """Drop statements that deny."""
    _decide_on_changed_statements(patches, lambda statement: statement if statement.effect == "Allow" else None)


@mutation("ignores-conditions")
def ignores_conditions(patches: Patches) -> None:
    """Read every statement without its conditions."""
    _decide_on_changed_statements(patches, lambda statement: replace(statement, conditions=()))


@mutation("ignores-case")
def ignores_case(patches: Patches) -> None:
    """Compare resources without regard to case."""
    _decide_on_changed_statements(patches, _without_case)


@mutation("fails-open")
def fails_open(patches: Patches) -> None:
    """Allow all that no statement denies explicitly."""

    def decide_openly(request: AccessRequest, policies: PolicySet) -> Decision:
        decision = decide(request, policies)
        return decision if decision.reason == "explicit-deny" else replace(decision, allowed=True, reason="allow")

    patches.replace(decide, decide_openly)


def _decide_on_changed_statements(patches: Patches, change: Callable[[Statement], Statement | None]) -> None:
    """Decide as the engine does, on policies in which each statement has been changed or, for None, dropped."""

    def changed(policies: tuple[Policy, ...]) -> tuple[Policy, ...]:
        return tuple(
            _with_statements(policy, tuple(filter(None, map(change, policy.statements)))) for policy in policies
        )

    def decide_on_changed(request: AccessRequest, policies: PolicySet) -> Decision:
        return decide(
            request,
            PolicySet(
                identity=changed(policies.identity),
                boundary=changed(policies.boundary) if policies.boundary is not None else None,
                session=changed(policies.session) if policies.session is not None else None,
                resource=changed(policies.resource),
            ),
        )

    patches.replace(decide, decide_on_changed)


def _with_statements(policy: Policy, statements: tuple[Statement, ...]) -> Policy:
    return replace(policy, statements=statements, index=StatementIndex(statements))


def _without_case(statement: Statement) -> Statement:
    lower_case = {resource.lower() for resource in statement.resources}
    covers_resource = statement.covers_resource

    def covers_in_any_case(resource: str, context: Context) -> bool:
        return resource.lower() in lower_case or covers_resource(resource, context)

    return replace(statement, covers_resource=covers_in_any_case)

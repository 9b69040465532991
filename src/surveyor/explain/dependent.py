"""The further actions that a call needs beside its own, and those that no given policy allows.

The resources of these actions depend on what the call finds. So only an action without any allow is reported as
missing: a statement about one hosted zone may be the right one.
"""

from __future__ import annotations

from dataclasses import dataclass

from surveyor_policies.dependent import DEPENDENT
from surveyor_policies.model import Policy, PolicyKind, PolicySet

__all__ = ["DependentActions", "find_dependent_actions"]


@dataclass(frozen=True)
class DependentActions:
    """The further actions that a call needs of its caller; ``missing``: those without an allow, by kind of policy."""

    actions: tuple[str, ...]
    missing: dict[PolicyKind, tuple[str, ...]]


def find_dependent_actions(action: str, policies: PolicySet) -> DependentActions | None:
    """Return what ``action`` needs beside itself; ``None`` if it needs nothing."""
    actions = next((required for name, required in DEPENDENT.items() if name.lower() == action.lower()), ())
    if not actions:
        return None
    groups: dict[PolicyKind, tuple[Policy, ...] | None] = {
        "identity": policies.identity,
        "boundary": policies.boundary,
        "session": policies.session,
    }
    missing: dict[PolicyKind, tuple[str, ...]] = {}
    for kind, group in groups.items():
        if group is not None:
            missing[kind] = tuple(
                required for required in actions if not any(policy.index.of(required, "Allow") for policy in group)
            )
    return DependentActions(actions, {kind: lacking for kind, lacking in missing.items() if lacking})

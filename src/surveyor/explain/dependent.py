"""What a call needs beside its own action, and which of it no given policy speaks of.

Which resources those actions are about depends on what the call finds, so that only an allow which is missing
altogether is told: a statement about one hosted zone may well be the right one.
"""

from __future__ import annotations

from dataclasses import dataclass

from surveyor_policies.dependent import DEPENDENT
from surveyor_policies.model import Policy, PolicyKind, PolicySet

__all__ = ["Dependent", "dependent"]


@dataclass(frozen=True)
class Dependent:
    """The actions that a call needs of its caller too; ``missing`` by the kind of policy that has no allow of them."""

    actions: tuple[str, ...]
    missing: dict[PolicyKind, tuple[str, ...]]


def dependent(action: str, policies: PolicySet) -> Dependent | None:
    """What ``action`` needs beside itself; ``None`` where it needs nothing."""
    actions = next((needed for name, needed in DEPENDENT.items() if name.lower() == action.lower()), ())
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
            unspoken = (each for each in actions if not any(policy.index.of(each, "Allow") for policy in group))
            missing[kind] = tuple(unspoken)
    return Dependent(actions, {kind: lacking for kind, lacking in missing.items() if lacking})

"""A policy's statements as the engine reads them: as they were written, with what was made ready beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Condition", "Context", "Effect", "Statement", "StatementIndex"]

Effect = Literal["Allow", "Deny"]
Context = Mapping[str, tuple[str, ...]]
"""The condition keys of a request, in lower case, with their values."""

_REMEMBERED_ACTIONS = 1024  # actions are named by our own gateway, so this is never reached; a bound all the same


@dataclass(frozen=True, slots=True)
class Condition:
    """One key under one operator: ``ForAnyValue:StringLikeIfExists``, the key as written, the values."""

    operator: str
    key: str
    values: tuple[str, ...]
    holds: Callable[[Context], bool] = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement.

    ``not_actions`` tells that ``actions`` stood under NotAction, and so on. ``principals`` has pairs of a type
    (``AWS``, ``Service``, ``Federated``, ``CanonicalUser``) and a value, and is ``None`` in identity-based policies.
    ``reads_context`` tells whether anything in it depends on condition keys.
    """

    index: int
    sid: str | None
    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...] = ()
    principals: tuple[tuple[str, str], ...] | None = None
    not_actions: bool = False
    not_resources: bool = False
    not_principals: bool = False
    reads_context: bool = True
    covers_action: Callable[[str], bool] = field(kw_only=True, repr=False, compare=False)
    covers_resource: Callable[[str, Context], bool] = field(kw_only=True, repr=False, compare=False)


class StatementIndex:
    """Finds the statements that speak of an action without looking at all of them.

    They are grouped by the service prefix of what they name; a pattern there, ``*`` and NotAction put a statement into
    every group. What was found for an action is kept.
    """

    __slots__ = ("_anywhere", "_by_service", "_found")

    def __init__(self, statements: tuple[Statement, ...]) -> None:
        self._by_service: dict[str, list[Statement]] = {}
        self._anywhere: list[Statement] = []
        self._found: dict[str, dict[Effect, tuple[Statement, ...]]] = {}
        for statement in statements:
            services = {action.partition(":")[0].lower() for action in statement.actions}
            if statement.not_actions or any("*" in service or "?" in service for service in services):
                self._anywhere.append(statement)
            else:
                for service in services:
                    self._by_service.setdefault(service, []).append(statement)

    def of(self, action: str, effect: Effect) -> tuple[Statement, ...]:
        """The statements of ``effect`` whose Action or NotAction covers ``action``, in the order of the document."""
        found = self._found.get(action)
        if found is None:
            if len(self._found) >= _REMEMBERED_ACTIONS:
                self._found.clear()
            found = self._found[action] = self._look_up(action)
        return found[effect]

    def _look_up(self, action: str) -> dict[Effect, tuple[Statement, ...]]:
        candidates = self._by_service.get(action.partition(":")[0].lower(), []) + self._anywhere
        covering = sorted((s for s in candidates if s.covers_action(action)), key=lambda s: s.index)
        return {
            "Allow": tuple(s for s in covering if s.effect == "Allow"),
            "Deny": tuple(s for s in covering if s.effect == "Deny"),
        }

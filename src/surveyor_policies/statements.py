"""Statements of a policy as the engine reads them: the text as written, and functions compiled from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

__all__ = ["Condition", "Context", "Effect", "Statement", "StatementIndex"]

Effect = Literal["Allow", "Deny"]
Context = Mapping[str, tuple[str, ...]]
"""The condition keys of a request, in lower case, with their values."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One key with one operator: for example ``ForAnyValue:StringLikeIfExists``, the key as written, and the values."""

    operator: str
    key: str
    values: tuple[str, ...]
    holds: Callable[[Context], bool]


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a policy.

    ``not_actions`` means that ``actions`` are those of NotAction; the same holds for the other ``not_`` members.
    ``principals`` has pairs of a type (``AWS``, ``Service``, ``Federated``, ``CanonicalUser``) and a value, and is
    ``None`` in identity-based policies. ``reads_context`` is true if any part of it depends on condition keys.
    """

    index: int
    sid: str | None
    effect: Effect
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    principals: tuple[tuple[str, str], ...] | None
    not_actions: bool
    not_resources: bool
    not_principals: bool
    reads_context: bool
    covers_action: Callable[[str], bool]
    covers_resource: Callable[[str, Context], bool]


class StatementIndex:
    """An index that finds the statements on an action without reading all of them.

    Statements are grouped by the service prefix of their actions; a pattern in the prefix, ``*`` and NotAction put a
    statement into every group. Results are cached by action.
    """

    __slots__ = ("_anywhere", "_by_service", "_found")

    def __init__(self, statements: Iterable[Statement]) -> None:
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
        """Return the statements of ``effect`` whose Action or NotAction covers ``action``, in document order."""
        found = self._found.get(action)
        if found is None:
            found = self._found[action] = self._look_up(action)
        return found[effect]

    def _look_up(self, action: str) -> dict[Effect, tuple[Statement, ...]]:
        candidates = self._by_service.get(action.partition(":")[0].lower(), []) + self._anywhere
        covering = sorted((s for s in candidates if s.covers_action(action)), key=lambda s: s.index)
        return {
            "Allow": tuple(s for s in covering if s.effect == "Allow"),
            "Deny": tuple(s for s in covering if s.effect == "Deny"),
        }

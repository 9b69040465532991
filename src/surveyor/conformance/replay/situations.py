"""Situations: what exists in the account before the request of a recording is sent. The table of their names.

A situation is a pytest fixture that returns variables for the request. An observation is one that returns what it saw,
for facts that no single call shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

__all__ = ["MODULES", "OBSERVATIONS", "SITUATIONS", "Setting", "fixture_name", "observation", "situation"]

F = TypeVar("F", bound=Callable[..., Any])

MODULES = tuple(
    f"surveyor.conformance.replay.{name}"
    for name in (
        "cloudmap_situations",
        "route53_situations",
        "ecs_situations",
        "connect_situations",
        "other_situations",
        "observations",
    )
)
"""The modules that define situations and observations; each is a plugin of pytest."""


@dataclass(frozen=True)
class Setting:
    """A situation or an observation: what it is, and the features that a target needs for it."""

    description: str
    features: frozenset[str]


SITUATIONS: dict[str, Setting] = {}
OBSERVATIONS: dict[str, Setting] = {}


def situation(name: str, *features: str) -> Callable[[F], Any]:
    """Make a fixture the situation `name`; it returns the variables of requests as a dict of texts."""
    return _register(SITUATIONS, "situation", name, features)


def observation(name: str, *features: str) -> Callable[[F], Any]:
    """Make a fixture the observation `name`; it returns a dict, which is compared like an answer."""
    return _register(OBSERVATIONS, "observation", name, features)


def fixture_name(kind: str, name: str) -> str:
    """Return the name of the fixture of a situation or observation."""
    return f"{kind}_{name.replace('-', '_')}"


def _register(table: dict[str, Setting], kind: str, name: str, features: tuple[str, ...]) -> Callable[[F], Any]:
    def register(function: F) -> Any:
        table[name] = Setting((function.__doc__ or "").strip(), frozenset({"cloudmap", *features}))
        return pytest.fixture(name=fixture_name(kind, name))(function)

    return register

"""Paths in JSON values: the values at a path are changed or removed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.conformance.mutants import paths


def value() -> dict[str, Any]:
    """Return a value with lists and maps in it."""
    return {"a": {"b": 1}, "l": [{"x": 1}, {"x": 2}, {"y": 3}], "m": {"p": {"x": 4}}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.b", {"a": {"b": 10}, "l": [{"x": 1}, {"x": 2}, {"y": 3}], "m": {"p": {"x": 4}}}),
        ("l.*.x", {"a": {"b": 1}, "l": [{"x": 10}, {"x": 20}, {"y": 3}], "m": {"p": {"x": 4}}}),
        ("m.*.x", {"a": {"b": 1}, "l": [{"x": 1}, {"x": 2}, {"y": 3}], "m": {"p": {"x": 40}}}),
        ("a.none", value()),
        ("none.b", value()),
        ("a.b.c", value()),
    ],
)
def test_existing_values_are_changed(path: str, expected: object) -> None:
    """A star is each entry of a list or map; an absent value is left absent."""
    changed = value()
    paths.change(changed, path, lambda old: old * 10)
    assert changed == expected


def test_absent_values_can_be_created() -> None:
    """With `create`, absent values and the objects on the path to them are created."""
    changed: dict[str, Any] = {}
    paths.change(changed, "a.b", lambda old: 1, create=True)
    assert changed == {"a": {"b": 1}}


@pytest.mark.parametrize(("path", "expected"), [("l.*", []), ("l.*.x", [{}, {}, {"y": 3}])])
def test_every_match_is_removed(path: str, expected: object) -> None:
    """Removing each entry of a list empties it."""
    changed = value()
    paths.remove(changed, path)
    assert changed["l"] == expected

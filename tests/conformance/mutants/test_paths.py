"""Places in JSON values: what stands there is changed or removed, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.conformance.mutants import paths


def value() -> dict[str, Any]:
    """A value with lists and maps in it."""
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
def test_changes_what_stands_there(path: str, expected: object) -> None:
    """A star is each of a list or map; where nothing stands nothing happens."""
    found = value()
    paths.change(found, path, lambda one: one * 10)
    assert found == expected


def test_makes_what_is_missing_if_told() -> None:
    """With `missing`, places and the way to them are made."""
    found: dict[str, Any] = {}
    paths.change(found, "a.b", lambda one: 1, missing=True)
    assert found == {"a": {"b": 1}}


@pytest.mark.parametrize(("path", "left"), [("l.*", []), ("l.*.x", [{}, {}, {"y": 3}])])
def test_removes_every_place(path: str, left: object) -> None:
    """Removing each of a list empties it."""
    found = value()
    paths.remove(found, path)
    assert found["l"] == left

"""The structure check of `make lint`."""

from __future__ import annotations

from pathlib import Path

from tests.structure import class_names_defined_twice, find_circle


def test_a_circle_is_found() -> None:
    """Modules that import each other in a circle are named, the first one again at the end."""
    circle = find_circle({"a": ["b"], "b": ["c"], "c": ["a"], "d": ["a"]})
    assert circle[0] == circle[-1]
    assert set(circle) == {"a", "b", "c"}


def test_imports_of_oneself_and_chains_are_no_circle() -> None:
    """A package that imports its own modules, and a chain of imports, are fine."""
    assert find_circle({"a": ["a", "b"], "b": ["c"], "c": []}) == []


def test_public_class_names_must_be_unique(tmp_path: Path) -> None:
    """A public name that two files define is reported with both; private and nested classes are not."""
    tree = tmp_path / "package"
    tree.mkdir()
    (tree / "one.py").write_text("class Row: ...\nclass _Row: ...\n")
    (tree / "two.py").write_text("class Row: ...\nclass _Row: ...\nclass Other:\n    class Row: ...\n")
    assert class_names_defined_twice(tree) == {"Row": ["package/one.py", "package/two.py"]}

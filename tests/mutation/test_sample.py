"""Source mutants: what is edited, what is left out, and a sample by seed that is spread over the areas."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from surveyor.layout import find_layout
from tests.mutation.edits import candidates_in
from tests.mutation.reach import Reach, load_reach, save_reach
from tests.mutation.sample import AREAS, area_of, choose

SOURCE = find_layout().root / "src"

EXAMPLE = '''"""A module."""

from __future__ import annotations

__all__ = ["f"]
LIMIT = 8


def f(count: int, name: str) -> bool:
    """Return something."""
    if count > LIMIT and name == "ecs":
        raise ValueError(f"more than {LIMIT}", "a text of several words")
    log.warning("too many", count)
    publish(count)
    return not name
'''


def edits_of(tmp_path: Path, text: str) -> list[tuple[str, str, str]]:
    """Return (operator, before, after) of all edits of a module."""
    path = tmp_path / "example.py"
    path.write_text(text, "utf-8")
    found = [candidate.render() for candidate in candidates_in(tmp_path, path)]
    for mutant in found:
        ast.parse(mutant.text)
    return [(mutant.operator, mutant.before, mutant.after) for mutant in found]


def test_edits_are_small_and_of_each_kind(tmp_path: Path) -> None:
    """Comparisons, conditions, constants, texts, calls and boolean operators are edited, one at a time."""
    found = edits_of(tmp_path, EXAMPLE)
    condition = 'if count > LIMIT and name == "ecs":'
    assert ("swap_op", condition, 'if count >= LIMIT and name == "ecs":') in found
    assert ("swap_op", condition, 'if count > LIMIT or name == "ecs":') in found
    assert ("condition_true", condition, "if True:") in found
    assert ("number", "LIMIT = 8", "LIMIT = 9") in found
    assert ("number_minus", "LIMIT = 8", "LIMIT = 7") in found
    assert ("removed_call", "publish(count)", "pass") in found
    assert ("remove_unary_ops", "return not name", "return name") in found
    assert all(before != after for _, before, after in found)


def test_messages_and_annotations_are_left_out(tmp_path: Path) -> None:
    """Docstrings, texts with spaces, logs, annotations and exports are no documented behaviour."""
    changed = " ".join(before for _, before, _ in edits_of(tmp_path, EXAMPLE))
    for text in ("A module", "Return something", "several words", "too many", "__all__", "annotations", "count: int"):
        assert text not in changed


@pytest.mark.soak
def test_the_sample_is_spread_and_repeatable() -> None:
    """Each area has its share, and the same seed chooses the same edits."""
    first, again, other = (choose(SOURCE, 30, seed) for seed in (7, 7, 8))
    assert [mutant.key for mutant in first] == [mutant.key for mutant in again]
    assert {mutant.key for mutant in first} != {mutant.key for mutant in other}
    assert Counter(area_of(mutant.file) for mutant in first) == dict.fromkeys(AREAS, 5)


def test_tests_of_a_line_are_the_quickest_first(tmp_path: Path) -> None:
    """A line that runs at import only is reached by all tests of the file; failing tests are never chosen."""
    reach = Reach({"a": 2.0, "b": 1.0, "c": 0.5}, {"x.py": {3: frozenset({"a", "b", "failing"}), 4: frozenset({"a"})}})
    save_reach(reach, tmp_path / "reach.json")
    loaded = load_reach(tmp_path / "reach.json")
    assert loaded.tests_of("x.py", 3) == ["b", "a"]
    assert loaded.tests_of("x.py", 9) == ["b", "a"]
    assert loaded.tests_of("x.py", 4) == ["a"]
    assert loaded.tests_of("x.py", 4, at_import=True) == ["b", "a"]
    assert loaded.tests_of("tables.py", 1) == ["c", "b", "a"]


@pytest.mark.parametrize("path", ["surveyor_emulator/core/clock.py", "surveyor/cli/chaos.py"])
def test_other_files_have_no_area(path: str) -> None:
    """The harness and the ground modules of the emulator are not sampled."""
    assert area_of(path) == ""

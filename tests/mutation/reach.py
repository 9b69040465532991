"""Which tests reach which line of the emulator, recorded once by running all suites."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Reach", "load_reach", "merge_recorded", "save_reach"]

_STARTING = ""
"""The context of lines that run while the emulator starts, before any test."""


@dataclass(frozen=True)
class Reach:
    """`seconds`: wall seconds of each test that passes; `lines`: file -> line -> tests, without the start-up."""

    seconds: Mapping[str, float]
    lines: Mapping[str, Mapping[int, frozenset[str]]]

    def tests_of(self, file: str, line: int, *, at_import: bool = False) -> list[str]:
        """Return the tests that can notice an edit of a line, the quickest first.

        Those that run the line; for one that runs when the file is imported, such as a table, all that run any line of
        the file, whichever of them imported it; for a file of tables only, all tests.
        """
        lines = self.lines.get(file, {})
        reached = None if at_import else lines.get(line)
        tests = reached or frozenset().union(*lines.values()) or frozenset(self.seconds)
        return sorted(tests & self.seconds.keys(), key=lambda test: (self.seconds[test], test))


def merge_recorded(folder: Path, seconds: Mapping[str, float]) -> Reach:
    """Return what the recorders wrote to a folder, one file for each."""
    lines: dict[str, dict[int, set[str]]] = {}
    for path in sorted(folder.glob("*.json")):
        recorded = json.loads(path.read_text("utf-8"))
        contexts = recorded["contexts"]
        for file, numbers in recorded["files"].items():
            of_file = lines.setdefault(file, {})
            for line, tests in numbers.items():
                of_file.setdefault(int(line), set()).update(contexts[test] for test in tests)
    return Reach(dict(seconds), {file: _without_start(found) for file, found in lines.items()})


def save_reach(reach: Reach, path: Path) -> None:
    """Write the value to a file; tests are numbered."""
    tests = sorted(reach.seconds)
    numbers = {test: number for number, test in enumerate(tests)}
    lines = {
        file: {line: sorted(numbers[test] for test in found if test in numbers) for line, found in of_file.items()}
        for file, of_file in reach.lines.items()
    }
    path.write_text(json.dumps({"tests": tests, "seconds": [reach.seconds[test] for test in tests], "lines": lines}))


def load_reach(path: Path) -> Reach:
    """Return the value in a file of `save_reach`."""
    saved = json.loads(path.read_text("utf-8"))
    tests: list[str] = saved["tests"]
    lines = {
        file: {int(line): frozenset(tests[number] for number in found) for line, found in of_file.items()}
        for file, of_file in saved["lines"].items()
    }
    return Reach(dict(zip(tests, saved["seconds"], strict=True)), lines)


def _without_start(lines: Mapping[int, Iterable[str]]) -> dict[int, frozenset[str]]:
    return {line: frozenset(tests) - {_STARTING} for line, tests in lines.items()}

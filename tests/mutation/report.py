"""The result of a sample of source mutants: shares by area, survivors, and what was set aside with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from surveyor.conformance.mutants.response_change import ResponseChange
from surveyor.layout import find_layout
from tests.mutation.edits import SourceMutant
from tests.mutation.responses import JudgedChange
from tests.mutation.sample import AREAS, area_of
from tests.mutation.source import Judged

__all__ = [
    "SURVIVORS",
    "Free",
    "Summary",
    "load_free",
    "load_set_aside",
    "reason_free",
    "save_survivors",
    "save_unnoticed",
    "summarise",
]

SURVIVORS = "mutants/source/survivors.md"
SET_ASIDE = "mutants/source/set-aside.toml"
UNNOTICED = "mutants/responses/unnoticed.md"
FREE = "mutants/responses/free.toml"


@dataclass(frozen=True)
class Summary:
    """The shares in one text; `percent` of the mutants that count were noticed."""

    text: str
    percent: float


def load_set_aside() -> dict[str, str]:
    """Return the reasons why mutants do not count, by key: equivalent, or of something that no document describes."""
    path = find_layout().root / SET_ASIDE
    if not path.exists():
        return {}
    return {key: entry["reason"] for key, entry in tomllib.loads(path.read_text("utf-8")).items()}


def summarise(
    judged: Sequence[Judged], aside: Sequence[SourceMutant], *, planned: int, seed: int, seconds: float
) -> Summary:
    """Return the shares by area and in all. `aside` do not count; `planned` mutants should have been judged."""
    rows = [
        _row(
            area,
            [found for found in judged if area_of(found.mutant.file) == area],
            sum(area_of(mutant.file) == area for mutant in aside),
        )
        for area in AREAS
    ]
    whole = _row("all", judged, len(aside))
    lines = ["area              mutants  set aside  count  noticed  died  survived  noticed %"]
    lines += [row.line for row in (*rows, whole) if row.mutants]
    if len(judged) < planned:
        lines.append(f"{planned - len(judged)} of {planned} mutants were not judged: the budget was spent")
    lines.append(
        f"seed {seed}, {seconds:.0f} s; set aside {100 * whole.aside / max(1, whole.mutants):.1f} % of the sample"
    )
    return Summary("\n".join(lines), whole.percent)


def save_survivors(
    path: Path, summary: Summary, judged: Sequence[Judged], aside: Sequence[SourceMutant], reasons: Mapping[str, str]
) -> None:
    """Write survivors by file, those set aside with their reasons."""
    lines = [
        "# Source mutants that the suites do not notice",
        "",
        "Written by `make mutation ARGS='source --save'`. Each line is one edit of the source, with the number of",
        "tests that run it. Edits that do not count are in [set-aside.toml](set-aside.toml), with the reason.",
        "",
        *(f"    {line}" for line in summary.text.splitlines()),
    ]
    survivors = [found for found in judged if not found.noticed]
    for file in sorted({found.mutant.file for found in survivors}):
        lines += ["", f"## {file}", ""]
        for found in survivors:
            if found.mutant.file == file:
                mutant = found.mutant
                edit = f"`{_one_line(mutant.before)}` → `{_one_line(mutant.after)}`"
                lines.append(
                    f"- {mutant.key}, line {mutant.line}, {mutant.function or 'module'}: {edit} ({found.ran} tests)"
                )
    lines += ["", "## Set aside", ""] if aside else []
    for mutant in aside:
        edit = f"`{_one_line(mutant.before)}` → `{_one_line(mutant.after)}`"
        lines.append(f"- {mutant.key}, {mutant.file}: {edit}: {reasons[mutant.key]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")


@dataclass(frozen=True)
class Free:
    """Response mutants that need not be noticed, by patterns of answers and of `path` or `path change`."""

    answers: tuple[str, ...]
    paths: tuple[str, ...]
    reason: str

    def covers(self, change: ResponseChange) -> bool:
        """Return whether a change is one of them."""
        names = (change.path, f"{change.path} {change.change}")
        return any(fnmatchcase(change.answer, answer) for answer in self.answers) and any(
            fnmatchcase(name, path) for name in names for path in self.paths
        )


def load_free() -> list[Free]:
    """Return which response mutants need not be noticed, and why."""
    path = find_layout().root / FREE
    rows = tomllib.loads(path.read_text("utf-8"))["free"] if path.exists() else []
    return [Free(tuple(row["answers"]), tuple(row["paths"]), row["reason"]) for row in rows]


def reason_free(change: ResponseChange, free: Sequence[Free]) -> str:
    """Return why a change need not be noticed, "" if it must."""
    return next((entry.reason for entry in free if entry.covers(change)), "")


def save_unnoticed(judged: Sequence[JudgedChange], aside: int, seed: int, seconds: float, *, save: bool) -> str:
    """Return the shares as text; with `save` write what no suite notices, by operation and member."""
    answers: dict[str, list[JudgedChange]] = {}
    for found in judged:
        answers.setdefault(found.change.answer, []).append(found)
    noticed = sum(found.noticed for found in judged)
    text = (
        f"{len(judged)} response mutants: {noticed} noticed ({100 * noticed / max(1, len(judged)):.1f} %), "
        f"{len(judged) - noticed} not; {aside} more are documented as free; seed {seed}, {seconds:.0f} s"
    )
    if not save:
        return text
    lines = [
        "# Response mutants that the suites do not notice",
        "",
        text,
        "",
        "| answer | mutants | noticed |",
        "|---|---|---|",
    ]
    lines += [f"| {name} | {len(of)} | {sum(found.noticed for found in of)} |" for name, of in sorted(answers.items())]
    for name, of in sorted(answers.items()):
        if missed := sorted(str(found.change.path) + " " + found.change.change for found in of if not found.noticed):
            lines += ["", f"## {name}", "", *(f"- {line}" for line in missed)]
    path = find_layout().root / UNNOTICED
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return text


@dataclass(frozen=True)
class _Row:
    area: str
    mutants: int
    aside: int
    noticed: int
    died: int
    survived: int

    @property
    def count(self) -> int:
        return self.mutants - self.aside

    @property
    def line(self) -> str:
        return (
            f"{self.area:<17} {self.mutants:>7}  {self.aside:>9}  {self.count:>5}  {self.noticed:>7}  {self.died:>4}  "
            f"{self.survived:>8}  {self.percent:>8.1f}"
        )

    @property
    def percent(self) -> float:
        return 100 * (self.noticed + self.died) / self.count if self.count else 100.0


def _row(area: str, judged: Sequence[Judged], aside: int) -> _Row:
    how = [found.how for found in judged]
    return _Row(area, len(judged) + aside, aside, how.count("noticed"), how.count("died"), how.count("survived"))


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")[:160] or "(nothing)"

"""What a known target is known to get wrong, claim by claim, so that a run tells what moved and not what is old.

An entry holds a verdict and its symptom; anything else that comes instead, a pass too, is unexpected. It also says
why, and until when that may stay so.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from surveyor.errors import TargetFileError
from surveyor.targets.model import Target
from surveyor.verdicts import Verdict

__all__ = ["Expectation", "Expectations", "expectations_file", "load_expectations", "write_expectations"]

_ALLOWED = (Verdict.FAIL, Verdict.INCONCLUSIVE)
_KEYS = {"claim", "verdict", "symptom", "reason", "link", "expires"}


@dataclass(frozen=True)
class Expectation:
    """One claim that a target is known not to hold. `expires`: the first day on which this must be looked at again."""

    claim: str
    verdict: Verdict
    symptom: str
    expires: date
    reason: str = ""
    link: str = ""


@dataclass(frozen=True)
class Expectations:
    """All entries of one target."""

    entries: Mapping[str, Expectation] = field(default_factory=dict)

    def objection(self, claim: str, verdict: Verdict, symptom: str, today: date) -> str:
        """Why this outcome is not what was expected of the claim; "" if it is."""
        entry = self.entries.get(claim)
        if entry is None:
            if verdict in (Verdict.PASS, Verdict.UNSUPPORTED):
                return ""
            return f"expected pass, came {verdict}"
        if entry.expires <= today:
            return f"its expectation ({entry.verdict}) expired on {entry.expires}: {entry.reason or entry.link}"
        if verdict is not entry.verdict:
            return f"expected {entry.verdict} ({entry.reason or entry.link}), came {verdict}"
        if symptom != entry.symptom:
            return f"expected the symptom {entry.symptom!r}, came {symptom!r}"
        return ""

    def unknown(self, known: Iterable[str]) -> list[str]:
        """Entries for claims that do not exist, one line each."""
        there = set(known)
        return [f"an expectation names the unknown claim {claim!r}" for claim in self.entries if claim not in there]


def expectations_file(target: Target, targets: Path) -> Path:
    """Where a target's entries are: in `expectations/` beside its file; below `targets` for one without a file."""
    folder = target.file.parent if target.file else targets
    return folder / "expectations" / f"{target.name}.toml"


def load_expectations(path: Path) -> Expectations:
    """The entries in a file; none if there is no file. Raises TargetFileError with the entry that is wrong."""
    if not path.exists():
        return Expectations()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as broken:
        raise TargetFileError(f"{path}: cannot be read: {broken}") from None
    rows = table.pop("expected", [])
    if table or not isinstance(rows, list):
        actual = ", ".join(table) or "something else"
        raise TargetFileError(f"{path}: expected [[expected]] entries only, came {actual}")
    entries: dict[str, Expectation] = {}
    for number, row in enumerate(rows, 1):
        try:
            entry = _entry(row)
            if entry.claim in entries:
                raise ValueError(f"{entry.claim} has two entries")
        except ValueError as wrong:
            raise TargetFileError(f"{path}: entry {number}: {wrong}") from None
        entries[entry.claim] = entry
    return Expectations(entries)


def write_expectations(path: Path, target: str, fresh: Iterable[Expectation], standing: Expectations) -> int:
    """Write one entry for each in `fresh`; reason, link and date of a standing one are kept. Returns how many."""
    entries = sorted((_kept(entry, standing.entries.get(entry.claim)) for entry in fresh), key=lambda one: one.claim)
    command = f"surveyor conform --target {target} --update-expectations"
    head = f"# What {target} is known to get wrong, written by:\n# {command}\n# Reasons, links and dates are kept.\n"
    parts = [head, *(_toml(entry) for entry in entries)]
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(".toml.new")
    whole.write_text("\n".join(parts), encoding="utf-8")
    whole.replace(path)
    return len(entries)


def _entry(row: Any) -> Expectation:
    if not isinstance(row, dict):
        raise ValueError("is no table")
    odd = sorted(row.keys() - _KEYS)
    if odd:
        raise ValueError(f"has the unknown key {odd[0]!r}")
    for key in ("claim", "verdict", "symptom"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise ValueError(f"needs {key}, a text")
    texts = {key: row.get(key, "") for key in ("reason", "link")}
    if not all(isinstance(text, str) for text in texts.values()) or not any(texts.values()):
        raise ValueError("needs a reason or a link, a text")
    if row["verdict"] not in _ALLOWED:
        raise ValueError(f"verdict must be one of {', '.join(_ALLOWED)}, not {row['verdict']!r}")
    expires = row.get("expires")
    if type(expires) is not date:
        raise ValueError("needs expires, a date")
    return Expectation(row["claim"], Verdict(row["verdict"]), row["symptom"], expires, texts["reason"], texts["link"])


def _kept(fresh: Expectation, standing: Expectation | None) -> Expectation:
    if standing is None:
        return fresh
    return replace(fresh, reason=standing.reason, link=standing.link, expires=standing.expires)


def _toml(entry: Expectation) -> str:
    lines = ["[[expected]]"]
    for key in ("claim", "verdict", "symptom", "reason", "link"):
        text = str(getattr(entry, key))
        if text:
            # JSON's escapes are TOML's, but for DEL, which TOML wants escaped too.
            quoted = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
            lines.append(f"{key} = {quoted}")
    lines.append(f"expires = {entry.expires.isoformat()}")
    return "\n".join(lines) + "\n"

"""The known failures of a target, claim by claim, so that a run reports only what changed.

An entry holds a verdict and its symptom (tests, parameters and error codes, never source text); any other outcome,
also a pass, is unexpected. An entry has a reason and an expiry date.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Literal

from msgspec import Struct

from surveyor.errors import UsageError
from surveyor.output_files import replace_text
from surveyor.targets.model import Target
from surveyor.typed_toml import Text, read_toml
from surveyor.verdicts import Verdict
from surveyor.visible_text import toml_string

__all__ = [
    "Expectation",
    "Expectations",
    "expectations_file",
    "load_expectations",
    "users_expectations_file",
    "write_expectations",
]


@dataclass(frozen=True)
class Expectation:
    """One claim that fails on a target. `expires`: the first day on which the entry no longer applies."""

    claim: str
    verdict: Verdict
    symptom: str
    expires: date
    reason: str = ""
    link: str = ""


@dataclass(frozen=True)
class Expectations:
    """All entries of one target, by claim."""

    entries: Mapping[str, Expectation] = field(default_factory=dict)

    def objection(self, claim: str, verdict: Verdict, symptom: str, today: date) -> str:
        """Return why this outcome of a claim is unexpected; "" if it is expected."""
        entry = self.entries.get(claim)
        if entry is None:
            if verdict in (Verdict.PASS, Verdict.UNSUPPORTED):
                return ""
            return f"expected pass, got {verdict}"
        if entry.expires <= today:
            return f"its expectation ({entry.verdict}) expired on {entry.expires}: {entry.reason or entry.link}"
        if verdict is not entry.verdict:
            return f"expected {entry.verdict} ({entry.reason or entry.link}), got {verdict}"
        if symptom != entry.symptom:
            return f"expected the symptom {entry.symptom!r}, got {symptom!r}"
        return ""

    def unknown(self, known: Iterable[str]) -> list[str]:
        """Return a line for each entry whose claim does not exist."""
        existing = set(known)
        return [f"an expectation names the unknown claim {claim!r}" for claim in self.entries if claim not in existing]


def expectations_file(target: Target, targets: Path) -> Path:
    """Return the file of a target's entries: in `expectations/` beside the target file, else below `targets`.

    Each version of a target has a separate one. That of an account may be below the current folder instead.
    """
    if (own := _of_user(target, targets)) and own.exists():
        return own
    folder = target.file.parent if target.file else targets
    stem = f"{target.name}-{target.environment.version}" if target.environment else target.name
    return folder / "expectations" / f"{stem}.toml"


def users_expectations_file(target: Target, targets: Path) -> Path:
    """Return the file to write a target's entries to: one of the user, even if the target file is part of Surveyor.

    It is below the current folder unless that is in the checkout, and is read from there first.
    """
    return _of_user(target, targets) or expectations_file(target, targets)


def _of_user(target: Target, targets: Path) -> Path | None:
    """Return the file below the current folder of an account whose target file is part of Surveyor."""
    outlives = target.is_one_account and target.start is None
    if not outlives or target.file is None or target.file.parent.resolve() != targets.resolve():
        return None
    current = Path.cwd()
    if current.is_relative_to(targets.resolve().parent):
        return None
    return current / "targets" / "expectations" / f"{target.name}.toml"


class _Entry(Struct, frozen=True, forbid_unknown_fields=True):
    """An `[[expected]]` as written."""

    claim: Text
    verdict: Literal["fail", "inconclusive"]
    symptom: Text
    expires: date
    reason: str = ""
    link: str = ""


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    """A file of expectations as written."""

    expected: tuple[_Entry, ...] = ()


def load_expectations(path: Path) -> Expectations:
    """Return the entries in a file; none if there is no file. Raises UsageError, with file and line."""
    if not path.exists():
        return Expectations()
    file = read_toml(path, _File)
    entries: dict[str, Expectation] = {}
    for number, entry in enumerate(file.value.expected):
        location = file.location("expected", number)
        if not (entry.reason or entry.link):
            raise UsageError(f"{location}: {entry.claim} needs a reason or a link")
        if entry.claim in entries:
            raise UsageError(f"{location}: {entry.claim} has two entries")
        entries[entry.claim] = Expectation(
            entry.claim, Verdict(entry.verdict), entry.symptom, entry.expires, entry.reason, entry.link
        )
    return Expectations(entries)


def write_expectations(
    path: Path,
    target: str,
    fresh: Iterable[Expectation],
    existing: Expectations,
    judged: Collection[str] | None = None,
    argument: str = "",
) -> int:
    """Write the entries in `fresh`, keep reason, link and date of existing ones, and return their number.

    `judged`: the claims that the run judged; entries of other claims stay as they are. None: of all claims.
    `argument`: what `--target` was, a name or a path, for the command in the header (default: `target`).
    """
    kept = [entry for entry in existing.entries.values() if judged is not None and entry.claim not in judged]
    updated = [_kept(entry, existing.entries.get(entry.claim)) for entry in fresh]
    entries = sorted((*kept, *updated), key=lambda entry: entry.claim)
    command = f"surveyor conform --target {shlex.quote(argument or target)} --update-expectations"
    head = f"# The known failures of {target}, written by:\n# {command}\n# Reasons, links and dates are kept.\n"
    parts = [head, *(_toml(entry) for entry in entries)]
    replace_text(path, "\n".join(parts))
    return len(entries)


def _kept(fresh: Expectation, existing: Expectation | None) -> Expectation:
    if existing is None:
        return fresh
    return replace(fresh, reason=existing.reason, link=existing.link, expires=existing.expires)


def _toml(entry: Expectation) -> str:
    lines = ["[[expected]]"]
    for key in ("claim", "verdict", "symptom", "reason", "link"):
        text = str(getattr(entry, key))
        if text:
            lines.append(f"{key} = {toml_string(text)}")
    lines.append(f"expires = {entry.expires.isoformat()}")
    return "\n".join(lines) + "\n"

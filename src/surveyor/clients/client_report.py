"""The result of judging one client: verdicts with evidence, and what changes the behaviours that fail calls."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from surveyor import __version__
from surveyor.clients.course import PHASES, Seen
from surveyor.clients.judging import judge
from surveyor.clients.recognition import ANY, advice_for
from surveyor.clients.verdicts import Level

__all__ = ["AdviceLine", "ClientReport", "ShownVerdict", "build_client_report", "client_lines"]

MARKS = {"good": "ok", "problem": "PROBLEM", "note": "note", "unknown": "not seen"}


@dataclass(frozen=True)
class AdviceLine:
    """A setting of some software that changes a behaviour, and the document that describes it.

    `is_known`: the client was recognised as that, or it is for any client.
    """

    software: str
    text: str
    source: str
    is_known: bool = True


@dataclass(frozen=True)
class ShownVerdict:
    """A verdict, its evidence and what changes it. `allowed`: a problem that --allow accepts."""

    check: str
    trait: str
    level: Level
    sentence: str
    seconds: float | None
    evidence: tuple[str, ...]
    advice: tuple[AdviceLine, ...]
    allowed: bool = False


@dataclass(frozen=True)
class ClientReport:
    """All of it. `phases`: name, meaning, and the seconds since the start at which each began and ended."""

    surveyor: str
    date: str
    command: str
    name: str
    ttl: float
    negative_ttl: float
    tasks: int
    software: tuple[str, ...]
    ended: str
    questions: int
    connections: int
    phases: tuple[tuple[str, str, float, float], ...]
    verdicts: tuple[ShownVerdict, ...]

    @property
    def problems(self) -> list[ShownVerdict]:
        """Return the problems that are not allowed."""
        return [verdict for verdict in self.verdicts if verdict.level == "problem" and not verdict.allowed]

    @property
    def is_judged(self) -> bool:
        """Return whether anything could be judged."""
        return any(verdict.level != "unknown" for verdict in self.verdicts)


def build_client_report(
    seen: Seen, words: Sequence[str], tasks: int, families: Sequence[str], allowed: Collection[str] = ()
) -> ClientReport:
    """Return the report on a client. `families`: the software that it was recognised as."""
    verdicts = tuple(
        ShownVerdict(
            verdict.check,
            verdict.trait,
            verdict.level,
            verdict.sentence,
            None if verdict.seconds is None else round(verdict.seconds, 2),
            verdict.evidence,
            tuple(
                AdviceLine(family, advice.text, advice.source, family in (ANY, *families))
                for family, advice in advice_for(verdict.trait, families)
            )
            if verdict.level in ("problem", "note")
            else (),
            verdict.trait in allowed,
        )
        for verdict in judge(seen)
    )
    phases = tuple(
        (name, PHASES[name], round(phase.began - seen.started, 1), round(phase.ended - seen.started, 1))
        for name, phase in seen.phases.items()
    )
    return ClientReport(
        __version__,
        datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        shlex.join(words),
        seen.name,
        seen.ttl,
        seen.negative_ttl,
        tasks,
        tuple(families),
        seen.ended,
        len(seen.traffic.asked(seen.name)),
        len(seen.traffic.connections),
        phases,
        verdicts,
    )


def client_lines(report: ClientReport) -> list[str]:
    """Return the report as lines of text: each verdict, the evidence of problems, and what changes them."""
    lines = []
    if report.software:
        lines.append(f"the client has loaded {', '.join(report.software)}")
    for verdict in report.verdicts:
        mark = "allowed" if verdict.allowed else MARKS[verdict.level]
        lines.append(f"{mark:<9} {verdict.check:<12} {verdict.sentence}")
        if verdict.level == "problem":
            lines += [f"{'':23}{line}" for line in verdict.evidence]
            for line in verdict.advice:
                known = "" if line.is_known else "if it is "
                lines.append(f"{'':23}{known}{line.software}: {line.text} ({line.source})")
    return lines

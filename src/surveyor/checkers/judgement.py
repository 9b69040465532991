"""All that follows from a history, as one value: the same from the same file, to the byte."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surveyor.checkers.figures import figures_of
from surveyor.checkers.registry import judge
from surveyor.checkers.witness import told_of
from surveyor.history import History, Outcome
from surveyor.verdicts import Verdict, worst

__all__ = ["AppliedFault", "CheckVerdict", "Judged", "Measured", "WitnessEvent", "judge_history"]


@dataclass(frozen=True)
class WitnessEvent:
    """An event that proves something: its number in the file, and what it tells."""

    event: int
    told: str


@dataclass(frozen=True)
class CheckVerdict:
    """What one check found; `limits` are as the history's header has them."""

    check: str
    limits: Mapping[str, float | str]
    verdict: Verdict
    detail: str
    witness: tuple[WitnessEvent, ...]

    @property
    def named(self) -> str:
        """The check with its limits, in words."""
        told = ", ".join(f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float | int) else str(value)
                         for name, value in self.limits.items())  # fmt: skip
        return f"{self.check.replace('-', ' ')} ({told})" if told else self.check.replace("-", " ")


@dataclass(frozen=True)
class Measured:
    """A figure, which lies from `low` to `high`."""

    figure: str
    low: float
    high: float
    unit: str

    @property
    def shown(self) -> str:
        """The figure as people write it."""
        low, high = f"{self.low:.1f}", f"{self.high:.1f}"
        return f"{low} {self.unit}" if low == high else f"{low} to {high} {self.unit}"


@dataclass(frozen=True)
class AppliedFault:
    """A fault: when it surely was on (service seconds), and to whom it was done."""

    fault: str
    start: float
    end: float
    victims: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """An experiment's verdict: the worst of its checks; inconclusive at best where it was stopped before its end."""

    experiment: str
    title: str
    target: str
    seed: int
    scale: float
    started: str
    service: Mapping[str, str]
    seconds: float
    stopped: str
    verdict: Verdict
    deeds: tuple[AppliedFault, ...]
    checks: tuple[CheckVerdict, ...]
    figures: tuple[Measured, ...]

    @property
    def detail(self) -> str:
        """Why it is not a pass, "" if it is."""
        told = [f"{one.named}: {one.detail}" for one in self.checks if one.verdict is self.verdict is not Verdict.PASS]
        return "; ".join([self.stopped, *told] if self.stopped else told)

    def to_json(self) -> dict[str, Any]:
        """As JSON values, in the order in which they are read."""
        return {
            "experiment": self.experiment,
            "title": self.title,
            "target": self.target,
            "seed": self.seed,
            "scale": self.scale,
            "started": self.started,
            "service": dict(self.service),
            "seconds": self.seconds,
            "stopped": self.stopped,
            "verdict": str(self.verdict),
            "deeds": [
                {"fault": one.fault, "start": one.start, "end": one.end, "victims": list(one.victims)}
                for one in self.deeds
            ],
            "checks": [
                {
                    "check": one.check,
                    "limits": dict(one.limits),
                    "verdict": str(one.verdict),
                    "detail": one.detail,
                    "witness": [{"event": event.event, "told": event.told} for event in one.witness],
                }
                for one in self.checks
            ],
            "figures": [
                {"figure": one.figure, "low": one.low, "high": one.high, "unit": one.unit} for one in self.figures
            ],
        }

    def dumps(self) -> str:
        """As a file."""
        return json.dumps(self.to_json(), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Judged:
        """The inverse of to_json."""
        return cls(
            experiment=value["experiment"],
            title=value["title"],
            target=value["target"],
            seed=value["seed"],
            scale=value["scale"],
            started=value["started"],
            service=dict(value["service"]),
            seconds=value["seconds"],
            stopped=value["stopped"],
            verdict=Verdict(value["verdict"]),
            deeds=tuple(
                AppliedFault(one["fault"], one["start"], one["end"], tuple(one["victims"])) for one in value["deeds"]
            ),
            checks=tuple(
                CheckVerdict(
                    one["check"],
                    dict(one["limits"]),
                    Verdict(one["verdict"]),
                    one["detail"],
                    tuple(WitnessEvent(event["event"], event["told"]) for event in one["witness"]),
                )
                for one in value["checks"]
            ),
            figures=tuple(Measured(one["figure"], one["low"], one["high"], one["unit"]) for one in value["figures"]),
        )


def judge_history(history: History) -> Judged:
    """The verdict on a history. Raises HistoryBroken for a check that is not known."""
    header = history.header
    found = judge(history)
    whole = worst(one.verdict for _, one in found) if found else Verdict.INCONCLUSIVE
    if history.stopped:
        whole = worst((whole, Verdict.INCONCLUSIVE))
    return Judged(
        experiment=header.experiment,
        title=header.title,
        target=header.target,
        seed=header.seed,
        scale=header.scale,
        started=header.started,
        service=header.service,
        seconds=round(history.end, 1),
        stopped=history.stopped,
        verdict=whole,
        deeds=tuple(
            AppliedFault(fault.fault, round(fault.end, 1), round(history.fault_span(fault).high, 1), fault.victims)
            for fault in history.faults
            if fault.outcome is not Outcome.FAIL
        ),
        checks=tuple(
            CheckVerdict(
                check.name,
                check.limits,
                one.verdict,
                one.detail,
                tuple(WitnessEvent(number, told_of(history, number)) for number in one.witness),
            )
            for check, one in found
        ),
        figures=tuple(
            Measured(one.name, round(one.span.low, 1), round(one.span.high, 1), one.unit) for one in figures_of(history)
        ),
    )

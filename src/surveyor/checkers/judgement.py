"""Judge a history as one value: the same file always gives the same judgement, byte for byte."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from surveyor.checkers.figures import figures_of
from surveyor.checkers.registry import judge
from surveyor.checkers.witness import describe_event
from surveyor.history import History, Outcome, load_history
from surveyor.output_files import write_text
from surveyor.typed_json import dump_json, read_json
from surveyor.verdicts import Verdict, worst

__all__ = ["VERDICT_SUFFIX", "AppliedFault", "CheckVerdict", "Judgement", "ReportedFigure", "WitnessEvent",
           "judge_file", "judge_history", "read_judgement"]  # fmt: skip


VERDICT_SUFFIX = ".verdict.json"
"""Suffix of the file beside a history that holds its judgement."""


class WitnessEvent(Struct, frozen=True, forbid_unknown_fields=True):
    """An event that proves something: its number in the history, and a description."""

    event: int
    description: str


class CheckVerdict(Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict of one check; `limits` are those in the header of the history."""

    check: str
    limits: dict[str, float | str]
    verdict: Verdict
    detail: str
    witness: tuple[WitnessEvent, ...]

    @property
    def label(self) -> str:
        """Return the name of the check with its limits, in words."""
        limits = ", ".join(
            f"{name.replace('_', ' ')} {value:g}" if isinstance(value, float | int) else str(value)
            for name, value in self.limits.items()
        )
        return f"{self.check.replace('-', ' ')} ({limits})" if limits else self.check.replace("-", " ")


class ReportedFigure(Struct, frozen=True, forbid_unknown_fields=True):
    """A measured figure between `low` and `high`."""

    figure: str
    low: float
    high: float
    unit: str

    @property
    def text(self) -> str:
        """Return the value with its unit, for people."""
        low, high = f"{self.low:.1f}", f"{self.high:.1f}"
        return f"{low} {self.unit}" if low == high else f"{low} to {high} {self.unit}"


class AppliedFault(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault, the service seconds between which it was active, the tasks that it affected, and how or what it was."""

    fault: str
    start: float
    end: float
    victims: tuple[str, ...]
    description: str = ""


class Judgement(Struct, frozen=True, forbid_unknown_fields=True):
    """The verdict on an experiment: the worst of its checks; at best inconclusive if it was stopped early."""

    experiment: str
    title: str
    target: str
    seed: int
    scale: float
    started: str
    service: dict[str, str]
    seconds: float
    stopped: str
    verdict: Verdict
    faults: tuple[AppliedFault, ...]
    checks: tuple[CheckVerdict, ...]
    figures: tuple[ReportedFigure, ...]

    @property
    def detail(self) -> str:
        """Return why the verdict is not a pass; "" if it is."""
        decisive = [check for check in self.checks if check.verdict is self.verdict is not Verdict.PASS]
        reasons = [f"{check.label}: {check.detail}" for check in decisive] if self.checks else ["it has no checks"]
        return "; ".join([self.stopped, *reasons] if self.stopped else reasons)


def judge_history(history: History) -> Judgement:
    """Return the judgement of a history. Raises HistoryBroken for an unknown check."""
    header = history.header
    results = judge(history)
    verdict = worst(result.verdict for _, result in results) if results else Verdict.INCONCLUSIVE
    if history.stopped:
        verdict = worst((verdict, Verdict.INCONCLUSIVE))
    return Judgement(
        experiment=header.experiment,
        title=header.title,
        target=header.target,
        seed=header.seed,
        scale=header.scale,
        started=header.started,
        service=dict(header.service),
        seconds=round(history.end, 1),
        stopped=history.stopped,
        verdict=verdict,
        faults=tuple(
            AppliedFault(
                fault.fault,
                round(fault.end, 1),
                round(history.fault_span(fault).high, 1),
                fault.victims,
                fault.description,
            )
            for fault in history.faults
            if fault.outcome is not Outcome.FAIL
        ),
        checks=tuple(
            CheckVerdict(
                check.name,
                dict(check.limits),
                result.verdict,
                result.detail,
                tuple(WitnessEvent(number, describe_event(history, number)) for number in result.witness),
            )
            for check, result in results
        ),
        figures=tuple(
            ReportedFigure(figure.name, round(figure.span.low, 1), round(figure.span.high, 1), figure.unit)
            for figure in figures_of(history)
        ),
    )


def judge_file(path: Path) -> Judgement:
    """Judge the history in a file, and write the judgement beside it. Raises HistoryBroken."""
    judgement = judge_history(load_history(path))
    write_text(path.with_suffix(VERDICT_SUFFIX), dump_json(judgement, indent=1))
    return judgement


def read_judgement(path: Path) -> Judgement:
    """Return the judgement beside the history in a file. Raises UsageError if there is none."""
    return read_json(path.with_suffix(VERDICT_SUFFIX), Judgement)

"""Compare the figures of two runs of experiments, load scenarios or watches: those of the same name.

A figure has moved if its intervals in the two runs have nothing in common: a span that was measured between two polls,
or a share of calls with its confidence interval. Milliseconds and outages have none; they are stated side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surveyor.report.experiments import ClientRow, ExperimentReport
from surveyor.report.model import ConformanceReport
from surveyor.verdicts import Verdict

__all__ = ["ExperimentChange", "FigureChange", "diff_experiments"]


@dataclass(frozen=True)
class FigureChange:
    """One figure in both runs, as text; `direction`: `higher` or `lower` if it has moved beyond its intervals."""

    name: str
    before: str
    after: str
    direction: str = ""


@dataclass(frozen=True)
class ExperimentChange:
    """One experiment in both runs; a verdict is None if that run does not have it.

    `settings`: of the service, those that differ, each with its value before and now. `checks`: those whose verdicts
    differ, likewise.
    """

    name: str
    before: Verdict | None
    after: Verdict | None
    settings: tuple[FigureChange, ...] = ()
    checks: tuple[FigureChange, ...] = ()
    figures: tuple[FigureChange, ...] = ()

    @property
    def worse(self) -> bool:
        """Return whether it passed, and does not any more or is not there."""
        return self.before is Verdict.PASS and self.after is not Verdict.PASS


def diff_experiments(old: ConformanceReport, new: ConformanceReport) -> tuple[ExperimentChange, ...]:
    """Return each experiment of either run, in the order of the new one."""
    before = {experiment.name: experiment for experiment in old.experiments}
    after = {experiment.name: experiment for experiment in new.experiments}
    return tuple(_change(name, before.get(name), after.get(name)) for name in dict.fromkeys([*after, *before]))


def _change(name: str, old: ExperimentReport | None, new: ExperimentReport | None) -> ExperimentChange:
    if old is None or new is None:
        return ExperimentChange(name, old.verdict if old else None, new.verdict if new else None)
    return ExperimentChange(
        name,
        old.verdict,
        new.verdict,
        tuple(_texts(_settings(old), _settings(new))),
        tuple(_texts(_checks(old), _checks(new))),
        (*_measured(old, new), *_clients(old, new)),
    )


def _settings(experiment: ExperimentReport) -> dict[str, str]:
    return dict(experiment.judged.service) if experiment.judged is not None else {}


def _checks(experiment: ExperimentReport) -> dict[str, str]:
    checks = experiment.judged.checks if experiment.judged is not None else ()
    return {check.label: str(check.verdict) for check in checks}


def _texts(old: dict[str, str], new: dict[str, str]) -> Iterator[FigureChange]:
    for name in dict.fromkeys([*new, *old]):
        before, after = old.get(name, "none"), new.get(name, "none")
        if before != after:
            yield FigureChange(name, before, after)


def _measured(old: ExperimentReport, new: ExperimentReport) -> Iterator[FigureChange]:
    before = {figure.figure: figure for figure in (old.judged.figures if old.judged is not None else ())}
    for figure in new.judged.figures if new.judged is not None else ():
        earlier = before.get(figure.figure)
        if earlier is not None:
            direction = _direction((earlier.low, earlier.high), (figure.low, figure.high))
            yield FigureChange(figure.figure, earlier.text, figure.text, direction)


def _clients(old: ExperimentReport, new: ExperimentReport) -> Iterator[FigureChange]:
    before = {(row.client, row.phase): row for row in old.clients}
    for row in new.clients:
        earlier = before.get((row.client, row.phase))
        if earlier is None:
            continue
        where = f"{row.client}, {row.phase}"
        for name, then, now in (
            ("failed", earlier.failed, row.failed),
            ("failed after two retries", earlier.after_retries, row.after_retries),
        ):
            yield FigureChange(f"{where}: {name}", _share(then), _share(now), _direction(then[1:], now[1:]))
        yield FigureChange(f"{where}: p50, p99, outage, recovery", _plain(earlier), _plain(row))


def _direction(old: tuple[float, ...], new: tuple[float, ...]) -> str:
    """Return how an interval has moved; "" if the two have something in common."""
    if new[0] > old[1]:
        return "higher"
    return "lower" if new[1] < old[0] else ""


def _share(share: tuple[float, float, float]) -> str:
    value, low, high = share
    return f"{value:.1f} % ({low:.1f} to {high:.1f})"


def _plain(row: ClientRow) -> str:
    return f"{row.p50:.0f} ms, {row.p99:.0f} ms, {row.outage:.1f} s, {row.recovery:.1f} s"

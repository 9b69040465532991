"""Reports of several runs on one target as one: a survey and the experiments that followed it, scenario by scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from surveyor.report.experiments import ExperimentReport
from surveyor.report.model import ConformanceReport

__all__ = ["joined"]


def joined(parts: Mapping[str, ConformanceReport], first: ConformanceReport | None = None) -> ConformanceReport:
    """`first` with the experiments of all parts, each by its folder below that of the whole; that of the parts alone.

    The time is from the first beginning to the last end. Raises ValueError where there is nothing to be joined.
    """
    reports = [*([first] if first else []), *parts.values()]
    if not reports:
        raise ValueError("no report to join")
    base = reports[0]
    experiments = tuple(_moved(one, folder) for folder, part in parts.items() for one in part.experiments)
    return replace(
        base,
        started=min(one.started for one in reports),
        finished=max(one.finished for one in reports),
        wall_seconds=_between(min(one.started for one in reports), max(one.finished for one in reports)),
        service_seconds=round(sum(one.service_seconds for one in reports), 3),
        failure="; ".join(dict.fromkeys(one.failure for one in reports if one.failure)),
        left_behind=tuple(line for one in reports for line in one.left_behind),
        interrupted=any(one.interrupted for one in reports),
        experiments=(*(first.experiments if first else ()), *experiments),
    )


def _between(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


def _moved(one: ExperimentReport, folder: str) -> ExperimentReport:
    return replace(one, history=f"{folder}/{one.history}") if one.history else one

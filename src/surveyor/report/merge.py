"""Merge the reports of several runs on one target: a survey and the experiments that followed it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import structs

from surveyor.report.experiments import ExperimentReport
from surveyor.report.model import ConformanceReport

__all__ = ["merge_reports"]


def merge_reports(parts: Mapping[str, ConformanceReport], first: ConformanceReport | None = None) -> ConformanceReport:
    """Return `first`, or else the first part, with the experiments of all parts.

    `parts`: reports by their folders below the folder of the merged report. The time is from the first start to the
    last finish. Raises ValueError if there is no report.
    """
    reports = [*([first] if first else []), *parts.values()]
    if not reports:
        raise ValueError("no report to merge")
    base = reports[0]
    experiments = tuple(_move(experiment, folder) for folder, part in parts.items() for experiment in part.experiments)
    started = min(report.started for report in reports)
    finished = max(report.finished for report in reports)
    return structs.replace(
        base,
        started=started,
        finished=finished,
        wall_seconds=_seconds_between(started, finished),
        service_seconds=round(sum(report.service_seconds for report in reports), 3),
        failure="; ".join(dict.fromkeys(report.failure for report in reports if report.failure)),
        leaked_resources=tuple(line for report in reports for line in report.leaked_resources),
        interrupted=any(report.interrupted for report in reports),
        experiments=(*(first.experiments if first else ()), *experiments),
    )


def _seconds_between(started: str, finished: str) -> float:
    return (datetime.fromisoformat(finished) - datetime.fromisoformat(started)).total_seconds()


def _move(experiment: ExperimentReport, folder: str) -> ExperimentReport:
    if not experiment.history:
        return experiment
    return structs.replace(experiment, history=f"{folder}/{experiment.history}")

"""Read gate.toml: one threshold per entry, on a figure of a scenario, a claim, an alarm or a metric."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from surveyor.errors import UsageError
from surveyor.gate.rules import CLIENT_FIGURES, COMPARED_FIGURES, FIGURES, Metric, Rules, Threshold
from surveyor.messages import either
from surveyor.report.experiments import WHOLE
from surveyor.typed_toml import read_toml

__all__ = ["load_rules"]

_Figure = Literal[
    "error-rate", "masked-rate", "p50", "p99", "outage", "recovery", "danger-window", "zero-healthy-gap", "checks"
]
_Text = Annotated[str, Meta(min_length=1)]
_CONFIDENCES = (0.95, 0.99, 0.999)
_Statistic = Annotated[
    str,
    Meta(
        pattern=r"^(Average|Sum|Minimum|Maximum|SampleCount|p\d{1,2}(\.\d+)?)$",
        description="Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99",
    ),
]
_MAX_DIMENSIONS = 30
"""Of one metric (cloudwatch/Metric.Dimensions)."""

_MAX_WAIT = 86_400.0
"""Service seconds: the default time-out of a PAUSE hook (ecs/DeploymentLifecycleHookTimeoutConfiguration)."""


class _ThresholdTable(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A `[[threshold]]` as written: on a figure of a scenario, a claim, an alarm or a metric."""

    scenario: _Text | None = None
    client: _Text | None = None
    phase: _Text | None = None
    figure: _Figure | None = None
    at_most: Annotated[float, Meta(ge=0)] | None = None
    confidence: float = 0.95
    claim: _Text | None = None
    against: _Text | None = None
    by: Literal["revision"] | None = None
    at_most_more: Annotated[float, Meta(ge=0)] | None = None
    ratio: Annotated[float, Meta(gt=0)] | None = None
    mode: Literal["decide", "report"] = "decide"
    alarm: _Text | None = None
    metric: _Text | None = None
    statistic: _Statistic | None = None
    dimensions: dict[str, _Text] | None = None


class _GateFile(Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """A gate.toml as written."""

    threshold: tuple[_ThresholdTable, ...] = ()
    inconclusive: Literal["fail", "pass"] = "fail"
    wait_at_hook: Annotated[float, Meta(ge=0, le=_MAX_WAIT)] = 600.0


def load_rules(path: Path) -> Rules:
    """Return the rules in a file. Raises UsageError, in one line with the line number, for an error in the file."""
    file = read_toml(path, _GateFile)
    if not file.value.threshold:
        raise UsageError(
            f"{file.location()}: there is no [[threshold]]: a gate without thresholds would let everything pass"
        )
    thresholds = []
    for number, table in enumerate(file.value.threshold):
        if problem := _problem(table):
            key = "confidence" if problem.startswith("confidence") else ""
            raise UsageError(f"{file.location('threshold', number, key)}: {problem}")
        thresholds.append(_threshold(table, file.location("threshold", number).line))
    if not any(threshold.decides for threshold in thresholds):
        raise UsageError(
            f"{file.location()}: all thresholds have the mode report: a gate that nothing decides would let everything "
            "pass"
        )
    return Rules(tuple(thresholds), file.value.inconclusive, path.parent, file.value.wait_at_hook)


def _problem(table: _ThresholdTable) -> str:
    """Return what is wrong with the keys of a threshold together, "" if nothing."""
    given = {name for name in table.__struct_fields__ if getattr(table, name) is not None} - {"confidence", "mode"}
    figure = table.figure
    for name in ("claim", "alarm"):
        if name in given:
            return "" if given == {name} else f"a threshold on {_an(name)} has no other key than {name}"
    if table.metric is not None:
        return _metric_problem(table, given)
    if {"statistic", "dimensions"} & given:
        return "statistic and dimensions belong to a metric"
    if figure is None:
        return f"a threshold needs a figure: {either(FIGURES)}"
    if table.scenario is None:
        return "a threshold must name its scenario, a claim, an alarm or a metric"
    foreign = {"phase"} if figure == "danger-window" else {"client", "phase"}
    if figure not in CLIENT_FIGURES and foreign & given:
        return f"{figure} is a figure of the whole scenario, without {' and '.join(sorted(foreign))}"
    if problem := _limit_problem(table, figure):
        return problem
    if table.confidence not in _CONFIDENCES:
        return f"confidence must be {either(map(str, _CONFIDENCES))}, got {table.confidence!r}"
    return ""


def _metric_problem(table: _ThresholdTable, given: set[str]) -> str:
    if extra := given - {"metric", "statistic", "dimensions", "at_most"}:
        return f"a threshold on a metric has no {min(extra).replace('_', '-')}"
    if table.at_most is None or not math.isfinite(table.at_most):
        return "a metric needs at-most, a finite number"
    namespace, _, name = (table.metric or "").rpartition(" ")
    if not namespace.strip() or not name:
        example = "'AWS/ApplicationELB RequestCount'"
        return f"metric: expected a namespace and a name, such as {example}, got {table.metric!r:.80}"
    if len(table.dimensions or ()) > _MAX_DIMENSIONS:
        return f"a metric has at most {_MAX_DIMENSIONS} dimensions"
    return ""


def _limit_problem(table: _ThresholdTable, figure: str) -> str:
    limits = {"at-most": table.at_most, "at-most-more": table.at_most_more, "ratio": table.ratio}
    given = [name for name, limit in limits.items() if limit is not None]
    if figure == "checks":
        extra = [*given, *(["against"] if table.against else []), *(["by"] if table.by else [])]
        return f"checks have no {extra[0]}" if extra else ""
    if table.by is not None:
        if figure not in COMPARED_FIGURES:
            return f"{figure} is not measured by revision: {either(COMPARED_FIGURES)} are"
        if table.against is not None or len(given) != 1:
            return "by needs one of at-most, at-most-more and ratio, and no against"
    elif table.against is None:
        if given != ["at-most"]:
            why = f'{given[0]} needs against: the folder of an earlier run, or by = "revision"' if given else ""
            return why or f"{figure} needs at-most"
    elif len(given) != 1 or given == ["at-most"]:
        return "against needs either at-most-more or ratio, and no at-most"
    endless = [name for name in given if not math.isfinite(limits[name] or 0.0)]
    return f"{endless[0]} must be a finite number, got {limits[endless[0]]!r}" if endless else ""


def _threshold(table: _ThresholdTable, line: int) -> Threshold:
    metric = None
    if table.metric is not None:
        namespace, _, name = table.metric.rpartition(" ")
        dimensions = tuple(sorted((table.dimensions or {}).items()))
        metric = Metric(namespace.strip(), name, table.statistic or "Average", dimensions)
    return Threshold(
        scenario=table.scenario or "",
        client=table.client or "",
        phase=table.phase or WHOLE,
        figure=table.figure or "",
        at_most=table.at_most or 0.0,
        confidence=table.confidence,
        claim=table.claim or "",
        line=line,
        against=table.against or "",
        at_most_more=table.at_most_more,
        ratio=table.ratio,
        decides=table.mode == "decide",
        by_revision=table.by is not None,
        alarm=table.alarm or "",
        metric=metric,
    )


def _an(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"

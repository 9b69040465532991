"""Derive from the evidence of a test when each observer saw each instance or address, as intervals of service time.

It needs nothing but evidence, so it works for every target and suite. An observer is a view of the registry:
ListInstances, DiscoverInstances, GetInstancesHealthStatus, DNS. A change between two samples is shown as the interval
between them, never as a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from surveyor.evidence import CACHE, EvidenceEntry

__all__ = ["CHANGE", "ObserverLane", "Span", "Timeline", "TimelineEvent", "is_orderly", "timeline_of"]

CHANGE = "change"
"""The state of a span in which a change happened at an unknown time."""

_ABSENT = "absent"
_MAX_LANES = 10
_SEPARATOR = "\0"
"""Separates an observer's name from a suffix that only keeps its samples apart."""
_MAX_TURNS = 6
"""An address that appears and disappears more often is one of many that answers contain at random."""


@dataclass(frozen=True)
class Span:
    """A state between two service seconds, counted from the test's first call."""

    start: float
    end: float
    state: str


@dataclass(frozen=True)
class ObserverLane:
    """One instance or address as one observer saw it; the spans have no gaps."""

    observer: str
    subject: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class TimelineEvent:
    """Something that the test did, `at` a service second."""

    at: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """The lanes and events of one test; `seconds`: its length in service seconds; `more`: lanes that were left out."""

    seconds: float
    lanes: tuple[ObserverLane, ...]
    events: tuple[TimelineEvent, ...]
    more: int = 0


@dataclass(frozen=True)
class _Sample:
    """States that were the same from `start` to `end`."""

    start: float
    end: float
    states: Mapping[str, str]


def timeline_of(entries: Sequence[EvidenceEntry]) -> Timeline | None:
    """Return the timeline of a test's evidence; None if no observer saw a change."""
    timed = [entry for entry in entries if "at" in entry]
    if not timed:
        return None
    begin = timed[0]["at"]
    lanes = [
        lane
        for observer, samples in _samples_by_observer(timed).items()
        for lane in _lanes(observer, samples, begin)
        if len({span.state for span in lane.spans} - {CHANGE}) > 1 and len(lane.spans) <= 2 * _MAX_TURNS
    ]
    if not lanes:
        return None
    shown = lanes[:_MAX_LANES]
    end = max(entry.get("until", entry["at"]) for entry in timed)
    last = max(number for number, entry in enumerate(timed) if _observed_states(entry))  # cleanup follows
    events = tuple(
        TimelineEvent(round(entry["at"] - begin, 3), label) for entry in timed[:last] if (label := _label(entry))
    )
    return Timeline(round(end - begin, 3), tuple(shown), events, len(lanes) - len(shown))


def _samples_by_observer(entries: Iterable[EvidenceEntry]) -> dict[str, list[_Sample]]:
    found: dict[str, list[_Sample]] = {}
    for entry in entries:
        observed = _observed_states(entry)
        if observed is not None:
            observer, states = observed
            found.setdefault(observer, []).append(_Sample(entry["at"], entry.get("until", entry["at"]), states))
    return found


def _lanes(observer: str, samples: Sequence[_Sample], begin: float) -> Iterator[ObserverLane]:
    samples = sorted(samples, key=lambda sample: sample.start)
    for subject in dict.fromkeys(name for sample in samples for name in sample.states):
        spans: list[Span] = []
        for sample in samples:
            state = sample.states.get(subject, _ABSENT)
            start, end = round(sample.start - begin, 3), round(sample.end - begin, 3)
            if spans and spans[-1].state == state:
                spans[-1] = Span(spans[-1].start, max(end, spans[-1].end), state)
                continue
            if spans:
                start = max(start, spans[-1].end)
                spans.append(Span(spans[-1].end, start, CHANGE))
            spans.append(Span(start, max(start, end), state))
        yield ObserverLane(observer.partition(_SEPARATOR)[0], subject, tuple(spans))


def _observed_states(entry: EvidenceEntry) -> tuple[str, dict[str, str]] | None:
    """Return the observer and the state of each instance or address; None if an entry shows no states."""
    if entry.get("kind") == "dns":
        return _dns_states(entry)
    if entry.get("kind") == "look":
        return entry["server"], {entry["question"]: str(entry["answer"])}
    response, params, operation = entry.get("response"), entry.get("params"), entry.get("operation", "")
    paging = {"NextToken", "MaxResults"}  # one page does not show everything
    if not isinstance(response, Mapping) or "NextToken" in response:
        return None
    if isinstance(params, Mapping) and paging & params.keys():
        return None
    if operation == "GetInstancesHealthStatus":
        status = response.get("Status")
        states = dict(status) if isinstance(status, Mapping) else None
    elif operation == "DiscoverInstances":
        states = _instance_states(response, "InstanceId", "HealthStatus")
    elif operation == "ListInstances":
        states = _instance_states(response, "Id", "")
    elif operation == "DescribeTasks":
        states = _task_states(response)
    else:
        return None
    if states is None:
        return None
    # Tasks are described separately, so a call about other tasks says nothing about this task.
    return operation + _describe_request(params) + (
        f"{_SEPARATOR}{' '.join(states)}" if operation == "DescribeTasks" else ""
    ), states


def _instance_states(response: Mapping[str, Any], name: str, state: str) -> dict[str, str] | None:
    """Return the state of each instance; None if the list was cut."""
    listed = response.get("Instances")
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) and name in item for item in listed):
        return None
    return {str(item[name]): str(item.get(state) or "present") for item in listed}


def _task_states(response: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the state of each task; None if the answer has no list of tasks."""
    listed = response.get("tasks")
    if not isinstance(listed, list) or not all(isinstance(task, Mapping) and "taskArn" in task for task in listed):
        return None
    return {str(task["taskArn"]).rpartition("/")[2]: str(task.get("lastStatus", "")) for task in listed}


def _dns_states(entry: EvidenceEntry) -> tuple[str, dict[str, str]] | None:
    """Return the observer and the addresses of a DNS answer; None if the answer is incomplete."""
    answer = entry.get("answer")
    if not isinstance(answer, Mapping):
        return None
    lines = answer.get("answer", [])
    if not isinstance(lines, list) or any(str(line).startswith("…") for line in lines):
        return None
    parts = [str(line).split() for line in lines]
    values = [" ".join(part[4:]) for part in parts if len(part) > 4]
    cached = " in a cache" if entry.get("server") == CACHE else ""
    return f"DNS {entry.get('question', '')}{cached}", dict.fromkeys(values, "present")


def _describe_request(params: object) -> str:
    """Return what distinguishes calls of one operation: the service and the filters."""
    if not isinstance(params, Mapping):
        return ""
    services = [str(params[key]) for key in ("ServiceName", "ServiceId") if key in params]
    filters = [
        f"{key} {params[key]}" for key in ("HealthStatus", "QueryParameters", "OptionalParameters") if key in params
    ]
    return "".join(f" {part}" for part in services + filters)


def _label(entry: EvidenceEntry) -> str:
    """Return what a test did, in words; "" for a call that only reads."""
    if entry.get("kind") == "event":
        return entry.get("event", "")
    operation, params = entry.get("operation", ""), entry.get("params")
    if entry.get("kind") != "call" or operation.startswith(("Get", "List", "Discover", "Describe", "Test")):
        return ""
    values = [params.get(key) for key in ("InstanceId", "Status")] if isinstance(params, Mapping) else []
    is_refused = "error" in entry
    return " ".join(str(part) for part in (operation, *values, "(refused)" if is_refused else "") if part)


def is_orderly(timeline: Timeline) -> bool:
    """Return whether spans have no gaps and lie within the timeline, as a drawing requires."""
    return all(
        lane.spans[0].start >= 0
        and lane.spans[-1].end <= timeline.seconds + 1e-6
        and all(before.end == after.start for before, after in pairwise(lane.spans))
        and all(span.start <= span.end for span in lane.spans)
        for lane in timeline.lanes
    )

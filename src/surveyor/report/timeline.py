"""What each observer saw of each instance or address while a test went on, as intervals of service time.

It is read from the evidence, so every report has it, whichever target and suite it is of. An observer is a view of
the registry: ListInstances, DiscoverInstances, GetInstancesHealthStatus, DNS. A change that was seen between two looks
is the interval between them, never a point.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from surveyor.evidence import CACHE, Entry

__all__ = ["CHANGE", "Lane", "Mark", "Span", "Timeline", "timeline_of"]

CHANGE = "change"
"""The state of a span in which a change happened, nobody saw when."""

_ABSENT = "absent"
_LANES = 10
_APART = "\0"
"""Between an observer's name and what only tells its looks apart."""
_TURNS = 6
"""An address that comes and goes more often is one of many that are answered by chance."""


@dataclass(frozen=True)
class Span:
    """A state from one service second to another, counted from the test's first call."""

    start: float
    end: float
    state: str


@dataclass(frozen=True)
class Lane:
    """One instance or address as one observer saw it; spans follow each other without gaps."""

    observer: str
    subject: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Mark:
    """Something that the test did."""

    at: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """Lanes and marks of one test, over so many service seconds; `more` lanes that changed were left out."""

    seconds: float
    lanes: tuple[Lane, ...]
    marks: tuple[Mark, ...]
    more: int = 0


@dataclass(frozen=True)
class _Look:
    """The same states, seen from `start` to `end`."""

    start: float
    end: float
    states: Mapping[str, str]


def timeline_of(entries: Sequence[Entry]) -> Timeline | None:
    """The timeline of a test's evidence; None if no observer saw anything change."""
    timed = [entry for entry in entries if "at" in entry]
    if not timed:
        return None
    begin = timed[0]["at"]
    lanes = [
        lane
        for observer, looks in _observers(timed).items()
        for lane in _lanes(observer, looks, begin)
        if len({span.state for span in lane.spans} - {CHANGE}) > 1 and len(lane.spans) <= 2 * _TURNS
    ]
    if not lanes:
        return None
    shown = lanes[:_LANES]
    last = max(entry.get("until", entry["at"]) for entry in timed)
    looked = max(number for number, entry in enumerate(timed) if _seen(entry))  # what comes after is tidying up
    marks = tuple(Mark(round(entry["at"] - begin, 3), label) for entry in timed[:looked] if (label := _label(entry)))
    return Timeline(round(last - begin, 3), tuple(shown), marks, len(lanes) - len(shown))


def _observers(entries: Iterable[Entry]) -> dict[str, list[_Look]]:
    found: dict[str, list[_Look]] = {}
    for entry in entries:
        seen = _seen(entry)
        if seen is not None:
            look = _Look(entry["at"], entry.get("until", entry["at"]), seen[1])
            found.setdefault(seen[0], []).append(look)
    return found


def _lanes(observer: str, looks: Sequence[_Look], begin: float) -> Iterator[Lane]:
    looks = sorted(looks, key=lambda look: look.start)
    for subject in dict.fromkeys(name for look in looks for name in look.states):
        spans: list[Span] = []
        for look in looks:
            state = look.states.get(subject, _ABSENT)
            start, end = round(look.start - begin, 3), round(look.end - begin, 3)
            if spans and spans[-1].state == state:
                spans[-1] = Span(spans[-1].start, max(end, spans[-1].end), state)
                continue
            if spans:
                start = max(start, spans[-1].end)
                spans.append(Span(spans[-1].end, start, CHANGE))
            spans.append(Span(start, max(start, end), state))
        yield Lane(observer.partition(_APART)[0], subject, tuple(spans))


def _seen(entry: Entry) -> tuple[str, dict[str, str]] | None:
    """Observer, and state by instance or address; None if an entry shows neither."""
    if entry.get("kind") == "dns":
        return _answered(entry)
    if entry.get("kind") == "look":
        return entry["server"], {entry["question"]: str(entry["answer"])}
    response, params, operation = entry.get("response"), entry.get("params"), entry.get("operation", "")
    parts = {"NextToken", "MaxResults"}  # a page is not the whole
    if not isinstance(response, Mapping) or "NextToken" in response:
        return None
    if isinstance(params, Mapping) and parts & params.keys():
        return None
    if operation == "GetInstancesHealthStatus":
        status = response.get("Status")
        states = dict(status) if isinstance(status, Mapping) else None
    elif operation == "DiscoverInstances":
        states = _listed(response, "InstanceId", "HealthStatus")
    elif operation == "ListInstances":
        states = _listed(response, "Id", "")
    elif operation == "DescribeTasks":
        states = _tasks(response)
    else:
        return None
    if states is None:
        return None
    # Each task is described by itself, so calls about others say nothing of it.
    return operation + _told(params) + (f"{_APART}{' '.join(states)}" if operation == "DescribeTasks" else ""), states


def _listed(response: Mapping[str, Any], name: str, state: str) -> dict[str, str] | None:
    """State by instance; None if the list was cut."""
    listed = response.get("Instances")
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) and name in one for one in listed):
        return None
    return {str(one[name]): str(one.get(state) or "present") for one in listed}


def _tasks(response: Mapping[str, Any]) -> dict[str, str] | None:
    """State by task."""
    listed = response.get("tasks")
    if not isinstance(listed, list) or not all(isinstance(one, Mapping) and "taskArn" in one for one in listed):
        return None
    return {str(one["taskArn"]).rpartition("/")[2]: str(one.get("lastStatus", "")) for one in listed}


def _answered(entry: Entry) -> tuple[str, dict[str, str]] | None:
    answer = entry.get("answer")
    if not isinstance(answer, Mapping):
        return None
    lines = answer.get("answer", [])
    if not isinstance(lines, list) or any(str(line).startswith("…") for line in lines):
        return None
    parts = [str(line).split() for line in lines]
    values = [" ".join(part[4:]) for part in parts if len(part) > 4]
    kept = " kept in a cache" if entry.get("server") == CACHE else ""
    return f"DNS {entry.get('question', '')}{kept}", dict.fromkeys(values, "present")


def _told(params: object) -> str:
    """What tells calls of one operation apart: how is asked, and about which service."""
    if not isinstance(params, Mapping):
        return ""
    named = [str(params[key]) for key in ("ServiceName", "ServiceId") if key in params]
    how = [f"{key} {params[key]}" for key in ("HealthStatus", "QueryParameters", "OptionalParameters") if key in params]
    return "".join(f" {part}" for part in named + how)


def _label(entry: Entry) -> str:
    """What a test did, in words; "" for what it only looked at."""
    if entry.get("kind") == "event":
        return entry.get("event", "")
    operation, params = entry.get("operation", ""), entry.get("params")
    if entry.get("kind") != "call" or operation.startswith(("Get", "List", "Discover", "Describe", "Test")):
        return ""
    told = [params.get(key) for key in ("InstanceId", "Status")] if isinstance(params, Mapping) else []
    refused = "error" in entry
    return " ".join(str(part) for part in (operation, *told, "(refused)" if refused else "") if part)


def is_orderly(timeline: Timeline) -> bool:
    """Whether spans follow each other and lie within the whole: what a drawing rests on."""
    return all(
        lane.spans[0].start >= 0
        and lane.spans[-1].end <= timeline.seconds + 1e-6
        and all(one.end == other.start for one, other in pairwise(lane.spans))
        and all(span.start <= span.end for span in lane.spans)
        for lane in timeline.lanes
    )

"""Reads that lag writes: for a moment a new resource is not found or listed, and a changed one is as before.

The Amazon ECS and EC2 APIs follow an eventual consistency model (ecs/RunTask; EC2 Developer Guide, "Eventual
consistency in the Amazon EC2 API"). A read of a new resource is carried out with another id in its place, so that the
answer is the one for a resource that does not exist. A read that was made before a change is repeated just before it,
and that answer is given again while the change is late.
"""

from __future__ import annotations

import copy
import functools
import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import orjson

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

__all__ = ["LateReads", "is_read"]

Perform = Callable[[Mapping[str, Any]], Any]

_READS = ("Describe", "Get", "List")
_ID = re.compile(r"(?<![\w-])([a-z]{1,8}-)?([0-9a-z]{8,}|[0-9a-f-]{36})$")
_KEPT_READS = 200


def is_read(operation: str) -> bool:
    """Return whether an operation changes nothing."""
    return operation.startswith(_READS)


@dataclass(slots=True)
class _Place:
    """What is late in one service of one account and Region; times are service seconds."""

    young: dict[str, float] = field(default_factory=dict)
    reads: OrderedDict[bytes, tuple[str, Mapping[str, Any]]] = field(default_factory=OrderedDict)
    earlier: dict[bytes, tuple[float, Any]] = field(default_factory=dict)

    def forget(self, now: float) -> None:
        """Drop what is no longer late."""
        self.young = {name: until for name, until in self.young.items() if until > now}
        self.earlier = {key: entry for key, entry in self.earlier.items() if entry[0] > now}


class LateReads:
    """Performs calls so that reads lag writes by up to `longest` service seconds, each write by a random time."""

    def __init__(self, longest: float, seed: int) -> None:
        self._longest = longest
        self._random = Random(seed)
        self._places: dict[tuple[str, str, str], _Place] = {}

    def perform(self, call: Call, params: Mapping[str, Any], perform: Callable[[str, Mapping[str, Any]], Any]) -> Any:
        """Return the answer of a call; `perform` carries out an operation of the same service."""
        place = self._places.setdefault((call.service, call.account, call.region), _Place())
        place.forget(call.now)
        if is_read(call.operation):
            return self._read(call, params, place, lambda given: perform(call.operation, given))
        until = call.now + self._random.uniform(0, self._longest)
        names = set(_strings(params))
        for key, (operation, given) in place.reads.items():
            if key not in place.earlier and (operation.startswith("List") or names & set(_strings(given))):
                place.earlier[key] = until, _outcome(functools.partial(perform, operation, given))
        answer = perform(call.operation, params)
        for name in _new_ids(answer) - names:
            place.young[name] = until
        return answer

    def _read(self, call: Call, params: Mapping[str, Any], place: _Place, perform: Perform) -> Any:
        key = orjson.dumps([call.operation, params], default=str, option=orjson.OPT_SORT_KEYS)
        place.reads[key] = call.operation, copy.deepcopy(params)
        place.reads.move_to_end(key)
        if len(place.reads) > _KEPT_READS:
            place.reads.popitem(last=False)
        if key in place.earlier:
            return _again(place.earlier[key][1])
        other = {name: _other(name) for name in place.young}
        if not other:
            return perform(params)
        back = {hidden: name for name, hidden in other.items()}
        try:
            answer = perform(_replace(params, other))
        except ServiceError as error:
            raise ServiceError(
                error.code, _replace(error.message, back), status=error.status, **_replace(error.members, back)
            ) from None
        return _replace(_without(answer, set(other)), back)


def _outcome(perform: Callable[[], Any]) -> Any:
    try:
        return copy.deepcopy(perform())
    except ServiceError as error:
        return error


def _again(outcome: Any) -> Any:
    if isinstance(outcome, ServiceError):
        raise outcome
    return copy.deepcopy(outcome)


def _strings(value: Any) -> Iterator[str]:
    """Yield the texts in a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)


def _new_ids(answer: Any) -> set[str]:
    """Return the last parts of the ids and ARNs in the answer to a write."""
    return {found[0] for text in _strings(answer) if (found := _ID.search(text)) and any(map(str.isdigit, found[0]))}


def _other(name: str) -> str:
    """Return an id of the same form that does not exist: the last eight characters turned around."""
    return name[:-8] + name[:-9:-1]


def _replace(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for name, other in names.items():
            value = value.replace(name, other)
        return value
    if isinstance(value, Mapping):
        return {key: _replace(part, names) for key, part in value.items()}
    return [_replace(part, names) for part in value] if isinstance(value, list) else value


def _without(value: Any, names: set[str]) -> Any:
    """Return an answer without the entries of its lists that mention one of the names."""
    if isinstance(value, Mapping):
        return {key: _without(part, names) for key, part in value.items()}
    if isinstance(value, list):
        return [_without(part, names) for part in value if not any(n in t for t in _strings(part) for n in names)]
    return value

"""Reads that lag writes: for a moment a new resource is not found or listed, and a changed one is as before.

The Amazon ECS and EC2 APIs follow an eventual consistency model (ecs/RunTask; EC2 Developer Guide, "Eventual
consistency in the Amazon EC2 API"). A read of a new resource is carried out with another name in its place, so that the
answer is the one for a resource that does not exist. A read that was made before a change is repeated just before it,
and that answer is given again while the change is late. So no read shows a state older than the lag, a resource that
was seen does not vanish because another one is new, and the answer to a write shows the write. Writes find what is new:
the reports of ClusterNotFoundException from CreateService (hashicorp/terraform, pull request 15066) are rare.
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


def _swap(text: str) -> str:
    """Return a text with its neighbours exchanged, so that a hexadecimal digit stays one."""
    return "".join(second + first for first, second in zip(text[::2], text[1::2], strict=True))


_READS = ("Describe", "Get", "List")
_EC2_ID = re.compile(r"[a-z]{1,8}(-[a-z]+)*-[0-9a-f]{8,17}")
_LAST_PART = re.compile(r"[^/]+$")
_DIGITS, _LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyz"
_OTHERS = str.maketrans(
    _DIGITS + _LETTERS + _LETTERS.upper(), _swap(_DIGITS) + _swap(_LETTERS) + _swap(_LETTERS).upper()
)
_KEPT_READS = 200


def is_read(operation: str) -> bool:
    """Return whether an operation changes nothing."""
    return operation.startswith(_READS)


@dataclass(slots=True)
class _Place:
    """What is late in one service of one account and Region; times are service seconds.

    `known`: the names of the resources that answers have had; `young`: of those that are late.
    """

    known: set[str] = field(default_factory=set)
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
        found = _resources(answer, call.service)
        place.young |= dict.fromkeys(found - place.known, until)
        place.known |= found
        return answer

    def _read(self, call: Call, params: Mapping[str, Any], place: _Place, perform: Perform) -> Any:
        key = orjson.dumps([call.operation, params], default=str, option=orjson.OPT_SORT_KEYS)
        place.reads[key] = call.operation, copy.deepcopy(params)
        place.reads.move_to_end(key)
        if len(place.reads) > _KEPT_READS:
            place.reads.popitem(last=False)
        if key in place.earlier:
            return _again(place.earlier[key][1])
        if not place.young:
            answer = perform(params)
            place.known |= _resources(answer, call.service)
            return answer
        other = {name: _other(name) for name in place.young}
        back = {hidden: name for name, hidden in other.items()}
        try:
            answer = _without(perform(_replace(params, other)), set(place.young))
        except ServiceError as error:
            raise ServiceError(
                error.code, _replace(error.message, back), status=error.status, **_replace(error.members, back)
            ) from None
        place.known |= _resources(answer, call.service)
        return _replace(answer, back)


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


def _resources(answer: Any, service: str) -> set[str]:
    """Return the names of the service's own resources in an answer: ids of EC2, and the last parts of ARNs."""
    texts = set(_strings(answer))
    own = {_last_part(text) for text in texts if text.startswith("arn:") and text.split(":")[2:3] == [service]}
    return own | ({text for text in texts if _EC2_ID.fullmatch(text)} if service == "ec2" else set())


def _last_part(text: str) -> str:
    found = _LAST_PART.search(text)
    return found[0] if found else text


def _other(name: str) -> str:
    """Return a name of the same form that does not exist: the last eight characters are others."""
    return name[:-8] + name[-8:].translate(_OTHERS)


def _replace(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value in which whole names are replaced, also within ARNs and messages."""
    if not names:
        return value
    pattern = re.compile(rf"(?<![\w-])({'|'.join(map(re.escape, names))})(?![\w-])")
    return _map_texts(value, lambda text: pattern.sub(lambda found: names[found[0]], text))


def _map_texts(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _map_texts(part, change) for key, part in value.items()}
    return [_map_texts(part, change) for part in value] if isinstance(value, list) else value


def _without(value: Any, names: set[str], member: str = "") -> Any:
    """Return an answer without the entries of its lists that are resources of these names, or their ids and ARNs."""
    if isinstance(value, Mapping):
        return {key: _without(part, names, key) for key, part in value.items()}
    if isinstance(value, list):
        identity = {"id", "groupid", *(f"{member[:-1]}{end}".lower() for end in ("Id", "Arn"))}
        return [_without(entry, names) for entry in value if not _is_named(entry, names, identity)]
    return value


def _is_named(entry: Any, names: set[str], identity: set[str]) -> bool:
    """Return whether an entry of a list is one of the resources; `identity`: the members that name an entry."""
    if isinstance(entry, Mapping):
        texts = (text for key, text in entry.items() if key.lower() in identity and isinstance(text, str))
        return any(_last_part(text) in names for text in texts)
    return isinstance(entry, str) and _last_part(entry) in names

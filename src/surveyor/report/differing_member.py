"""Name the member of an answer whose value differs, where a test says only that the answer has another value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from botocore.exceptions import UnknownServiceError

from surveyor.evidence import EvidenceEntry
from surveyor.response import Origin, Path
from surveyor.service_models import service_model

__all__ = ["find_differing_member"]

_DIFFERS = re.compile(r".*?: expected (?P<expected>.+), got (?P<actual>.+?)(?: \([^()]*\))?")
_UNREADABLE = object()


def find_differing_member(detail: str, answers: Iterable[EvidenceEntry]) -> str:
    """Return the path of the member, as `Service.DnsConfig.RoutingPolicy`; "" if no answer shows which one it is.

    `detail`: what the test expected and what it got. It is the member of the first of the answers that has what the
    test got at one path only; of a number or a truth value that would prove little.
    """
    found = _DIFFERS.fullmatch(detail)
    if found is None:
        return ""
    expected, actual = _value(found["expected"]), _value(found["actual"])
    if not isinstance(actual, (str, Mapping)) or not actual:
        return ""
    for entry in answers:
        paths = {
            _format(entry, path) for path in _paths_of(entry.get("response"), actual, _difference(expected, actual))
        }
        if paths:
            return paths.pop() if len(paths) == 1 else ""
    return ""


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return _UNREADABLE  # cut, or no literal


def _difference(expected: object, actual: object) -> Path:
    """Return where in a value the only difference is; () if that is the value itself."""
    path: Path = ()
    while isinstance(expected, Mapping) and isinstance(actual, Mapping):
        differing = [key for key in actual if key not in expected or expected[key] != actual[key]]
        if len(differing) != 1 or differing[0] not in expected:
            break
        path = (path, differing[0])
        expected, actual = expected[differing[0]], actual[differing[0]]
    return path


def _paths_of(answer: object, value: object, rest: Path, path: Path = ()) -> Iterator[Path]:
    """Yield the paths in an answer that lead to a value, continued by `rest`."""
    if answer == value:
        yield _joined(path, rest)
    elif isinstance(answer, Mapping):
        for key, inner in answer.items():
            if key != "ResponseMetadata":
                yield from _paths_of(inner, value, rest, (path, key))
    elif isinstance(answer, list):
        for index, inner in enumerate(answer):
            yield from _paths_of(inner, value, rest, (path, index))


def _joined(path: Path, rest: Path) -> Path:
    return (_joined(path, rest[0]), rest[1]) if rest else path


def _format(entry: EvidenceEntry, path: Path) -> str:
    service, operation = str(entry.get("service", "")), str(entry.get("operation", ""))
    try:
        model: Any = service_model(service)
    except (UnknownServiceError, ValueError):
        return ""
    return (
        Origin(service, operation, model).format_path(path, exact=False) if operation in model.operation_names else ""
    )

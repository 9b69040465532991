"""Compare an answer with a recording, by shape: members, values, formats, errors. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from surveyor.recordings.model import Answer
from surveyor.recordings.paths import MISSING, Found, find

__all__ = ["differences"]


def differences(expected: Answer, actual: Mapping[str, Any]) -> list[str]:
    """Return in what an answer differs from a recorded one, each difference in one line; empty if it agrees.

    `actual` is a response as boto3 returns it, or that of a ClientError, which has the member `Error`. `expected` has
    no variables any more.
    """
    actual = _plain(actual)
    error = actual.get("Error")
    code, message = (str(error.get("Code", "")), str(error.get("Message", ""))) if error else ("", "")
    if code != expected.error:
        if not expected.error:
            return [f"refused with {code}: {message}"]
        return [f"refused with {code}, expected {expected.error}" if code else f"accepted, expected {expected.error}"]
    status = actual.get("ResponseMetadata", {}).get("HTTPStatusCode")
    found = []
    if expected.status is not None and status != expected.status:
        found.append(f"the HTTP status is {status}, expected {expected.status}")
    found += [f"the error's text lacks {word!r}: {message!r}" for word in expected.words if word not in message]
    return found + list(_members(expected, actual))


def _members(expected: Answer, actual: Mapping[str, Any]) -> Iterator[str]:
    for path in expected.absent:
        yield from (f"{name} is there: {_show(value)}" for name, value in find(actual, path) if value is not MISSING)
    for path in expected.present:
        yield from (f"{name} is missing" for name, value in _at(actual, path) if value is MISSING)
    for path, wanted in expected.values.items():
        wanted = _plain(wanted)
        yield from _differing(actual, path, lambda value, wanted=wanted: value == wanted, f"expected {_show(wanted)}")
    for path, pattern in expected.formats.items():
        form = re.compile(pattern)
        yield from _differing(
            actual, path, lambda value, form=form: form.fullmatch(_text(value)) is not None, f"expected {pattern}"
        )
    for path, words in expected.contains.items():
        for word in words:
            yield from _differing(
                actual, path, lambda value, word=word: word in _text(value), f"expected {word!r} in it"
            )
    for path, words in expected.lacks.items():
        for word in words:
            yield from _differing(actual, path, lambda value, word=word: word not in _text(value), f"with {word!r}")
    for path, names in expected.exactly.items():
        wanted = sorted(names)
        yield from _differing(
            actual, path, lambda value, wanted=wanted: sorted(value) == wanted, f"expected exactly {', '.join(wanted)}"
        )
    yield from _disorder(expected.order, actual)


def _disorder(paths: tuple[str, ...], actual: Mapping[str, Any]) -> Iterator[str]:
    before: Found | None = None
    for path in paths:
        for found in _at(actual, path):
            if found.value is MISSING:
                yield f"{found.path} is missing"
            elif before is not None and found.value < before.value:
                yield f"{found.path} ({_show(found.value)}) is before {before.path} ({_show(before.value)})"
            if found.value is not MISSING:
                before = found


def _differing(actual: Mapping[str, Any], path: str, agrees: Any, expectation: str) -> Iterator[str]:
    for name, value in _at(actual, path):
        if value is MISSING:
            yield f"{name} is missing, {expectation}"
        elif not agrees(value):
            yield f"{name} is {_show(value)}, {expectation}"


def _at(actual: Mapping[str, Any], path: str) -> list[Found]:
    """Return what is at a path, or that it is missing; a list without elements has none."""
    return find(actual, path) or [Found(path, MISSING)]


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: times as texts of one length, so that they can be compared."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _show(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= 160 else f"{text[:157]}…"

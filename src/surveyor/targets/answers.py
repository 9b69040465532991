"""What an answer must be before its members are read, and a line of plain words about one that is not.

botocore is lenient: it takes a text that is no JSON for an answer without members, and what breaks its parsers ends in
words of the interpreter.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import ParseError

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from botocore.parsers import ResponseParserError

from surveyor.evidence import trim
from surveyor.targets.transport import AnswerTooLarge

__all__ = ["BrokenAnswer", "check_answer", "check_types", "describe_broken", "describe_missing", "flatten_error"]

_MAX_VALUES = 250_000
"""Values in one answer: parsed, each needs some hundred bytes. A thousand instances with all attributes have 31,000."""

_CONTAINERS = {"structure": ("an object", dict), "map": ("an object", dict), "list": ("a list", list)}

_SHOWN = 80
"""Bytes of an answer that are shown."""


def check_answer(model: OperationModel, status: int, body: object) -> None:
    """Raise BrokenAnswer, in the words of the API, or AnswerTooLarge for a body that no AWS service sends."""
    if not isinstance(body, bytes) or not body:
        return  # a stream, or an answer without members
    if sum(map(body.count, (b",", b"[", b"{", b"<"))) > _MAX_VALUES:
        raise AnswerTooLarge(limit=f"{_MAX_VALUES} values")
    if status >= 300 or model.service_model.resolved_protocol != "json":
        return
    try:
        answer = json.loads(body, object_pairs_hook=_members, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _broken(model, body, _fault(error)) from None
    if not isinstance(answer, dict):
        raise _broken(model, body, "expected a JSON object")


def check_types(model: OperationModel, parsed: Mapping[str, Any]) -> None:
    """Raise BrokenAnswer for a text where the API has a list, an object where it has a text, an entry that is null.

    botocore's parsers return such values as they are. Numbers in place of texts are left to the suites.
    """
    if model.output_shape is None:
        return
    todo: list[tuple[str, Shape, Any]] = [
        (name, shape, parsed[name]) for name, shape in model.output_shape.members.items() if name in parsed
    ]
    while todo:
        path, shape, value = todo.pop()
        if shape.name == "policyDocumentType":  # IAM's policies: botocore has decoded their JSON
            continue
        expected, kind = _CONTAINERS.get(shape.type_name, ("a single value", None))
        if not (isinstance(value, kind) if kind else not isinstance(value, (list, dict, type(None)))):
            name = f"{model.service_model.service_name}:{model.name}"
            raise BrokenAnswer(f"{name} answered {str(trim(value))[:_SHOWN]} as {path}, expected {expected}")
        if isinstance(shape, ListShape):
            todo += [(f"{path}[{index}]", shape.member, entry) for index, entry in enumerate(value)]
        elif isinstance(shape, MapShape):
            todo += [(f"{path}.{key}", shape.value, entry) for key, entry in value.items() if entry is not None]
        elif isinstance(shape, StructureShape) and not getattr(shape, "is_document_type", False):
            todo += [(f"{path}.{key}", inner, value[key]) for key, inner in shape.members.items() if key in value]


def describe_broken(operation: str, body: object, error: Exception) -> str:
    """Return a line about the answer to an operation over which a parser of botocore broke with `error`."""
    return f"{operation} answered {_show(body)}, {_fault(error)}"


def describe_missing(error: Exception) -> str:
    """Return in a few words why there is no answer that can be used, with the name of botocore's error."""
    if isinstance(error, (BrokenAnswer, AnswerTooLarge)):
        return str(error)
    inner = getattr(error, "kwargs", {}).get("error")
    if isinstance(inner, AnswerTooLarge):
        return str(inner)
    kind = type(error).__name__
    if isinstance(error, (ReadTimeoutError, ConnectTimeoutError)):
        return f"no complete answer in time ({kind})"
    system = inner if isinstance(inner, OSError) else getattr(inner, "__cause__", None)
    text = system.strerror if isinstance(system, OSError) and system.strerror else str(inner or "")
    cause = " ".join(text.split())[:120]
    return f"{kind}: {cause}" if cause else kind


def flatten_error(parsed: dict[str, Any]) -> None:
    """Make code and message of an error texts, whatever the target sent for them."""
    error = parsed.get("Error")
    if isinstance(error, dict):
        for name, value in error.items():
            if value is not None and not isinstance(value, str):
                error[name] = str(trim(value))


class BrokenAnswer(ResponseParserError):
    """An answer that no AWS service sends; the text names the call."""


class _RepeatedMember(ValueError):
    """An object has two members of one name."""


def _members(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise _RepeatedMember(f"which has the member {next(name for name in names if names.count(name) > 1)!r} twice")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _broken(model: OperationModel, body: bytes, fault: str) -> BrokenAnswer:
    return BrokenAnswer(f"{model.service_model.service_name}:{model.name} answered {_show(body)}, {fault}")


def _fault(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "which is not UTF-8"
    if isinstance(error, RecursionError):
        return "which is nested too deeply"
    if isinstance(error, _RepeatedMember):
        return str(error)
    if isinstance(error, ParseError) or "invalid XML" in str(error):
        return "which is not XML"
    if isinstance(error, json.JSONDecodeError) or " is no JSON" in str(error):
        return "which is not JSON"
    return "which does not have the documented shape"


def _show(body: object) -> str:
    if not isinstance(body, bytes):
        return "a stream"
    more = f"… ({len(body)} bytes)" if len(body) > _SHOWN else ""
    return f"{body[:_SHOWN].decode('utf-8', 'replace')!r}{more}"

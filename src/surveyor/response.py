"""Responses that know their operation: a missing member is a wrong answer of the target, not a defect of Surveyor.

`Response` and `ResponseList` are the dicts and lists of one response. They behave as plain ones, except that reading a
member that is not there raises an error that says in the words of the API what is missing. Copies are plain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from traceback import extract_tb
from typing import Any, NoReturn, SupportsIndex

from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.parsers import ResponseParserError

from surveyor.errors import WrongAnswer

__all__ = [
    "MissingEntry",
    "MissingMember",
    "Origin",
    "Response",
    "ResponseList",
    "ResponseWrapper",
    "find_path",
    "member",
    "operation_name",
    "wrap",
]

Path = tuple[Any, ...]
"""Where a value is: () for the response itself, else (path of its container, key or index)."""

_STABLE_KEY = re.compile(r"[A-Za-z_]+|AWS_\w+|ECS_\w+")


@dataclass(frozen=True)
class Origin:
    """The operation that a response is from. `error`: its code, if the response is a refusal."""

    service: str
    operation: str
    model: ServiceModel | None = None
    error: str = ""

    @property
    def name(self) -> str:
        """Return the operation as in reports."""
        return operation_name(self.service, self.operation)

    def shape(self, path: Path) -> Shape | None:
        """Return the documented shape of the value at `path`; None if it is unknown or not documented."""
        if self.model is None or self.error:
            return None
        shape: Shape | None = self.model.operation_model(self.operation).output_shape
        for key in _keys(path):
            if isinstance(shape, StructureShape):
                shape = shape.members.get(key)
            elif isinstance(shape, (ListShape, MapShape)):
                shape = shape.member if isinstance(shape, ListShape) else shape.value
            else:
                return None
        return shape

    def format_path(self, path: Path, *, exact: bool) -> str:
        """Return a path as `Instances[].Attributes.AWS_INSTANCE_IPV4`.

        With `exact` it has indices; without it also keys of maps that differ from run to run are left out.
        """
        text, parent = "", ()
        for step in _steps(path):
            key = step[1]
            if isinstance(key, int):
                text += f"[{key}]" if exact else "[]"
            elif exact or _STABLE_KEY.fullmatch(str(key)) or not isinstance(self.shape(parent), MapShape):
                text += f".{key}" if text else str(key)
            else:
                text += ".*"
            parent = step
        return text


def operation_name(service: str, operation: str) -> str:
    """Return `CreateService` for an operation of Cloud Map, and `ecs:CreateService` for one of another service."""
    return operation if service in ("", "servicediscovery") else f"{service}:{operation}"


class _Missing:
    """What both errors have: the operation, and what is missing in the words of the API."""

    def _describe(self, origin: Origin, path: Path, predicate: str) -> None:
        self.origin, self.path, self._predicate = origin, path, predicate

    @property
    def operation(self) -> str:
        """Return the operation as in reports."""
        return self.origin.name

    @property
    def cause(self) -> str:
        """Return what is missing, the same in every run."""
        return self._text(exact=False)

    @property
    def is_documented(self) -> bool:
        """Return whether the API has this member at all; if not, it is Surveyor that reads a wrong name."""
        parent, key = self.path or ((), "")
        shape = self.origin.shape(parent)
        return not isinstance(shape, StructureShape) or not self.path or key in shape.members

    def _text(self, *, exact: bool) -> str:
        of_error = f" of the error {self.origin.error}" if self.origin.error else ""
        return f"{self.origin.format_path(self.path, exact=exact) or 'the answer'}{of_error} {self._predicate}"

    def __str__(self) -> str:
        return f"{self.operation}: {self._text(exact=True)}"


class MissingMember(_Missing, KeyError):
    """A member was read that the response does not have. `cause` has no values of this run, `str()` has them."""

    def __init__(self, key: object, origin: Origin, path: Path) -> None:
        KeyError.__init__(self, key)
        self._describe(origin, (path, key), "is missing")


class MissingEntry(_Missing, IndexError):
    """An entry was read that a list of the response does not have."""

    def __init__(self, index: object, origin: Origin, path: Path, length: int) -> None:
        IndexError.__init__(self, index)
        self._describe(origin, path, "has too few entries" if length else "is empty")


class Response(dict[str, Any]):
    """A response, or a structure or map in it."""

    __slots__ = ("origin", "path")

    origin: Origin
    path: Path

    def __missing__(self, key: str) -> NoReturn:
        raise MissingMember(key, self.origin, self.path)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class ResponseList(list[Any]):
    """A list in a response."""

    __slots__ = ("origin", "path")

    origin: Origin
    path: Path

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        try:
            return list.__getitem__(self, index)
        except IndexError:
            raise MissingEntry(index, self.origin, self.path, len(self)) from None

    def __reduce__(self) -> tuple[Any, ...]:
        return list, (list(self),)


# JMESPath, with which botocore's waiters and paginators read responses, knows the names of types and not subclasses.
Response.__name__, ResponseList.__name__ = "dict", "list"


def wrap(value: Any, origin: Origin, path: Path = ()) -> Any:
    """Return `value` with its dicts and lists as Response and ResponseList; the metadata of a response stay plain."""
    if type(value) is dict:
        answer = Response(value)
        answer.origin, answer.path = origin, path
        for key, item in value.items():
            if type(item) in (dict, list) and key != "ResponseMetadata":
                answer[key] = wrap(item, origin, (path, key))
        return answer
    if type(value) is list:
        items = ResponseList(value)
        items.origin, items.path = origin, path
        for index, item in enumerate(value):
            if type(item) in (dict, list):
                items[index] = wrap(item, origin, (path, index))
        return items
    return value


class ResponseWrapper:
    """A base class of botocore's clients that wraps their responses, and those of their errors."""

    meta: Any

    def _make_api_call(self, operation: str, params: Mapping[str, Any]) -> Any:
        model = self.meta.service_model
        try:
            try:
                answer = super()._make_api_call(operation, params)  # type: ignore[misc]  # a method of botocore's client
            except ClientError as error:
                code = str(error.response.get("Error", {}).get("Code", ""))
                error.response = wrap(dict(error.response), Origin(model.service_name, operation, model, code))
                raise
            return wrap(answer, Origin(model.service_name, operation, model))
        except RecursionError:
            name = f"{model.service_name}:{operation}"
            raise ResponseParserError(f"{name} answered with what is nested too deeply") from None
        except (AttributeError, TypeError, ValueError, LookupError) as error:  # a client without checks of its answers
            if not any(frame.filename.endswith("botocore/parsers.py") for frame in extract_tb(error.__traceback__)):
                raise
            name = f"{model.service_name}:{operation}"
            raise ResponseParserError(f"{name} answered with another shape than the documented one") from None


def find_path(value: object, *keys: object) -> tuple[str, str] | None:
    """Return operation and path of the member at `keys` of a value; None if it is no part of a response."""
    if not isinstance(value, (Response, ResponseList)) or not hasattr(value, "origin"):
        return None
    path = value.path
    for key in keys:
        path = (path, key)
    return value.origin.name, value.origin.format_path(path, exact=False)


def member(answer: Mapping[str, Any], *path: str, of: str) -> Any:
    """Return the value at `path` in the response of the operation `of`. Raises WrongAnswer if a member is missing.

    `of` is used for a response that does not know its operation.
    """
    value: Any = answer
    for depth, key in enumerate(path):
        if not isinstance(value, Mapping) or key not in value:
            operation, where = find_path(answer, *path[: depth + 1]) or (of, ".".join(path[: depth + 1]))
            cause = f"{where} is missing"
            raise WrongAnswer(f"{operation}: {cause}", actual=f"{operation}: {cause}", operation=operation, cause=cause)
        value = value[key]
    return value


def _steps(path: Path) -> list[Path]:
    steps = []
    while path:
        steps.append(path)
        path = path[0]
    return steps[::-1]


def _keys(path: Path) -> Iterator[Any]:
    return (step[1] for step in _steps(path))

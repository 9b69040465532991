"""Which resources the actions of a service are about, as a table of what the Service Authorization Reference documents.

A service names, for each type of resource, how a request names resources of it, and the operations whose action has the
type. What is not in the table, and a request that does not name the resource of its action, counts as unknown: a deny
with any Resource covers it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from surveyor_emulator.core.world import Call
from surveyor_policies.model import UNKNOWN_RESOURCE

from .permission_request import Keys, PermissionRequest, tags_of_resource

__all__ = ["ActionTable", "Find", "NamedResource", "arns", "fill", "named", "none_named", "texts"]


class NamedResource(NamedTuple):
    """A resource that a request names: its ARN, other ARNs that are documented for it, and its tags."""

    arn: str
    also: tuple[str, ...] = ()
    tags: Mapping[str, str] = {}


Find = Callable[[Call, Mapping[str, Any]], Iterable[NamedResource]]
"""From a call and its parameters to the resources of one type; nothing if the request does not say which."""


class ActionTable:
    """The actions of one service."""

    def __init__(
        self,
        types: Iterable[tuple[Find, str]],
        without: str = "",
        prefix: str = "",
        actions: Mapping[str, str] | None = None,
        keys: Callable[[Call, Mapping[str, Any]], Keys] = lambda call, params: {},
        further: Callable[[Call, Mapping[str, Any]], Iterable[PermissionRequest]] = lambda call, params: (),
    ) -> None:
        """``types`` has the operations of each type of resource, ``without`` those whose action has none, as words.

        ``actions`` names the action of an operation that has another name, ``prefix`` the service of its actions if
        that is not the name that requests are signed for. ``keys`` returns the condition keys of a request, ``further``
        the permissions that it needs beside its action.
        """
        self._finds: dict[str, list[Find]] = {operation: [] for operation in without.split()}
        for find, operations in types:
            for operation in operations.split():
                self._finds.setdefault(operation, []).append(find)
        self._prefix, self._actions, self._keys, self._further = prefix, actions or {}, keys, further

    def permission_requests(self, call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
        """Yield the permissions of a call, all of which must be allowed."""
        operation, keys = call.operation, self._keys(call, params)
        action = self._actions.get(operation) or (f"{self._prefix}:{operation}" if self._prefix else "")
        finds = self._finds.get(operation)
        if not finds:
            yield PermissionRequest(UNKNOWN_RESOURCE if finds is None else "*", keys, action)
        for find in finds or ():
            found = list(find(call, params)) or [NamedResource(UNKNOWN_RESOURCE)]
            for arn, also, tags in found:
                yield PermissionRequest(arn, {**keys, **tags_of_resource(tags)}, action, also)
        yield from self._further(call, params)


def fill(template: str, call: Call, name: str) -> str:
    """Return an ARN of the calling account with this name in it."""
    return template.format(region=call.region, account=call.account, name=name)


def texts(params: Mapping[str, Any], members: Iterable[str]) -> Iterator[str]:
    """Yield every text that these parameters have."""
    for member in members:
        value = params.get(member)
        if value:
            yield from map(str, value) if isinstance(value, list) else (str(value),)


def named(template: str, *members: str) -> Find:
    """Return a function that finds the resources whose names these parameters have."""
    return lambda call, params: [NamedResource(fill(template, call, text)) for text in texts(params, members)]


def arns(*members: str) -> Find:
    """Return a function that finds the resources whose ARNs these parameters have."""
    return lambda call, params: [NamedResource(text) for text in texts(params, members)]


def none_named(template: str) -> Find:
    """Return a function for requests that name no resource: they are about all of a type, or about a new one."""
    return lambda call, params: [NamedResource(fill(template, call, "*"))]

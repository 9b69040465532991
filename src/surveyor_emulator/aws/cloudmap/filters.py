"""Filters of the List operations: the documented names and conditions, and what they select.

Sources: servicediscovery NamespaceFilter, ServiceFilter, OperationFilter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surveyor_emulator.core.world import Call

from .lookup import build_arn, invalid_input
from .state import CloudMapService, Namespace, Operation

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        NamespaceFilterTypeDef,
        OperationFilterTypeDef,
        ServiceFilterTypeDef,
    )

__all__ = ["namespace_filter", "operation_filter", "service_filter"]


@dataclass(frozen=True, slots=True)
class _Filter:
    """A filter; its condition is allowed for its name."""

    name: str
    condition: str
    values: list[str]

    def matches(self, value: str) -> bool:
        if self.condition == "BEGINS_WITH":
            return value.startswith(self.values[0])
        return value in self.values


def namespace_filter(call: Call, requested: Sequence[NamespaceFilterTypeDef]) -> Callable[[Namespace], bool]:
    """Return a predicate that selects namespaces by TYPE, NAME, HTTP_NAME, RESOURCE_OWNER; all filters must match."""
    prefix = ("EQ", "BEGINS_WITH")
    filters = _read(requested, {"TYPE": prefix, "NAME": prefix, "HTTP_NAME": prefix, "RESOURCE_OWNER": ("EQ",)})

    def value(namespace: Namespace, name: str) -> str:
        return {
            "TYPE": namespace.type,
            "NAME": namespace.name,
            "HTTP_NAME": namespace.http_name,
            "RESOURCE_OWNER": "SELF" if namespace.arn.split(":")[4] == call.account else "OTHER_ACCOUNTS",
        }[name]

    return lambda namespace: all(item.matches(value(namespace, item.name)) for item in filters)


def service_filter(call: Call, requested: Sequence[ServiceFilterTypeDef]) -> Callable[[CloudMapService], bool]:
    """Return a predicate that selects services by NAMESPACE_ID (id or ARN) and RESOURCE_OWNER."""
    filters = _read(requested, {"NAMESPACE_ID": ("EQ",), "RESOURCE_OWNER": ("EQ",)})
    prefix = build_arn(call, "namespace", "")

    def value(service: CloudMapService, name: str) -> str:
        namespace = service.namespace
        if name == "RESOURCE_OWNER":
            return "SELF" if namespace.arn.split(":")[4] == call.account else "OTHER_ACCOUNTS"
        # Namespaces of other accounts are known by ARN only.
        return namespace.arn if not namespace.arn.startswith(prefix) else namespace.id

    def matches(service: CloudMapService) -> bool:
        return all(value(service, item.name) == item.values[0].removeprefix(prefix) for item in filters)

    return matches


def operation_filter(call: Call, requested: Sequence[OperationFilterTypeDef]) -> Callable[[Operation], bool]:
    """Return a predicate that selects operations by NAMESPACE_ID, SERVICE_ID, STATUS, TYPE, a range of UPDATE_DATE."""
    multiple = ("EQ", "IN")
    filters = _read(
        requested,
        {
            "NAMESPACE_ID": ("EQ",),
            "SERVICE_ID": ("EQ",),
            "STATUS": multiple,
            "TYPE": multiple,
            "UPDATE_DATE": ("BETWEEN",),
        },
    )
    ranges = [_read_range(item.values) for item in filters if item.name == "UPDATE_DATE"]
    plain = [item for item in filters if item.name != "UPDATE_DATE"]

    def value(operation: Operation, name: str) -> str:
        if name == "STATUS":
            return operation.status
        return operation.type if name == "TYPE" else operation.targets.get(name.removesuffix("_ID"), "")

    return lambda operation: (
        all(item.matches(value(operation, item.name)) for item in plain)
        and all(first <= operation.updated <= last for first, last in ranges)
    )


def _read(requested: Sequence[Mapping[str, object]], allowed: Mapping[str, tuple[str, ...]]) -> list[_Filter]:
    filters = []
    for entry in requested:
        name, values = str(entry["Name"]), entry["Values"]
        assert isinstance(values, list)
        # UPDATE_DATE is documented with BETWEEN alone, so EQ cannot be its default.
        condition = str(entry.get("Condition") or "EQ")
        if condition not in allowed[name]:
            raise invalid_input(f"filter {name} takes the condition {' or '.join(allowed[name])}, not {condition}")
        if condition in ("EQ", "BEGINS_WITH") and len(values) != 1:
            raise invalid_input(f"condition {condition} takes one value, not {len(values)}")
        filters.append(_Filter(name, condition, values))
    return filters


def _read_range(values: list[str]) -> tuple[float, float]:
    """Read two moments in Unix time (seconds), the earlier first."""
    if len(values) != 2:
        raise invalid_input("UPDATE_DATE with BETWEEN takes a start and an end")
    try:
        first, last = float(values[0]), float(values[1])
    except ValueError:
        raise invalid_input("UPDATE_DATE takes Unix time in seconds") from None
    if not first <= last:
        raise invalid_input("UPDATE_DATE takes the start first")
    return first, last

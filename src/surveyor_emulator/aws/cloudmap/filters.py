"""The filters of the List calls: which names, conditions and values are documented, and what they select.

Sources: servicediscovery NamespaceFilter, ServiceFilter, OperationFilter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from surveyor_emulator.core.world import Call

from .find import arn, invalid
from .state import Namespace, Operation, Service

if TYPE_CHECKING:
    from mypy_boto3_servicediscovery.type_defs import (
        NamespaceFilterTypeDef,
        OperationFilterTypeDef,
        ServiceFilterTypeDef,
    )

__all__ = ["namespaces", "operations", "services"]

_TYPES = ("DNS_PUBLIC", "DNS_PRIVATE", "HTTP")
_OWNERS = ("SELF", "OTHER_ACCOUNTS")
_STATUSES = ("SUBMITTED", "PENDING", "SUCCESS", "FAIL")
_OPERATION_TYPES = (
    "CREATE_NAMESPACE",
    "DELETE_NAMESPACE",
    "UPDATE_NAMESPACE",
    "UPDATE_SERVICE",
    "REGISTER_INSTANCE",
    "DEREGISTER_INSTANCE",
)


@dataclass(frozen=True, slots=True)
class _Filter:
    """A filter whose condition is allowed for its name."""

    name: str
    condition: str
    values: list[str]

    def keeps(self, value: str | None) -> bool:
        if value is None:
            return False
        if self.condition == "BEGINS_WITH":
            return value.startswith(self.values[0])
        return value in self.values


def namespaces(call: Call, given: Sequence[NamespaceFilterTypeDef]) -> Callable[[Namespace], bool]:
    """Selects namespaces by TYPE, NAME, HTTP_NAME and RESOURCE_OWNER; several filters must all hold."""
    prefix = ("EQ", "BEGINS_WITH")
    read = _read(given, {"TYPE": prefix, "NAME": prefix, "HTTP_NAME": prefix, "RESOURCE_OWNER": ("EQ",)})
    for one in read:
        if one.name == "TYPE" and one.condition == "EQ":
            _among(one, _TYPES)
        if one.name == "RESOURCE_OWNER":
            _among(one, _OWNERS)

    def value(namespace: Namespace, name: str) -> str:
        return {
            "TYPE": namespace.type,
            "NAME": namespace.name,
            "HTTP_NAME": namespace.http_name,
            "RESOURCE_OWNER": "SELF" if namespace.arn.split(":")[4] == call.account else "OTHER_ACCOUNTS",
        }[name]

    return lambda namespace: all(one.keeps(value(namespace, one.name)) for one in read)


def services(call: Call, given: Sequence[ServiceFilterTypeDef]) -> Callable[[Service], bool]:
    """Selects services by NAMESPACE_ID (id or ARN) and RESOURCE_OWNER."""
    read = _read(given, {"NAMESPACE_ID": ("EQ",), "RESOURCE_OWNER": ("EQ",)})
    for one in read:
        if one.name == "RESOURCE_OWNER":
            _among(one, _OWNERS)
    prefix = arn(call, "namespace", "")

    def keeps(service: Service) -> bool:
        return all(
            service.namespace.id == one.values[0].removeprefix(prefix)
            if one.name == "NAMESPACE_ID"
            else one.keeps("SELF")
            for one in read
        )

    return keeps


def operations(call: Call, given: Sequence[OperationFilterTypeDef]) -> Callable[[Operation], bool]:
    """Selects operations by NAMESPACE_ID, SERVICE_ID, STATUS, TYPE and a span of UPDATE_DATE."""
    several = ("EQ", "IN")
    read = _read(
        given,
        {
            "NAMESPACE_ID": ("EQ",),
            "SERVICE_ID": ("EQ",),
            "STATUS": several,
            "TYPE": several,
            "UPDATE_DATE": ("BETWEEN",),
        },
    )
    spans: list[tuple[float, float]] = []
    for one in read:
        if one.name == "STATUS":
            _among(one, _STATUSES)
        if one.name == "TYPE":
            _among(one, _OPERATION_TYPES)
        if one.name == "UPDATE_DATE":
            spans.append(_span(one.values))
    plain = [one for one in read if one.name != "UPDATE_DATE"]

    def value(operation: Operation, name: str) -> str | None:
        if name == "STATUS":
            return operation.status
        return operation.type if name == "TYPE" else operation.targets.get(name.removesuffix("_ID"))

    return lambda operation: (
        all(one.keeps(value(operation, one.name)) for one in plain)
        and all(first <= operation.updated <= last for first, last in spans)
    )


def _read(given: Sequence[Mapping[str, object]], allowed: Mapping[str, tuple[str, ...]]) -> list[_Filter]:
    read = []
    for one in given:
        name, values = str(one["Name"]), one["Values"]
        assert isinstance(values, list)
        # UPDATE_DATE is documented with BETWEEN alone, so EQ cannot be its default.
        condition = str(one.get("Condition") or "EQ")
        if condition not in allowed[name]:
            raise invalid(f"filter {name} takes the condition {' or '.join(allowed[name])}, not {condition}")
        if condition in ("EQ", "BEGINS_WITH") and len(values) != 1:
            raise invalid(f"condition {condition} takes one value, not {len(values)}")
        if not values:
            raise invalid(f"filter {name} needs a value")
        read.append(_Filter(name, condition, values))
    return read


def _among(one: _Filter, allowed: tuple[str, ...]) -> None:
    for value in one.values:
        if value not in allowed:
            raise invalid(f"filter {one.name} takes {', '.join(allowed)}, not {value}")


def _span(values: list[str]) -> tuple[float, float]:
    """Two moments in Unix time (seconds), the earlier first."""
    if len(values) != 2:
        raise invalid("UPDATE_DATE with BETWEEN takes a start and an end")
    try:
        first, last = float(values[0]), float(values[1])
    except ValueError:
        raise invalid("UPDATE_DATE takes Unix time in seconds") from None
    if not first <= last:
        raise invalid("UPDATE_DATE takes the start first")
    return first, last

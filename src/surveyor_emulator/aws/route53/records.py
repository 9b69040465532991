"""The resource record sets of one zone, found by name: the API and the name servers each keep such a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from .names import ancestors, sort_key

if TYPE_CHECKING:
    from .state import RecordKey, RecordSet

__all__ = ["RecordTable", "order"]

_NOTHING: Mapping[RecordKey, RecordSet] = MappingProxyType({})


def order(record: RecordSet) -> tuple[str, str, str]:
    """By name with its labels reversed, type, set identifier (route53/ListResourceRecordSets)."""
    return sort_key(record.name), record.type, record.set_identifier or ""


class RecordTable:
    """Record sets by name, counted, and which names exist only because others lie below them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[RecordKey, RecordSet]] = {}
        self._below: dict[str, int] = {}
        self._count = 0
        self._sorted: list[RecordSet] | None = None

    def __len__(self) -> int:
        return self._count

    def copy(self) -> RecordTable:
        """Another table with the same records."""
        other = RecordTable()
        other._names = {name: dict(records) for name, records in self._names.items()}
        other._below = dict(self._below)
        other._count = self._count
        return other

    def listed(self) -> Sequence[RecordSet]:
        """All of them in the order in which Route 53 lists them."""
        if self._sorted is None:
            self._sorted = sorted(
                (record for records in self._names.values() for record in records.values()), key=order
            )
        return self._sorted

    def at(self, name: str) -> Mapping[RecordKey, RecordSet]:
        """Those of one name; the empty mapping where there is none."""
        return self._names.get(name, _NOTHING)

    def get(self, key: RecordKey) -> RecordSet | None:
        """The one with this key."""
        return self.at(key.name).get(key)

    def has_below(self, name: str) -> bool:
        """Whether names exist below this one."""
        return name in self._below

    def put(self, record: RecordSet) -> None:
        """Add it, or put it in the place of the one with its key."""
        records = self._names.get(record.name)
        if records is None:
            records = self._names[record.name] = {}
            for name in ancestors(record.name):
                self._below[name] = self._below.get(name, 0) + 1
        self._count += record.key not in records
        records[record.key] = record
        self._sorted = None

    def remove(self, key: RecordKey) -> None:
        """Take it away, if it is there."""
        records = self._names.get(key.name)
        if records is None or records.pop(key, None) is None:
            return
        self._count -= 1
        self._sorted = None
        if records:
            return
        del self._names[key.name]
        for name in ancestors(key.name):
            self._below[name] -= 1
            if not self._below[name]:
                del self._below[name]

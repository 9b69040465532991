"""A table of the resource record sets of one zone, by name: the API and the name servers each keep one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from .names import ancestors, sort_key

if TYPE_CHECKING:
    from .record_model import RecordKey, RecordSet

__all__ = ["RecordTable", "listing_order"]

_EMPTY: Mapping[RecordKey, RecordSet] = MappingProxyType({})


def listing_order(record: RecordSet) -> tuple[str, str, str]:
    """Return the sort key: name with its labels reversed, type, set identifier (route53/ListResourceRecordSets)."""
    return sort_key(record.name), record.type, record.set_identifier or ""


class RecordTable:
    """Record sets by name, their count, and the names that exist only because other names are below them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[RecordKey, RecordSet]] = {}
        self._below: dict[str, int] = {}
        self._count = 0
        self._sorted: list[RecordSet] | None = None

    def __len__(self) -> int:
        return self._count

    def copy(self) -> RecordTable:
        """Return another table with the same records."""
        other = RecordTable()
        other._names = {name: dict(records) for name, records in self._names.items()}
        other._below = dict(self._below)
        other._count = self._count
        return other

    def sorted_records(self) -> Sequence[RecordSet]:
        """Return all record sets in the order in which Route 53 lists them."""
        if self._sorted is None:
            self._sorted = sorted(
                (record for records in self._names.values() for record in records.values()), key=listing_order
            )
        return self._sorted

    def at(self, name: str) -> Mapping[RecordKey, RecordSet]:
        """Return the record sets of one name; an empty mapping if there are none."""
        return self._names.get(name, _EMPTY)

    def get(self, key: RecordKey) -> RecordSet | None:
        """Return the record set with this key."""
        return self.at(key.name).get(key)

    def has_below(self, name: str) -> bool:
        """Whether names exist below this one."""
        return name in self._below

    def put(self, record: RecordSet) -> None:
        """Add a record set, or replace the one with the same key."""
        records = self._names.get(record.name)
        if records is None:
            records = self._names[record.name] = {}
            for name in ancestors(record.name):
                self._below[name] = self._below.get(name, 0) + 1
        self._count += record.key not in records
        records[record.key] = record
        self._sorted = None

    def remove(self, key: RecordKey) -> None:
        """Remove a record set, if it exists."""
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

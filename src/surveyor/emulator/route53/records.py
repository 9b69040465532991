"""The resource record sets of one zone, found by name: the API and the name servers each keep such a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from .names import ancestors, sort_key

if TYPE_CHECKING:
    from .state import RecordKey, RecordSet

__all__ = ["RecordTable"]

_NOTHING: Mapping[RecordKey, RecordSet] = MappingProxyType({})


class RecordTable:
    """Record sets by name, counted, and which names exist only because others lie below them."""

    def __init__(self) -> None:
        self._names: dict[str, dict[RecordKey, RecordSet]] = {}
        self._below: dict[str, int] = {}
        self._count = 0
        self._sorted: list[RecordSet] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[RecordSet]:
        """In the order in which Route 53 lists them: name with its labels reversed, type, set identifier."""
        if self._sorted is None:
            rows = ((sort_key(name), records) for name, records in self._names.items())
            self._sorted = [
                record
                for _, records in sorted(rows, key=lambda row: row[0])
                for record in sorted(records.values(), key=lambda record: (record.type, record.set_identifier or ""))
            ]
        return iter(self._sorted)

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

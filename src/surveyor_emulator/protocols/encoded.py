"""Entries of an answer that are encoded when they change, not each time they are returned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from . import Document

__all__ = ["EncodedEntry", "EncodedList"]


class EncodedEntry(NamedTuple):
    """A structure and its JSON."""

    document: Document
    json: bytes

    @classmethod
    def of(cls, document: Document) -> EncodedEntry:
        """Encode a structure, which must not change afterwards."""
        return cls(document, orjson.dumps(document))


class EncodedList:
    """A list of encoded structures as a member of an answer."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Sequence[EncodedEntry]) -> None:
        self._entries = entries

    @property
    def documents(self) -> list[Document]:
        """Return the structures, for protocols other than JSON."""
        return [entry.document for entry in self._entries]

    @property
    def json(self) -> bytes:
        """Return the list as JSON."""
        return b"[%b]" % b",".join([entry.json for entry in self._entries])

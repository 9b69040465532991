"""Pages repeat and omit no entry, and foreign tokens are refused."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from surveyor_emulator.aws.cloudmap.paging import page
from surveyor_emulator.core.errors import ServiceError


@dataclass(frozen=True)
class Entry:
    """Something with a number."""

    number: int


@given(st.sets(st.integers(1, 500)), st.integers(1, 100))
def test_pages_add_up_to_the_whole(numbers: set[int], size: int) -> None:
    """Following the tokens returns every entry once, oldest first, in pages no larger than requested."""
    entries = [Entry(number) for number in numbers]
    seen: list[int] = []
    token = None
    while True:
        found, token = page(entries, token, size)
        assert len(found) <= size
        seen += [entry.number for entry in found]
        if token is None:
            break
    assert seen == sorted(numbers)


@given(st.sets(st.integers(1, 100), min_size=10), st.integers(1, 5))
def test_removed_entries_do_not_hide_others(numbers: set[int], size: int) -> None:
    """Removing entries already shown does not make the next page skip any."""
    entries = [Entry(number) for number in sorted(numbers)]
    first, token = page(entries, None, size)
    rest, _ = page(entries[len(first) :], token, 100)
    assert [entry.number for entry in first + rest] == sorted(numbers)


@example("MDA0")  # base64 of a number with leading zeros, if "!" is ignored
@given(st.text(max_size=60))
def test_foreign_tokens_are_refused(token: str) -> None:
    """Any text that is not a token of the operation is InvalidInput, never a crash."""
    with pytest.raises(ServiceError, match="InvalidInput"):
        page([Entry(1)], f"!{token}", None)

"""Text of a target is shown as it is, but for what is not shown as itself."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from surveyor.report.text import cut, one_line, visible

ANYTHING = st.text(st.characters(codec=None, categories=None))


@given(ANYTHING)
def test_nothing_hidden_is_left(text: str) -> None:
    """What is left is UTF-8, and holds no control, no surrogate and nothing that turns the text around."""
    shown = visible(text)
    shown.encode()
    kinds = {unicodedata.category(character) for character in shown} - {"Cn", "Co"}
    assert not kinds & {"Cs", "Cc"} or set(shown) & {"\t", "\n"}
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f\ufeff")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], codec="utf-8")))
def test_what_is_seen_stays(text: str) -> None:
    """Letters, digits, signs and blanks of any script are shown as they are."""
    assert visible(text) == text


@given(ANYTHING, st.integers(1, 50))
def test_a_line_is_one_line_of_bounded_length(text: str, longest: int) -> None:
    """Whatever comes becomes one line, not much longer than asked for."""
    line = one_line(text, longest)
    assert len(line.splitlines()) <= 1
    assert len(line) <= longest + len("… (9999999 characters)")


def test_a_cut_says_how_much_there_was() -> None:
    """A text that was cut tells its length."""
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 3) == "abc… (6 characters)"

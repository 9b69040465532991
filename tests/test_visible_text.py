"""Text of a target is shown unchanged, except hidden characters."""

from __future__ import annotations

import tempfile
import tomllib
import unicodedata
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from surveyor.output_files import append_text, write_text
from surveyor.visible_text import cut, one_line, toml_string, visible

ANYTHING = st.text(st.characters(codec=None, categories=None))


@given(ANYTHING)
def test_no_hidden_character_remains(text: str) -> None:
    """The result is UTF-8 without controls, surrogates and characters that reorder text."""
    shown = visible(text)
    shown.encode()
    kinds = {unicodedata.category(character) for character in shown} - {"Cn", "Co"}
    assert not kinds & {"Cs", "Cc"} or set(shown) & {"\t", "\n"}
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200f\ufeff")


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], codec="utf-8")))
def test_visible_characters_are_unchanged(text: str) -> None:
    """Letters, digits, signs and spaces of any script are unchanged."""
    assert visible(text) == text


@given(ANYTHING, st.integers(1, 50))
def test_a_line_has_a_bounded_length(text: str, max_length: int) -> None:
    """Any text becomes one line, not much longer than requested."""
    line = one_line(text, max_length)
    assert len(line.splitlines()) <= 1
    assert len(line) <= max_length + len("… (9999999 characters)")


def test_a_cut_text_has_its_original_length() -> None:
    """A cut text ends with the length of the original."""
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 3) == "abc… (6 characters)"


@given(ANYTHING)
def test_a_string_of_toml_is_read_again(text: str) -> None:
    """Any text is a TOML string without hidden characters; half of a pair is replaced."""
    written = toml_string(text)
    assert visible(written) == written
    assert tomllib.loads(f"a = {written}")["a"] == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(ANYTHING)
def test_a_kept_file_has_no_hidden_characters(text: str) -> None:
    """A file that is written or added to is UTF-8 and shows everything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        write_text(path, text)
        append_text(path, text)
        assert path.read_text("utf-8") == visible(text) * 2

"""Values as JSON: whatever text a target sent is written and read, and anything else is refused in one line."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.typed_json import dump_json, parse_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_any_text_is_written_and_read(value: object) -> None:
    """Half of a surrogate pair becomes the replacement character, in both directions; all other text is kept."""
    written = dump_json(value)
    assert parse_json(written, object) == parse_json(json.dumps(value), object)
    assert dump_json(parse_json(written, object)) == written


@pytest.mark.parametrize("text", ["", "{", '{"a": "\\ud800', "nul", b"\xff\xfe", "[" * 100_000, '"\\x"'])
def test_what_is_not_json_is_refused(text: str | bytes) -> None:
    """The message is one line."""
    with pytest.raises(ValueError, match=r"^is (not complete JSON|nested too deeply)"):
        parse_json(text, object)

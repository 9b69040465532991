"""Domain names have one spelling each, and convert to wire form and back."""

from __future__ import annotations

import dns.name
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor_emulator.aws.route53 import names

LABELS = st.lists(st.binary(min_size=1, max_size=63), min_size=1, max_size=6).filter(
    lambda labels: sum(len(label) + 1 for label in labels) < 255
)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("example.com", "example.com."),
        ("Example.COM.", "example.com."),
        ("*.example.com", r"\052.example.com."),
        (r"\052.example.com", r"\052.example.com."),
        (r"ex\344mple.com", r"ex\344mple.com."),
        (r"\105xample.com", "example.com."),
        ("_http._tcp.example.com", "_http._tcp.example.com."),
        ("i/1:2@3.example.com", r"i\0571\0722\1003.example.com."),
        (r"a\056b.example.com", r"a\056b.example.com."),
        (r"a\9.com", r"a\1349.com."),
        (".", "."),
    ],
)
def test_a_name_has_one_spelling(written: str, kept: str) -> None:
    """It is lower case, with a trailing dot, and escapes all but letters, digits, hyphen and underscore."""
    assert names.canonical(written) == kept
    assert names.canonical(kept) == kept


@pytest.mark.parametrize(
    "written",
    ["", "..", "a..b", ".a", "a b.com", "ex\u00e4mple.com", "x" * 64 + ".com", "a." * 127 + "aa", "a\n"],
)
def test_invalid_names_are_refused(written: str) -> None:
    """Empty or too long labels, too long names, and characters that need an escape are errors."""
    with pytest.raises(ValueError, match="domain name"):
        names.canonical(written)


@given(LABELS)
def test_labels_survive_conversion(labels: list[bytes]) -> None:
    """For any bytes in a label, converting it back and forth only makes it lower case."""
    lower = [label.lower() for label in labels]
    name = names.from_labels(lower)
    assert names.canonical(name) == name
    assert names.to_wire(name) == dns.name.Name([*lower, b""]).to_wire()
    assert names.encode(name) == names.to_wire(name)


def test_the_longest_names_fit() -> None:
    """A label of 63 bytes and a name of 255 bytes are the longest valid ones."""
    longest = ".".join(["x" * 63] * 3 + ["x" * 61])
    assert len(names.to_wire(names.canonical(longest))) == 255
    with pytest.raises(ValueError, match="255"):
        names.canonical(longest + "x")


def test_ancestors_of_a_name() -> None:
    """Ancestors are listed nearest first; a name is within itself and its ancestors, but not within similar names."""
    assert names.ancestors("a.b.example.com.") == ["b.example.com.", "example.com.", "com."]
    assert names.is_within("example.com.", "example.com.")
    assert names.is_within("a.example.com.", "example.com.")
    assert not names.is_within("anexample.com.", "example.com.")


def test_lists_are_sorted_by_reversed_labels() -> None:
    """The sort key is as documented for ListHostedZonesByName: com.example.www. with its trailing dot."""
    assert names.sort_key("www.example.com.") == "com.example.www."

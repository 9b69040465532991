"""Domain names: one spelling each, and the way to the wire and back."""

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
    """Lower case, a trailing dot, octal escapes for all but letters, digits, hyphen and underscore."""
    assert names.canonical(written) == kept
    assert names.canonical(kept) == kept


@pytest.mark.parametrize(
    "written",
    ["", "..", "a..b", ".a", "a b.com", "ex\u00e4mple.com", "x" * 64 + ".com", "a." * 127 + "aa", "a\n"],
)
def test_what_is_no_name_is_refused(written: str) -> None:
    """Empty or long labels, long names, and characters that need an escape are errors."""
    with pytest.raises(ValueError, match="domain name"):
        names.canonical(written)


@given(LABELS)
def test_labels_survive_the_way_to_the_wire(labels: list[bytes]) -> None:
    """Whatever bytes a label holds, spelling and unspelling it only makes it lower case."""
    lower = [label.lower() for label in labels]
    name = names.from_labels(lower)
    assert names.canonical(name) == name
    assert names.to_wire(name) == dns.name.Name([*lower, b""]).to_wire()
    assert names.encode(name) == names.to_wire(name)


def test_the_longest_names_fit() -> None:
    """A label of 63 bytes and a name of 255 are the longest that there are."""
    longest = ".".join(["x" * 63] * 3 + ["x" * 61])
    assert len(names.to_wire(names.canonical(longest))) == 255
    with pytest.raises(ValueError, match="255"):
        names.canonical(longest + "x")


def test_names_know_what_lies_above_them() -> None:
    """Ancestors come nearest first; a name is within itself and within each of them, but not within a look-alike."""
    assert names.ancestors("a.b.example.com.") == ["b.example.com.", "example.com.", "com."]
    assert names.is_within("example.com.", "example.com.")
    assert names.is_within("a.example.com.", "example.com.")
    assert not names.is_within("anexample.com.", "example.com.")


def test_lists_are_sorted_by_reversed_labels() -> None:
    """As documented for ListHostedZonesByName: com.example.www. with its trailing dot."""
    assert names.sort_key("www.example.com.") == "com.example.www."

"""Fingerprints change with what a document says and with nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims.documents import Documents, fingerprint, normalised

WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=12)
GAPS = ("<p>", "</p>", "\n", "  ", "<ul> <li>", "</li></ul>", '<note class="x">', "\t", "<br/>")
GLUED = ("<code>{}</code>", "<a href='x'>{}</a>", "<b>{}</b>", "{}")


def model(**member: Any) -> dict[str, Any]:
    """A service model with one operation and one structure of one member."""
    return {
        "metadata": {"protocols": ["json"]},
        "operations": {"Get": {"documentation": "<p>Gets.</p>", "errors": [{"shape": "B"}, {"shape": "A"}]}},
        "shapes": {
            "Thing": {"type": "structure", "required": ["Ttl"], "members": {"Ttl": {"shape": "Ttl", **member}}},
            "Ttl": {"type": "long", "min": 0, "max": 9},
        },
    }


@given(WORDS, st.data())
def test_layout_and_markup_do_not_count(words: list[str], data: st.DataObject) -> None:
    """The same words in other tags, lines and spaces are the same document."""
    pieces = [data.draw(st.sampled_from(GLUED)).format(word) + data.draw(st.sampled_from(GAPS)) for word in words]
    marked = data.draw(st.sampled_from(GAPS)) + "".join(pieces)
    assert normalised(marked) == " ".join(words)
    assert fingerprint({"documentation": marked}) == fingerprint({"documentation": " ".join(words)})


@given(WORDS, WORDS)
def test_other_words_are_another_document(one: list[str], other: list[str]) -> None:
    """Two documents have one fingerprint exactly when their words are the same, in the same order."""
    same = fingerprint({"documentation": " ".join(one)}) == fingerprint({"documentation": " ".join(other)})
    assert same == (one == other)


@given(WORDS)
def test_normalising_twice_changes_nothing(words: list[str]) -> None:
    """Normalised words are normal."""
    once = normalised("<p>" + "</p> <p>".join(words))
    assert normalised(once) == once


def test_entities_are_the_characters_they_stand_for() -> None:
    """&gt; is written for >, not said."""
    assert normalised("DnsRecord &gt; <code>Type</code>,&#160;see") == "DnsRecord > Type, see"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("x/Thing.Ttl", lambda shapes: shapes["Ttl"].update(max=8)),
        ("x/Thing.Ttl", lambda shapes: shapes["Thing"]["members"]["Ttl"].update(documentation="Now says something.")),
        ("x/Thing.Ttl", lambda shapes: shapes["Thing"].update(required=[])),
        ("x/Thing", lambda shapes: shapes["Thing"]["members"].update(Other={"shape": "Ttl"})),
        ("x/Ttl", lambda shapes: shapes["Ttl"].update(pattern=".*")),
    ],
    ids=["bound", "words", "required", "member", "pattern"],
)
def test_constraints_count(path: str, change: Any) -> None:
    """A bound, a pattern, a required member or a new member is a change of the contract without a word changed."""
    before, after = model(), model()
    change(after["shapes"])
    assert Documents({"x": before}).fingerprint(path) != Documents({"x": after}).fingerprint(path)


@pytest.mark.parametrize(
    "path", ["y/Thing", "x/Think", "x/Thing.Tt", "x/metadata.protocol", "x/paginators", "x/examples.Get"]
)
def test_what_is_not_in_the_models_has_no_fingerprint(path: str) -> None:
    """A path that leads nowhere is told apart from one whose text is empty."""
    assert Documents({"x": model()}).fingerprint(path) is None


def test_the_order_of_errors_does_not_count() -> None:
    """An operation is its words and the set of its errors."""
    other = model()
    other["operations"]["Get"]["errors"].reverse()
    assert Documents({"x": model()}).fingerprint("x/Get") == Documents({"x": other}).fingerprint("x/Get")
    assert Documents({"x": model()}).fingerprint("x/operations") == Documents({"x": other}).fingerprint("x/operations")

"""A fingerprint changes if the content of a document changes, and only then."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.claims.documents import Documents, fingerprint, normalise_text

WORD = st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1, max_size=8)
WORDS = st.lists(WORD, min_size=1, max_size=12)
GAPS = ("<p>", "</p>", "\n", "  ", "<ul> <li>", "</li></ul>", '<note class="x">', "\t", "<br/>")
GLUED = ("<code>{}</code>", "<a href='x'>{}</a>", "<b>{}</b>", "{}")


def model(**member: Any) -> dict[str, Any]:
    """Return a service model with one operation and one structure with one member."""
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
    """The same words with other tags, lines and spaces have the same fingerprint."""
    pieces = [data.draw(st.sampled_from(GLUED)).format(word) + data.draw(st.sampled_from(GAPS)) for word in words]
    marked = data.draw(st.sampled_from(GAPS)) + "".join(pieces)
    assert normalise_text(marked) == " ".join(words)
    assert fingerprint({"documentation": marked}) == fingerprint({"documentation": " ".join(words)})


@given(WORDS, WORDS)
def test_other_words_are_another_document(first: list[str], second: list[str]) -> None:
    """Two documents have the same fingerprint exactly if they have the same words in the same order."""
    same = fingerprint({"documentation": " ".join(first)}) == fingerprint({"documentation": " ".join(second)})
    assert same == (first == second)


@given(WORDS)
def test_normalising_twice_changes_nothing(words: list[str]) -> None:
    """Normalising is idempotent."""
    once = normalise_text("<p>" + "</p> <p>".join(words))
    assert normalise_text(once) == once


def test_entities_are_replaced_by_their_characters() -> None:
    """&gt; counts as >."""
    assert normalise_text("DnsRecord &gt; <code>Type</code>,&#160;see") == "DnsRecord > Type, see"


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("x/Thing.Ttl", lambda shapes: shapes["Ttl"].update(max=8)),
        ("x/Thing.Ttl", lambda shapes: shapes["Thing"]["members"]["Ttl"].update(documentation="Now has a text.")),
        ("x/Thing.Ttl", lambda shapes: shapes["Thing"].update(required=[])),
        ("x/Thing", lambda shapes: shapes["Thing"]["members"].update(Other={"shape": "Ttl"})),
        ("x/Ttl", lambda shapes: shapes["Ttl"].update(pattern=".*")),
    ],
    ids=["bound", "words", "required", "member", "pattern"],
)
def test_constraints_count(path: str, change: Any) -> None:
    """A changed bound or pattern, and a required or new member change the fingerprint although no word has changed."""
    before, after = model(), model()
    change(after["shapes"])
    assert Documents({"x": before}).fingerprint(path) != Documents({"x": after}).fingerprint(path)


@pytest.mark.parametrize(
    "path", ["y/Thing", "x/Think", "x/Thing.Tt", "x/metadata.protocol", "x/paginators", "x/examples.Get"]
)
def test_an_unknown_path_has_no_fingerprint(path: str) -> None:
    """A path that does not exist returns None, unlike one whose text is empty."""
    assert Documents({"x": model()}).fingerprint(path) is None


def test_the_order_of_errors_does_not_count() -> None:
    """The errors of an operation are compared as a set."""
    other = model()
    other["operations"]["Get"]["errors"].reverse()
    assert Documents({"x": model()}).fingerprint("x/Get") == Documents({"x": other}).fingerprint("x/Get")
    assert Documents({"x": model()}).fingerprint("x/operations") == Documents({"x": other}).fingerprint("x/operations")

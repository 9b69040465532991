"""Claims that say almost the same are found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.claims import Area, Claim, Claims, Level, Source, load_claims
from surveyor.claims.duplicates import ALMOST_EQUAL, find_duplicates
from surveyor.claims.model import FileLocation, SourceKind
from surveyor.layout import find_layout

FIRST = Claim(
    id="listing.page-size",
    statement="ListServices returns pages of up to MaxResults services, 1 to 100.",
    level=Level.MUST,
    source=Source(SourceKind.MODEL, "servicediscovery/ListServices"),
    location=FileLocation(Path("claims/listing.toml"), 3),
    operations=("ListServices", "ListNamespaces"),
)

WORDS = st.lists(st.text("abcdefghij", min_size=1, max_size=8), min_size=3, max_size=20)


def duplicates(*claims: Claim) -> list[tuple[str, str]]:
    """Return the ids of the pairs that are found among these claims."""
    found = find_duplicates(Claims((Area("listing", "Listing", claims),), ()))
    return [(duplicate.earlier.id, duplicate.claim.id) for duplicate in found]


def test_todays_claims_have_no_duplicates() -> None:
    """Each claim differs enough from all claims with the same source and operations."""
    assert find_duplicates(load_claims(find_layout().claims)) == ()


def test_an_almost_equal_statement_is_found() -> None:
    """Case, spaces, the full stop and the order of operations do not matter."""
    second = replace(
        FIRST,
        id="listing.pages",
        statement="listservices  returns a page of up to MaxResults services, 1 to 100",
        operations=("ListNamespaces", "ListServices"),
    )
    assert duplicates(FIRST, second) == [("listing.page-size", "listing.pages")]


def test_another_source_or_operation_is_another_claim() -> None:
    """The same sentence may hold for two operations, and be documented twice."""
    other_source = replace(FIRST, id="listing.a", source=Source(SourceKind.MODEL, "servicediscovery/ListNamespaces"))
    other_operation = replace(FIRST, id="listing.b", operations=("ListServices",))
    assert duplicates(FIRST, other_source, other_operation) == []


@given(WORDS, WORDS)
@settings(deadline=None)
def test_similarity_is_the_share_of_equal_text(first: list[str], second: list[str]) -> None:
    """Equal statements are always duplicates, and a statement that shares no letter never is."""
    one = replace(FIRST, statement=" ".join(first))
    same = replace(one, id="listing.same", statement=" ".join(first).upper() + ".")
    other = replace(
        one, id="listing.other", statement=" ".join(second).translate(str.maketrans("abcdefghij", "klmnopqrst"))
    )
    found = duplicates(one, same, other)
    assert found == [("listing.page-size", "listing.same")]
    assert 0.84 < ALMOST_EQUAL < 1

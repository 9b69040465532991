"""The claims of this project are complete, and their sources can be looked up."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from surveyor.claims import Claims, Level, Reason, load_claims
from surveyor.claims.documents import Documents
from surveyor.claims.drift import compare, model_sources, read_recorded
from surveyor.claims.model import SourceKind
from surveyor.recordings import load_recordings
from surveyor.recordings.status import ClaimStatus, status_of

FOLDER = Path(__file__).resolve().parents[2] / "claims"


@pytest.fixture(scope="module")
def claims() -> Claims:
    """Return all claims of this project."""
    return load_claims(FOLDER)


@pytest.fixture(scope="module")
def documents() -> Documents:
    """Return the models of the installed botocore."""
    return Documents()


def test_every_claim_of_every_file_is_loaded(claims: Claims) -> None:
    """Each file has claims, all of them are loaded, and no id occurs twice."""
    ids = []
    for path in sorted(FOLDER.glob("*.toml")):
        if path.name in ("articles.toml", "fingerprints.toml", "not-covered.toml", "pages.toml"):
            continue
        found = [claim["id"] for claim in tomllib.loads(path.read_text("utf-8")).get("claim", [])]
        assert found, f"{path.name} has no claims"
        ids += found
    assert len(set(ids)) == len(ids)
    assert set(ids) == set(claims.by_id)
    assert {claim.area for claim in claims.by_id.values()} == {area.name for area in claims.areas}


def test_the_readme_counts_them(claims: Claims) -> None:
    """README.md says how many claims there are, how many AWS was seen to keep, and how many have a suite."""
    readme = (FOLDER.parent / "README.md").read_text("utf-8")
    proven = [claim for claim in claims.by_id.values() if claim.unproven is None]
    recordings = load_recordings(FOLDER.parent / "recordings", claims.by_id).by_claim.values()
    confirmed = [found for found in recordings if status_of(found, None) is ClaimStatus.CONFIRMED]
    assert f"others have recorded confirm {len(confirmed)} of them" in readme
    assert f"The {len(claims.by_id)} claims come from the AWS documentation" in readme
    assert f"{len(proven)} of them have test suites" in readme


def test_each_statement_of_the_two_articles_has_an_entry(claims: Claims) -> None:
    """The entries are numbered without a gap, 93 of one article and 31 of the other."""
    assert [article.ref for article in claims.articles] == [
        *(f"A{number:02}" for number in range(1, 94)),
        *(f"B{number:02}" for number in range(1, 32)),
    ]


def test_every_source_in_the_models_is_there(claims: Claims, documents: Documents) -> None:
    """Every botocore path in claims and articles exists in the models."""
    paths = {*model_sources(claims)}
    paths |= {
        str(source) for article in claims.articles for source in article.sources if source.kind == SourceKind.MODEL
    }
    assert [path for path in sorted(paths) if documents.member(path) is None] == []


def test_operations_are_those_of_the_api_and_each_has_claims(claims: Claims, documents: Documents) -> None:
    """The operations of the claims are exactly those of Cloud Map."""
    named = {operation for claim in claims.by_id.values() for operation in claim.operations}
    assert named == set(documents.operations("servicediscovery"))
    assert len(named) == 30


def test_sources_without_contract_are_observed_only(claims: Claims) -> None:
    """Claims from reports of users, measurements and source code have the level observed."""
    weak = {SourceKind.REPORT, SourceKind.MEASURED, SourceKind.CODE}
    assert [
        claim.id for claim in claims.by_id.values() if claim.source.kind in weak and claim.level != Level.OBSERVED
    ] == []


def test_a_claim_for_later_names_what_it_needs(claims: Claims) -> None:
    """The note of a claim with the reason later says what it needs."""
    waiting = [claim for claim in claims.by_id.values() if claim.unproven and claim.unproven.reason == Reason.LATER]
    assert [claim.id for claim in waiting if claim.unproven and not claim.unproven.note.startswith("Needs ")] == []


def test_fingerprints_are_those_of_the_pinned_botocore(claims: Claims, documents: Documents) -> None:
    """With the botocore of the claims there is no drift: the file is complete and not edited by hand."""
    recorded = read_recorded(FOLDER)
    drift = compare(claims, recorded, documents)
    if recorded.botocore != drift.now:
        pytest.skip(f"botocore {drift.now} is installed, the claims were read in {recorded.botocore}")
    assert not drift, drift

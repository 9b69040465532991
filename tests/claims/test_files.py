"""The claims of this project: complete, with sources that can be looked up."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.claims import Claims, Level, Reason, load_claims
from surveyor.claims.documents import Documents
from surveyor.claims.drift import compare, model_sources, read_recorded
from surveyor.claims.model import SourceKind

FOLDER = Path(__file__).resolve().parents[2] / "claims"
AREAS = {
    "protocol": ("PROTO", 6), "namespaces": ("NS", 19), "operations": ("OP", 8), "services": ("SVC", 27),
    "attributes": ("ATTR", 1), "instances": ("INST", 20), "discovery": ("DISC", 12), "dns": ("DNS", 20),
    "deregistration": ("DEREG", 6), "errors": ("ERR", 8), "listing": ("LIST", 7), "quotas": ("QUOTA", 9),
}  # fmt: skip


@pytest.fixture(scope="module")
def claims() -> Claims:
    """All of them."""
    return load_claims(FOLDER)


@pytest.fixture(scope="module")
def documents() -> Documents:
    """The models of the botocore that is installed."""
    return Documents()


@pytest.mark.parametrize("area", AREAS)
def test_an_area_has_every_behaviour_once(claims: Claims, area: str) -> None:
    """The references of an area's claims are its numbers from 001 on, each in one claim: 143 in all."""
    prefix, count = AREAS[area]
    refs = [ref for claim in claims.by_id.values() if claim.area == area for ref in claim.refs]
    assert refs == [f"CM-{prefix}-{number:03}" for number in range(1, count + 1)]


def test_there_are_143_claims_and_124_statements_of_articles(claims: Claims) -> None:
    """One claim a behaviour of the areas above, and every statement of the two articles."""
    assert sum(count for _, count in AREAS.values()) == 143
    assert sum(claim.area in AREAS for claim in claims.by_id.values()) == 143
    assert [article.ref for article in claims.articles] == [
        *(f"A{number:02}" for number in range(1, 94)),
        *(f"B{number:02}" for number in range(1, 32)),
    ]


def test_every_source_in_the_models_is_there(claims: Claims, documents: Documents) -> None:
    """A botocore path leads to something, in claims and in articles."""
    paths = {*model_sources(claims)}
    paths |= {
        str(source) for article in claims.articles for source in article.sources if source.kind == SourceKind.MODEL
    }
    assert [path for path in sorted(paths) if documents.member(path) is None] == []


def test_operations_are_those_of_the_api_and_each_has_claims(claims: Claims, documents: Documents) -> None:
    """No claim is about an operation that Cloud Map lacks, and no operation is without a claim."""
    named = {operation for claim in claims.by_id.values() for operation in claim.operations}
    assert named == set(documents.operations("servicediscovery"))
    assert len(named) == 30


def test_what_is_no_contract_is_not_a_must(claims: Claims) -> None:
    """Reports of users, measurements and source code are observed, never demanded."""
    weak = {SourceKind.REPORT, SourceKind.MEASURED, SourceKind.CODE}
    assert [c.id for c in claims.by_id.values() if c.source.kind in weak and c.level != Level.OBSERVED] == []


def test_a_reason_to_wait_names_a_feature_or_what_is_missing(claims: Claims) -> None:
    """A claim that waits says in its note what it needs."""
    waiting = [claim for claim in claims.by_id.values() if claim.unproven and claim.unproven.reason == Reason.LATER]
    assert [claim.id for claim in waiting if claim.unproven and not claim.unproven.note.startswith("Needs ")] == []


def test_fingerprints_are_those_of_the_pinned_botocore(claims: Claims, documents: Documents) -> None:
    """With the botocore that the claims were written against nothing drifts: the file is complete and not edited."""
    recorded = read_recorded(FOLDER)
    drift = compare(claims, recorded, documents)
    if recorded.botocore != drift.now:
        pytest.skip(f"botocore {drift.now} is installed, the claims were read in {recorded.botocore}")
    assert not drift, drift

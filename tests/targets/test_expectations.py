"""Expectations: the known failures of a target."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.errors import UsageError
from surveyor.targets.expectations import Expectation, Expectations, load_expectations, write_expectations
from surveyor.verdicts import Verdict

TODAY = date(2026, 11, 20)
ENTRY = Expectation("dns.a", Verdict.FAIL, "test_a: AssertionError", date(2027, 1, 1), "a ghost stays")
KNOWN = Expectations({"dns.a": ENTRY})


@pytest.mark.parametrize(
    ("verdict", "symptom", "objection"),
    [
        (Verdict.FAIL, ENTRY.symptom, ""),
        (
            Verdict.FAIL,
            "test_a: other",
            "expected the symptom 'test_a: AssertionError', got 'test_a: other'",
        ),
        (Verdict.PASS, "", "expected fail (a ghost stays), got pass"),
        (Verdict.ERROR, ENTRY.symptom, "expected fail (a ghost stays), got error"),
        (Verdict.UNSUPPORTED, "", "expected fail (a ghost stays), got unsupported"),
    ],
)
def test_only_the_known_failure_is_expected(verdict: Verdict, symptom: str, objection: str) -> None:
    """Another symptom, another verdict and a pass are all unexpected if there is an entry."""
    assert KNOWN.objection("dns.a", verdict, symptom, TODAY) == objection


@pytest.mark.parametrize("verdict", Verdict)
def test_without_an_entry_only_pass_and_unsupported_are_expected(verdict: Verdict) -> None:
    """A claim without an entry must pass, unless the target declares that it lacks the feature."""
    expected = verdict in (Verdict.PASS, Verdict.UNSUPPORTED)
    assert (KNOWN.objection("dns.other", verdict, "s", TODAY) == "") is expected


def test_expired_entry_is_unexpected() -> None:
    """An entry no longer applies from the day of its expiry, whatever the outcome."""
    assert "expired on 2027-01-01" in KNOWN.objection("dns.a", Verdict.FAIL, ENTRY.symptom, date(2027, 1, 1))
    assert KNOWN.objection("dns.a", Verdict.FAIL, ENTRY.symptom, date(2026, 12, 31)) == ""


def test_entry_for_an_unknown_claim_is_reported() -> None:
    """An entry for a claim that does not exist is reported."""
    assert KNOWN.unknown(["dns.b"]) == ["an expectation names the unknown claim 'dns.a'"]
    assert KNOWN.unknown(["dns.a"]) == []


GOOD = '[[expected]]\nclaim = "a.b"\nverdict = "fail"\nsymptom = "s"\nreason = "r"\nexpires = 2027-01-01\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + GOOD, ":7: a.b has two entries"),
        (GOOD.replace('"fail"', '"pass"'), ":3: verdict: expected fail or inconclusive, got 'pass'"),
        (GOOD.replace("2027-01-01", '"soon"'), ":6: expires: invalid RFC3339"),
        (GOOD.replace('reason = "r"\n', ""), ":1: a.b needs a reason or a link"),
        (GOOD.replace('symptom = "s"\n', ""), ":1: symptom is missing"),
        (GOOD + 'why = "x"\n', ":7: unknown key 'why'"),
        ('title = "x"\n' + GOOD, ":1: unknown key 'title'"),
        ("[[expected", ":1: not valid TOML"),
    ],
)
def test_invalid_file_is_reported_with_its_name(tmp_path: Path, text: str, message: str) -> None:
    """Each mistake is one line that names the file and the entry."""
    path = tmp_path / "moto.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as error:
        load_expectations(path)
    assert f"{path.parent.name}/{path.name}{message}" in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_file_every_claim_must_pass(tmp_path: Path) -> None:
    """A target without a file has no known failures."""
    assert load_expectations(tmp_path / "none.toml") == Expectations()


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
entries = st.builds(
    Expectation,
    claim=words,
    verdict=st.sampled_from([Verdict.FAIL, Verdict.INCONCLUSIVE]),
    symptom=words,
    expires=st.dates(min_value=date(2000, 1, 1)),
    reason=words,
    link=st.just("") | words,
)


@given(st.lists(entries, unique_by=lambda entry: entry.claim, max_size=5))
def test_entries_survive_writing_and_reading(
    tmp_path_factory: pytest.TempPathFactory, fresh: list[Expectation]
) -> None:
    """Any text survives the file, quotes and control characters too."""
    path = tmp_path_factory.mktemp("expectations") / "any.toml"
    assert write_expectations(path, "any", fresh, Expectations(), argument="my targets/any.toml") == len(fresh)
    assert "# surveyor conform --target 'my targets/any.toml' --update-expectations" in path.read_text("utf-8")
    assert load_expectations(path).entries == {entry.claim: entry for entry in fresh}


def test_update_keeps_what_people_wrote(tmp_path: Path) -> None:
    """Reason, link and date are kept, the symptom is replaced, and entries of claims that pass now are removed."""
    path = tmp_path / "moto.toml"
    existing = replace(ENTRY, reason="they know", link="their tracker", expires=date(2026, 12, 24))
    gone = replace(ENTRY, claim="dns.gone")
    fresh = replace(ENTRY, symptom="new", reason="generated", expires=date(2028, 1, 1))
    write_expectations(path, "moto", [fresh], Expectations({"dns.a": existing, "dns.gone": gone}))
    assert load_expectations(path).entries == {"dns.a": replace(existing, symptom="new")}


@given(st.lists(entries, unique_by=lambda entry: entry.claim, max_size=6), st.data())
def test_partial_update_changes_only_judged_claims(
    tmp_path_factory: pytest.TempPathFactory, existing: list[Expectation], data: st.DataObject
) -> None:
    """Entries of other claims stay as they are; a judged claim has an entry exactly if it fails now."""
    path = tmp_path_factory.mktemp("expectations") / "any.toml"
    claims = {entry.claim: entry for entry in existing}
    judged = data.draw(st.sets(st.sampled_from(sorted(claims)) if claims else st.nothing()))
    failing = data.draw(st.sets(st.sampled_from(sorted(judged)) if judged else st.nothing()))
    fresh = [replace(claims[claim], symptom="new", reason="generated") for claim in failing]
    count = write_expectations(path, "any", fresh, Expectations(claims), judged)
    after = load_expectations(path).entries
    assert count == len(after)
    assert after == {claim: entry for claim, entry in claims.items() if claim not in judged} | {
        claim: replace(claims[claim], symptom="new") for claim in failing
    }

"""What a known target is known to get wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.errors import TargetFileError
from surveyor.targets.expectations import Expectation, Expectations, load_expectations, write_expectations
from surveyor.verdicts import Verdict

TODAY = date(2026, 11, 20)
ENTRY = Expectation("dns.a", Verdict.FAIL, "test_a: assert x: AssertionError", date(2027, 1, 1), "a ghost stays")
KNOWN = Expectations({"dns.a": ENTRY})


@pytest.mark.parametrize(
    ("verdict", "symptom", "objection"),
    [
        (Verdict.FAIL, ENTRY.symptom, ""),
        (
            Verdict.FAIL,
            "test_a: other",
            "expected the symptom 'test_a: assert x: AssertionError', came 'test_a: other'",
        ),
        (Verdict.PASS, "", "expected fail (a ghost stays), came pass"),
        (Verdict.ERROR, ENTRY.symptom, "expected fail (a ghost stays), came error"),
        (Verdict.UNSUPPORTED, "", "expected fail (a ghost stays), came unsupported"),
    ],
)
def test_only_the_known_failure_is_expected(verdict: Verdict, symptom: str, objection: str) -> None:
    """Another symptom, another verdict and a pass are all unexpected where an entry stands."""
    assert KNOWN.objection("dns.a", verdict, symptom, TODAY) == objection


@pytest.mark.parametrize("verdict", Verdict)
def test_without_an_entry_only_pass_and_unsupported_are_expected(verdict: Verdict) -> None:
    """What nobody has written down must hold, unless the target declares that it lacks it."""
    expected = verdict in (Verdict.PASS, Verdict.UNSUPPORTED)
    assert (KNOWN.objection("dns.other", verdict, "s", TODAY) == "") is expected


def test_expired_entry_is_unexpected() -> None:
    """On the day an entry expires it must be looked at again, whatever came."""
    assert "expired on 2027-01-01" in KNOWN.objection("dns.a", Verdict.FAIL, ENTRY.symptom, date(2027, 1, 1))
    assert KNOWN.objection("dns.a", Verdict.FAIL, ENTRY.symptom, date(2026, 12, 31)) == ""


def test_entry_for_an_unknown_claim_is_told() -> None:
    """An entry that judges nothing is not left standing silently."""
    assert KNOWN.unknown(["dns.b"]) == ["an expectation names the unknown claim 'dns.a'"]
    assert KNOWN.unknown(["dns.a"]) == []


GOOD = '[[expected]]\nclaim = "a.b"\nverdict = "fail"\nsymptom = "s"\nreason = "r"\nexpires = 2027-01-01\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + GOOD, "entry 2: a.b has two entries"),
        (GOOD.replace('"fail"', '"pass"'), "entry 1: verdict must be one of fail, inconclusive, not 'pass'"),
        (GOOD.replace("2027-01-01", '"soon"'), "entry 1: needs expires, a date"),
        (GOOD.replace('reason = "r"\n', ""), "entry 1: needs a reason or a link, a text"),
        (GOOD.replace('symptom = "s"\n', ""), "entry 1: needs symptom, a text"),
        (GOOD + 'why = "x"\n', "entry 1: has the unknown key 'why'"),
        ('title = "x"\n' + GOOD, "expected [[expected]] entries only, came title"),
        ("[[expected", "cannot be read"),
    ],
)
def test_wrong_file_is_told_with_its_name(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake is one line that names the file and the entry."""
    path = tmp_path / "moto.toml"
    path.write_text(text)
    with pytest.raises(TargetFileError) as wrong:
        load_expectations(path)
    assert str(wrong.value).startswith(f"{path}: ")
    assert said in str(wrong.value)
    assert "\n" not in str(wrong.value)


def test_no_file_expects_everything_to_hold(tmp_path: Path) -> None:
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
def test_what_is_written_is_read_again(tmp_path_factory: pytest.TempPathFactory, fresh: list[Expectation]) -> None:
    """Any text survives the file, quotes and control characters too."""
    path = tmp_path_factory.mktemp("expectations") / "any.toml"
    assert write_expectations(path, "any", fresh, Expectations()) == len(fresh)
    assert load_expectations(path).entries == {entry.claim: entry for entry in fresh}


def test_update_keeps_what_people_wrote(tmp_path: Path) -> None:
    """Reason, link and date stay; the symptom is the new one; what holds now is dropped."""
    path = tmp_path / "moto.toml"
    standing = replace(ENTRY, reason="they know", link="their tracker", expires=date(2026, 12, 24))
    gone = replace(ENTRY, claim="dns.gone")
    fresh = replace(ENTRY, symptom="new", reason="generated", expires=date(2028, 1, 1))
    write_expectations(path, "moto", [fresh], Expectations({"dns.a": standing, "dns.gone": gone}))
    assert load_expectations(path).entries == {"dns.a": replace(standing, symptom="new")}

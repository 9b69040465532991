"""What a run prints about claims that are not as expected."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.cli._support.console_report import print_report, waits_hint
from surveyor.report.model import ClaimReport, ConformanceReport, TargetReport
from surveyor.targets import Target
from surveyor.verdicts import Verdict


def claim(number: int, verdict: Verdict, detail: str, *, expected: bool = False) -> ClaimReport:
    """Return the result of a claim."""
    note = "" if expected else f"expected pass, got {verdict}"
    return ClaimReport(f"dns.claim-{number}", "dns", "It is so.", verdict, expected, note, "", detail, (), None)


def printed(capsys: pytest.CaptureFixture[str], *claims: ClaimReport) -> list[str]:
    """Return the lines about these claims."""
    target = TargetReport("aws", "", "given", (), {})
    print_report(ConformanceReport(target, "0", 7, (), (), "", "", 1.0, 1.0, claims), Path("report.json"))
    return [line for line in capsys.readouterr().out.splitlines() if "claim" in line]


def test_claims_that_were_not_judged_for_one_reason_share_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The end of a run is no news about each claim; failures have a line each."""
    ended = "the credentials of the run have ended"
    lines = printed(
        capsys,
        claim(0, Verdict.PASS, "", expected=True),
        *(claim(number, Verdict.NOT_RUN, ended) for number in range(1, 40)),
        *(claim(number, Verdict.FAIL, "it was not so") for number in range(40, 45)),
        claim(45, Verdict.INCONCLUSIVE, "quota: VpcLimitExceeded"),
    )
    assert f"39 claims not-run: {ended}" in lines
    assert sum(ended in line for line in lines) == 1
    assert sum(line.startswith("dns.claim-4") and "fail" in line for line in lines) == 5
    assert "dns.claim-45: expected pass, got inconclusive; quota: VpcLimitExceeded" in lines


def test_a_few_claims_are_printed_with_their_statement(capsys: pytest.CaptureFixture[str]) -> None:
    """Up to three, whatever else shares a line."""
    lines = printed(
        capsys,
        *(claim(number, Verdict.NOT_RUN, "ended") for number in range(4)),
        claim(4, Verdict.FAIL, "it was not so"),
    )
    assert "4 claims not-run: ended" in lines
    assert "dns.claim-4: fail" in lines


def test_how_to_shorten_a_long_run_is_said_again_at_its_end() -> None:
    """Before and after a run at a URL; not if the target file says when changes are over, or the run was short."""
    target = Target("127.0.0.1", "us-east-1", endpoint="http://127.0.0.1:5000")
    long, short = (
        ConformanceReport(TargetReport("a", "", "given", (), {}), "0", 7, (), (), "", "", seconds, seconds, ())
        for seconds in (545.0, 59.0)
    )
    assert waits_hint(target).startswith("tests wait as long as a change may take on AWS; if all changes ")
    assert waits_hint(target, long).startswith("it took 9:05, mostly because tests wait as long as ")
    assert "`settles = 1.0` in a target file" in waits_hint(target, long)
    assert waits_hint(target, short) == ""
    assert waits_hint(replace(target, settles=1.0)) == waits_hint(replace(target, settles=1.0), long) == ""
    assert waits_hint(replace(target, features=frozenset({"cloudmap"})), long) == ""

"""The mutants' target passes the suites without an active mutant, and fails them with one.

`surveyor mutants --claim ID` checks both in one run.
"""

from __future__ import annotations

from contextlib import nullcontext
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.cli import main
from surveyor.conformance.mutants import Mutant, load_mutants, mutants_by_claim, processes
from surveyor.conformance.mutants import run as run_module
from surveyor.conformance.mutants.launch import mutant_targets
from surveyor.conformance.mutants.plugin import UNCHANGED, mutant_in, without_mutant
from surveyor.conformance.mutants.run import MutantResult, run_mutants
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.run import run_suites
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.test_results import TestResult
from surveyor.verdicts import Verdict

pytestmark = pytest.mark.soak

LAYOUT = find_layout()


def test_without_a_mutant_the_suites_pass(tmp_path: Path) -> None:
    """Unchanged calls and DNS queries through the proxy pass the suites."""
    report = run_suites(RunConfig(LAYOUT, "mutant", tmp_path, Selection(claims=("dns.srv.value",))))
    assert [claim.verdict for claim in report.claims if claim.tests] == [Verdict.PASS]


def test_one_mutant_of_each_kind_is_caught() -> None:
    """A refusal that becomes a success, a changed record, a changed delay and a mutation are caught."""
    known = load_mutants(LAYOUT.mutants, load_claims(LAYOUT.claims).by_id)
    chosen = [
        known[f"{claim}#1"]
        for claim in (
            "services.cname.needs-weighted",
            "dns.srv.value",
            "services.custom-health.threshold-is-one",
            "iam.deny-wins",
        )
    ]
    assert {mutant.operator for mutant in chosen} == {"accept", "dns-replace", "setting", "mutation"}
    with mutant_targets(LAYOUT, ()) as targets:
        assert [result.caught for result in run_mutants(LAYOUT, chosen, Collector(), targets)] == [True] * 4


def test_several_processes_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has its own target, so the mutants of one do not disturb the tests of another."""
    monkeypatch.setattr(processes, "_WORTHWHILE", 0.0)
    claim = "dns.multivalue.caps-at-eight"
    chosen = mutants_by_claim(load_mutants(LAYOUT.mutants, None, {"dns"}))[claim]
    with mutant_targets(LAYOUT, {"dns"}) as targets:
        alone = run_mutants(LAYOUT, chosen, Collector(), targets, unchanged_first=True)
    with mutant_targets(LAYOUT, {"dns"}) as targets:
        divided = run_mutants(LAYOUT, chosen, Collector(), targets, workers=3, unchanged_first=True)
    assert [result.caught for result in divided] == [True] * len(chosen)
    for one, other in zip(alone, divided, strict=True):
        assert {found.nodeid: found.verdict for found in (*one.results, *one.unchanged)} == {
            found.nodeid: found.verdict for found in (*other.results, *other.unchanged)
        }


def test_the_unchanged_target_is_checked_in_the_same_run() -> None:
    """Each test of the claim runs without and with its mutant, and with no mutant of another claim that it proves."""
    claim = "dns.multivalue.returns-all-up-to-eight"
    known = load_mutants(LAYOUT.mutants, load_claims(LAYOUT.claims).by_id)
    collector = Collector()
    with mutant_targets(LAYOUT, {"dns"}) as targets:
        [result] = run_mutants(LAYOUT, [known[f"{claim}#1"]], collector, targets, unchanged_first=True)
    assert result.caught
    assert result.holds
    assert {mutant_in(found.nodeid) for found in collector.finished()} >= {UNCHANGED, f"{claim}#1"}
    names = [without_mutant(found.nodeid) for found in result.results]
    assert sorted(names) == sorted(without_mutant(found.nodeid) for found in result.unchanged)
    assert [found.verdict for found in result.results].count(Verdict.FAIL) == 1, "tests ran after the mutant was caught"


@pytest.mark.parametrize(("broken", "raises"), [([], True), (["no Python"], False)])
def test_an_interrupted_run_has_no_results(monkeypatch: pytest.MonkeyPatch, broken: list[str], raises: bool) -> None:
    """Mutants that no test ran against would count as missed. Files that pytest cannot collect interrupt it, too."""
    monkeypatch.setattr(run_module, "run_pytest", lambda *_, **__: pytest.ExitCode.INTERRUPTED)
    collector = Collector(broken=broken)
    targets: Any = repeat(None)
    with pytest.raises(KeyboardInterrupt) if raises else nullcontext():
        assert run_mutants(LAYOUT, [], collector, targets) == []


@pytest.mark.parametrize(
    ("with_mutant", "unchanged", "caught", "reason"),
    [
        (Verdict.FAIL, Verdict.PASS, True, "test_a: no answer"),
        (Verdict.PASS, Verdict.PASS, False, "the suite passed"),
        (Verdict.FAIL, Verdict.FAIL, False, "without the mutant: fail test_a: no answer"),
        (Verdict.FAIL, Verdict.ERROR, False, "without the mutant: error test_a: no answer"),
    ],
)
def test_a_test_that_fails_without_the_mutant_has_not_caught_it(
    with_mutant: Verdict, unchanged: Verdict, caught: bool, reason: str
) -> None:
    """Only a test that passes on the unchanged target can catch a mutant."""

    def result(verdict: Verdict) -> TestResult:
        return TestResult("test_a", ("a.b",), verdict, detail="no answer", symptom="test_a: no answer")

    found = MutantResult(Mutant("a.b", "accept", {}), (result(with_mutant),), (result(unchanged),))
    assert (found.caught, found.reason) == (caught, reason)


@pytest.mark.parametrize(
    ("claim", "message"),
    [
        ("dns.srv.vlaue", "unknown claim 'dns.srv.vlaue'; did you mean 'dns.srv.value'?"),
        ("app-mesh.ended", "no suite proves app-mesh.ended: write one first"),
    ],
)
def test_a_claim_without_mutant_or_suite_is_2(claim: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what is missing, and what to do."""
    assert main(["mutants", "--claim", claim]) == 2
    assert message in capsys.readouterr().err

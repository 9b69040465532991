"""The mutants' target passes the suites without an active mutant, and fails them with one."""

from __future__ import annotations

from pathlib import Path

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.mutants import load_mutants
from surveyor.conformance.mutants.run import run_mutants
from surveyor.conformance.run import RunConfig, run_suites
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.verdicts import Verdict

LAYOUT = find_layout()


def test_without_a_mutant_the_suites_pass(tmp_path: Path) -> None:
    """Unchanged calls and DNS queries through the proxy pass the suites."""
    report = run_suites(RunConfig(LAYOUT, "mutant", tmp_path, Selection(claims=("dns.srv.value",))))
    assert [claim.verdict for claim in report.claims if claim.tests] == [Verdict.PASS]


def test_one_mutant_of_each_kind_is_caught() -> None:
    """A refusal that becomes a success, a changed record, a changed delay and a mutation are caught."""
    known = load_mutants(LAYOUT.mutants, load_claims(LAYOUT.claims).by_id)
    chosen = [
        known[claim]
        for claim in (
            "services.cname.needs-weighted",
            "dns.srv.value",
            "services.custom-health.threshold-is-one",
            "iam.deny-wins",
        )
    ]
    assert {mutant.operator for mutant in chosen} == {"accept", "dns-replace", "setting", "mutation"}
    assert [result.caught for result in run_mutants(LAYOUT, chosen, Collector())] == [True] * 4

"""The mutants' target: honest until made wrong, and then noticed."""

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


def test_without_a_mutant_the_target_is_honest(tmp_path: Path) -> None:
    """What passes the proxy unchanged passes the suites, names asked over DNS included."""
    report = run_suites(RunConfig(LAYOUT, "mutant", tmp_path, Selection(claims=("dns.srv.value",))))
    assert [claim.verdict for claim in report.claims if claim.tests] == [Verdict.PASS]


def test_mutants_of_api_dns_and_settings_are_caught() -> None:
    """One of each kind: a refusal that became a success, a changed record, a changed delay."""
    known = load_mutants(LAYOUT.targets / "mutants", load_claims(LAYOUT.claims).by_id)
    chosen = [
        known[claim]
        for claim in ("services.cname.needs-weighted", "dns.srv.value", "services.custom-health.threshold-is-one")
    ]
    assert {one.operator for one in chosen} == {"accept", "dns-replace", "setting"}
    assert [outcome.caught for outcome in run_mutants(LAYOUT, chosen, Collector())] == [True, True, True]

"""The counterfeits' target: honest until made wrong, and then noticed."""

from __future__ import annotations

from pathlib import Path

from surveyor.claims import load_claims
from surveyor.counterfeits import load_counterfeits
from surveyor.counterfeits.run import run_counterfeits
from surveyor.layout import find_layout
from surveyor.plugin.collecting import Collector
from surveyor.run import Order, run_suites
from surveyor.selection import Selection
from surveyor.verdicts import Verdict

LAYOUT = find_layout()


def test_without_a_counterfeit_the_target_is_honest(tmp_path: Path) -> None:
    """What passes the proxy unchanged passes the suites, names asked over DNS included."""
    report = run_suites(Order(LAYOUT, "counterfeit", tmp_path, Selection(claims=("dns.srv.value",))))
    assert [claim.verdict for claim in report.claims if claim.tests] == [Verdict.PASS]


def test_counterfeits_of_api_dns_and_settings_are_caught() -> None:
    """One of each kind: a refusal that became a success, a changed record, a changed delay."""
    known = load_counterfeits(LAYOUT.targets / "counterfeits", load_claims(LAYOUT.claims).by_id)
    chosen = [
        known[claim]
        for claim in ("services.cname.needs-weighted", "dns.srv.value", "services.custom-health.threshold-is-one")
    ]
    assert {one.operator for one in chosen} == {"accept", "dns-replace", "setting"}
    assert [outcome.caught for outcome in run_counterfeits(LAYOUT, chosen, Collector())] == [True, True, True]

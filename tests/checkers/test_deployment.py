"""How a watched deployment ended is distinguished: succeeded, rolled back, stopped, replaced, still in progress."""

from __future__ import annotations

from typing import Any

import pytest

from surveyor.checkers import judge, make_check
from surveyor.verdicts import Verdict
from tests.checkers.simulated_services import SimulatedService, SimulatedTask, call, deployments, history_of

SERVICE = SimulatedService((SimulatedTask("a", "127.0.0.1", 0.0),))
LATER: dict[str, Any] = {"status": "IN_PROGRESS", "created": 90.0}


@pytest.mark.parametrize(
    ("state", "others", "verdict", "words"),
    [
        ({"status": "SUCCESSFUL", "finished": 100.0}, {}, Verdict.PASS, "took 90 s"),
        (
            {"status": "ROLLBACK_SUCCESSFUL", "finished": 100.0, "reason": "alarm"},
            {},
            Verdict.FAIL,
            "rolled back: alarm",
        ),
        ({"status": "ROLLBACK_FAILED", "finished": 100.0}, {}, Verdict.FAIL, "could not be rolled back"),
        ({"status": "STOPPED", "finished": 100.0}, {}, Verdict.FAIL, "was stopped"),
        ({"status": "STOPPED", "finished": 90.0}, {"e": LATER}, Verdict.INCONCLUSIVE, "was replaced by e before"),
        ({"status": "IN_PROGRESS"}, {}, Verdict.FAIL, "was not over 60 s after"),
        ({"status": "SOMETHING_NEW", "finished": 100.0}, {}, Verdict.FAIL, "is something new"),
    ],
)
def test_the_end_of_a_deployment(state: dict[str, Any], others: dict[str, Any], verdict: Verdict, words: str) -> None:
    """Only success passes; a later deployment leaves open what would have become of the one before."""
    known = {"d": {"created": 10.0, "revision": "web:2", "from_revision": ["web:1"], **state}, **others}
    history = history_of(SERVICE.but(deployments(120.0, "d", **known)), make_check("deployed", within=60))
    [(_, result)] = judge(history)
    assert (result.verdict, words in result.detail) == (verdict, True), result.detail
    assert "web:1 to web:2" in result.detail


def test_no_deployment_is_inconclusive() -> None:
    """Without a watched deployment there is nothing to judge, whatever deployments there are."""
    history = history_of(SERVICE.but(deployments(120.0, "", d=LATER)), make_check("deployed", within=60))
    [(_, result)] = judge(history)
    assert (result.verdict, result.detail) == (Verdict.INCONCLUSIVE, "no deployment began")


def test_calls_of_chosen_client_models_are_judged() -> None:
    """Refused calls of a model that is not named fail nothing."""
    bad = [call(100 + n / 4, 100.01 + n / 4, "127.0.0.1", error="refused", client="tasks") for n in range(80)]
    good = [call(100 + n / 4, 100.01 + n / 4, "127.0.0.1", client="dns") for n in range(80)]
    service = SERVICE.but(*bad, *good)
    for clients, verdict in (("dns", Verdict.PASS), ("dns,tasks", Verdict.FAIL), ("", Verdict.FAIL)):
        check = make_check("answered", at_least=0.9, over=10, clients=clients)
        [(_, result)] = judge(history_of(service, check))
        assert result.verdict is verdict, clients

"""New tasks are compared with old ones within one run, and experiments have an error rate."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from surveyor.checkers import judge_history
from surveyor.errors import UsageError
from surveyor.gate import GateEvidence, Rules, Threshold, judge_gate
from surveyor.gate.evidence import add_attempts
from surveyor.gate.thresholds import ThresholdResult
from surveyor.verdicts import Verdict
from tests.checkers.simulated_services import SimulatedService, call, deployments, history_of, phase, tasks

OLD, NEW = "127.0.0.1", "127.0.0.2"
STATES = {"d": {"status": "IN_PROGRESS", "created": 20.0, "revision": "web:2", "from_revision": ["web:1"]}}


def observed() -> list[dict[str, Any]]:
    """Return a deployment that starts a task at 22 s; the old one leaves at 150 s."""
    old = {"status": "RUNNING", "address": OLD, "zone": "a", "revision": "web:1", "created": -50.0}
    new = {"status": "RUNNING", "address": NEW, "zone": "a", "revision": "web:2", "created": 22.0}
    return [
        tasks(1, old=old),
        deployments(21, "d", **STATES),
        tasks(30, old=old, new=new),
        tasks(145, old=old, new=new),
        tasks(150, old={**old, "status": "STOPPED"}, new=new),
        phase(0, 21, "before"),
        phase(21, 300, "deployment"),
    ]


def calls(address: str, errors: int, count: int, begin: float, client: str = "dns") -> Iterator[dict[str, Any]]:
    """Yield attempts at an address, of which some fail, evenly spread, within 100 s from `begin`."""
    for number in range(count):
        at, failed = begin + 100.0 * number / count, (number + 1) * errors // count > number * errors // count
        yield call(at, at + 0.01, address, **({"error": "refused"} if failed else {}), client=client)


def evidence(*operations: dict[str, Any], growing: bool = False) -> GateEvidence:
    """Return the evidence of a watch with these attempts."""
    found = GateEvidence(is_growing=growing)
    history = history_of(SimulatedService((), period=1e9, calls=1e9).but(*observed(), *operations))
    add_attempts("watch", history, found)
    found.judged["watch"] = judge_history(history)
    return found


def judged(found: GateEvidence, **keys: Any) -> list[ThresholdResult]:
    """Return the results of one threshold by revision."""
    keys = {"figure": "error-rate", "by_revision": True, **keys}
    return list(judge_gate(Rules((Threshold("watch", **keys),)), found))


@pytest.mark.parametrize("growing", [False, True])
@pytest.mark.parametrize(
    ("errors", "count", "verdict"), [(0, 400, Verdict.PASS), (3, 40, Verdict.INCONCLUSIVE), (120, 400, Verdict.FAIL)]
)
def test_the_new_revision_is_compared_with_the_old_one(
    errors: int, count: int, verdict: Verdict, growing: bool
) -> None:
    """The interval of the difference decides, at one look as at many."""
    found = evidence(*calls(OLD, 2, 400, 31), *calls(NEW, errors, count, 31), growing=growing)
    [result] = judged(found, at_most_more=5.0)
    assert (result.client, result.verdict) == ("dns", verdict)
    assert " points more" in result.actual


def test_limits_of_the_new_revision_alone_and_of_a_ratio() -> None:
    """`at-most` limits the figure of the new revision, `ratio` its multiple of the old one."""
    found = evidence(*calls(OLD, 40, 400, 31), *calls(NEW, 40, 400, 31))
    assert [result.verdict for result in judged(found, at_most=20.0)] == [Verdict.PASS]
    assert [result.verdict for result in judged(found, at_most=5.0)] == [Verdict.FAIL]
    assert [result.verdict for result in judged(found, ratio=3.0)] == [Verdict.PASS]
    assert [result.verdict for result in judged(found, ratio=0.5)] == [Verdict.FAIL]


def test_errors_of_clients_that_still_have_an_old_address_do_not_excuse_the_new_revision() -> None:
    """Attempts at old tasks count while these run, not after their end."""
    found = evidence(*calls(OLD, 0, 300, 31), *calls(NEW, 90, 300, 31), *calls(OLD, 300, 300, 160))
    [result] = judged(found, at_most_more=5.0)
    assert result.verdict is Verdict.FAIL
    assert "against 0.00 % (0 of 300;" in result.actual


def test_each_client_is_compared_and_missing_attempts_are_inconclusive() -> None:
    """A client that reached no new task does not pass."""
    found = evidence(*calls(OLD, 0, 300, 31), *calls(NEW, 0, 300, 31), *calls(OLD, 0, 300, 31, "api-healthy"))
    by_client = {result.client: result for result in judged(found, at_most_more=5.0)}
    assert by_client["dns"].verdict is Verdict.PASS
    assert by_client["api-healthy"].actual == "no attempt reached a task of the new revision"
    assert by_client["api-healthy"].verdict is Verdict.INCONCLUSIVE
    with pytest.raises(UsageError, match="no client 'balancer' called; the clients are api-healthy, dns"):
        judged(found, at_most_more=5.0, client="balancer")
    with pytest.raises(UsageError, match="there is no phase 'befor'; the phases are whole, deployment"):
        judged(found, at_most_more=5.0, phase="befor")
    found.is_growing = True  # a client or a phase may still appear
    for keys in ({"client": "balancer"}, {"phase": "after"}):
        assert {result.verdict for result in judged(found, at_most_more=5.0, **keys)} == {Verdict.INCONCLUSIVE}


def test_a_run_without_revisions_is_refused() -> None:
    """Load scenarios count attempts without their tasks."""
    with pytest.raises(UsageError, match="no run of 'watch' was given"):
        judged(GateEvidence(), at_most_more=5.0)


def test_attempts_have_error_rates_and_phases_but_no_masked_rate() -> None:
    """Attempts of an experiment or a watch are judged like those of client models, but for retries."""
    found = evidence(*calls(OLD, 100, 200, 31))
    for phase_name, verdict in (("whole", Verdict.FAIL), ("deployment", Verdict.FAIL)):
        [result] = judged(found, at_most=20.0, by_revision=False, phase=phase_name)
        assert result.verdict is verdict
    [result] = judged(found, figure="masked-rate", at_most=20.0, by_revision=False)
    assert (result.verdict, result.actual[:27]) == (Verdict.INCONCLUSIVE, "its callers do not retry: `")

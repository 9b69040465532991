"""Scenarios as values: what is wrong in them is said before anything is created."""

from __future__ import annotations

import pytest

from surveyor.chaos import ServiceSetup
from surveyor.errors import UsageError
from surveyor.load.scenario import Phase, Scenario

KEPT = Phase("host", 1, fault="host.register", keep=True)


def scenario(*phases: Phase, clients: tuple[str, ...] = ()) -> Scenario:
    """Return a scenario of these phases."""
    return Scenario("ours", "It is ours.", ServiceSetup(host=True), phases, clients=clients)


def test_a_kept_fault_is_ended_by_a_later_phase() -> None:
    """It may be kept and ended again."""
    gone = Phase("gone", 1, ends=("host.register",))
    scenario(KEPT, gone, KEPT, gone, clients=("dns", "api-gateway")).check()


def test_a_vanished_scenario_is_the_same_one_under_another_name() -> None:
    """Its name and title say so, and the fault that lets addresses vanish lasts from the first phase to the last."""
    plain = scenario(Phase("killed", 1, fault="task.kill", victims="one"))
    vanished = plain.vanished()
    assert (vanished.name, vanished.title) == ("ours-vanished", "It is ours; the addresses of stopped tasks vanish.")
    assert (vanished.throughout, vanished.faults) == (("address.vanish",), ("address.vanish", "task.kill"))
    assert (plain.throughout, plain.faults) == ((), ("task.kill",))
    assert (vanished.phases, vanished.setup, vanished.checks) == (plain.phases, plain.setup, plain.checks)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (scenario(Phase("gone", 1, ends=("host.register",))), "expected one that an earlier phase keeps: none"),
        (scenario(KEPT, Phase("gone", 1, ends=("host.fail",))), "ends 'host.fail'; .* keeps: host.register"),
        (scenario(Phase("host", 1, fault="host.fail"), Phase("gone", 1, ends=("host.fail",))), "keeps: none"),
        (scenario(KEPT, clients=("dsn",)), "there is no client model 'dsn'"),
    ],
)
def test_what_is_wrong_is_said(wrong: Scenario, message: str) -> None:
    """An unknown model, and the end of a fault that is not kept, are usage errors with what was expected."""
    with pytest.raises(UsageError, match=message):
        wrong.check()

"""The scenarios of the client runtimes: what each consists of, and the intervals that hold in it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from surveyor.callers import MODELS
from surveyor.clients.runtimes import NEVER, RUNTIMES, Expected
from surveyor.clients.scenario import play_scenario
from surveyor.clients.scenarios import DEFAULT, SCENARIOS, ClientScenario
from surveyor.errors import SurveyorError

MINUTES = 6
"""That the default scenario takes at most, with the start and the end of its clients."""


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_a_scenario_is_whole(scenario: ClientScenario) -> None:
    """Steps have names of their own and name tasks that exist; a behaviour is observed in steps that exist."""
    names = [step.name for step in scenario.steps]
    assert len(set(names)) == len(names)
    assert scenario.steps[-1].seconds == 0
    for step in scenario.steps:
        assert set(step.leads_to or ()) | set(step.ends) <= set(range(scenario.tasks)), step
        assert not (set(step.leads_to or ()) & set(step.ends)), step
    for behaviour in scenario.behaviours:
        assert scenario.observed(behaviour) > 0
        assert set(behaviour.right) <= set(range(scenario.tasks))


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_no_task_is_led_to_after_it_has_ended(scenario: ClientScenario) -> None:
    """A name that leads to a dead task is a fault of the registry, which no scenario has."""
    ended: set[int] = set()
    for step in scenario.steps:
        ended |= set(step.ends)
        assert not ended & set(step.leads_to or ()), step


def test_the_default_scenario_is_short_enough() -> None:
    """Four of its six minutes are for behaviours; clients start and end in the rest."""
    assert DEFAULT.seconds <= MINUTES * 60 - 120


DOCUMENTED: Mapping[str, Expected] = {
    "kill": Expected(0, 1, ttls=1), "gap": Expected(0, 10), "drain": Expected(NEVER, NEVER)
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "behaviour", "expected"),
    [
        ("default", "kill", Expected(0, 6)),
        ("ttl-0", "kill", Expected(0, 1)),
        ("ttl-60", "kill", Expected(0, 61)),
        ("ttl-60", "gap", Expected(0, 10)),
        ("caching-resolver", "kill", Expected(0, 11)),
        ("caching-resolver", "gap", Expected(0, 70)),
        ("caching-resolver", "drain", Expected(NEVER, NEVER)),
        ("stop", "stop", None),
    ],
)
def test_intervals_depend_on_the_scenario(name: str, behaviour: str, expected: Expected | None) -> None:
    """Those that depend on the TTL grow with it, and a cache in between keeps answers for as long again."""
    found = SCENARIOS[name].bounds(behaviour, DOCUMENTED)
    assert (found and (found.low, found.high)) == (expected and (expected.low, expected.high))


def test_every_model_of_a_load_scenario_names_its_runtime() -> None:
    """It is one of `surveyor load --runtimes`, or what that does not start: an SDK, or a proxy of AWS."""
    other = {name: model.runtime for name, model in MODELS.items() if model.runtime not in RUNTIMES}
    assert set(other) == {"api-revision", "api-healthy", "service-connect", "api-gateway"}
    assert all(other.values())


def test_a_cache_needs_a_sandbox() -> None:
    """Otherwise the machine's resolv.conf would be changed."""
    with pytest.raises(SurveyorError, match="needs a sandbox"):
        play_scenario({}, [], SCENARIOS["caching-resolver"], 7, lambda text: None)

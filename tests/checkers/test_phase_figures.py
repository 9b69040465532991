"""Phases that an experiment names have figures: failed calls, calls that stay in the zone, and those of new tasks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from surveyor.checkers import CALLERS_ZONE
from surveyor.checkers.phase_figures import phase_figures
from tests.checkers.simulated_services import SimulatedService, call, fault, history_of, phase, tasks

NEAR, FAR = "127.0.0.1", "127.0.0.2"


def named(begin: float, end: float, name: str) -> dict[str, Any]:
    """Return a phase that the steps of an experiment name."""
    operation = phase(begin, end, name)
    return {**operation, "invoke": {**operation["invoke"], "who": "experiment"}}


def figures(*operations: dict[str, Any], zone: str = "a") -> dict[str, tuple[float, float]]:
    """Return the figures of a history with these operations, rounded."""
    states = {
        "near": {"status": "RUNNING", "address": NEAR, "zone": "a", "revision": "web:1"},
        "far": {"status": "RUNNING", "address": FAR, "zone": "b", "revision": "web:2"},
    }
    service = SimulatedService((), period=1e9, calls=1e9).but(tasks(1, **states), *operations)
    history = history_of(service)
    history = replace(history, header=replace(history.header, service={CALLERS_ZONE: zone}))
    return {name: (round(span.low), round(span.high)) for name, span in phase_figures(history)}


def test_each_phase_has_its_figures() -> None:
    """Shares are of the calls of the phase, with their intervals; a call without an answer is in no zone."""
    found = figures(
        fault(5, "az.lose", "near"),
        named(10, 50, "before"),
        *(call(at, at + 0.1, NEAR, task="near") for at in range(10, 50)),
        named(50, 90, "lost"),
        *(call(at, at + 0.1, FAR, task="far") for at in range(50, 80)),
        *(call(at, at + 0.1, NEAR, error="refused") for at in range(80, 90)),
    )
    assert found == {
        "calls that failed, before": (0, 9),
        "calls answered in the zone of the callers, before": (91, 100),
        "answered calls that new tasks answered, before": (0, 9),
        "calls that failed, lost": (14, 40),
        "calls answered in the zone of the callers, lost": (0, 11),
        "answered calls that new tasks answered, lost": (89, 100),
    }


def test_zones_count_only_where_one_is_lost() -> None:
    """An experiment that loses no zone has no figures of zones, nor has one whose callers are in none."""
    calls = [named(10, 20, "calm"), call(11, 11.1, NEAR, task="near")]
    assert figures(*calls) == {"calls that failed, calm": (0, 79)}
    assert figures(fault(5, "az.lose", "near"), *calls, zone="") == {"calls that failed, calm": (0, 79)}


def test_phases_of_a_watched_deployment_have_other_figures() -> None:
    """Phases that the steps of an experiment do not name are of load scenarios and watches, which count by client."""
    assert figures(phase(10, 20, "deployment"), call(11, 11.1, NEAR, task="near")) == {}

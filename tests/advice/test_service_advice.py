"""Advice for a service: the figures of a history, the arithmetic, and the commands that carry it out."""

from __future__ import annotations

import json
import shlex
from typing import Any

import pytest

from surveyor.advice.service_advice import LONGEST_DRAIN, ServiceChange, ServiceSettings, advise_service
from surveyor.advice.service_commands import DRAIN, ServicePlace, changed_definition, commands_of, drain_of
from surveyor.advice.service_figures import ServiceFigures, service_figures
from surveyor.observations import Interval
from tests.checkers.simulated_services import SimulatedService, SimulatedTask, call, history_of

NONE = Interval(0.0, 0.0)
REGISTRY = {
    "Id": "srv-1",
    "Description": "the shop's",
    "HealthCheckCustomConfig": {"FailureThreshold": 1},
    "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 60}, {"Type": "SRV", "TTL": 60}]},
}
DEFINITION: dict[str, Any] = {
    "family": "web",
    "revision": 3,
    "taskDefinitionArn": "arn:web:3",
    "memory": "512",
    "containerDefinitions": [
        {"name": "web", "image": "web:1", "healthCheck": {"command": ["CMD", "true"]}},
        {"name": "sidecar", "image": "log:1", "healthCheck": {"command": ["CMD", "true"]}},
    ],
}
ACCEPTED = {"family", "memory", "containerDefinitions"}


def figures(named: float, listened: float, gap: Interval = NONE) -> ServiceFigures:
    """Return figures of two tasks."""
    return ServiceFigures(2, Interval(named, named), Interval(listened, listened), NONE, gap)


def settings(ttl: int = 60, **changes: Any) -> ServiceSettings:
    """Return the settings of a service on a target without the delays of Route 53."""
    return ServiceSettings(**{"ttl": ttl, "has_check": False, "in_account": False, **changes})


def test_a_task_that_outlives_its_name_needs_nothing() -> None:
    """Named for 5 s, cached for 20 s, and answering for 25 s: no window."""
    advice = advise_service(figures(5, 25), settings(20))
    assert advice.is_closed
    assert "No window: every task answered for longer than it was called." in advice.lines


def test_a_window_is_closed_by_answering_longer() -> None:
    """Named for 5 s, cached for 60 s, answering for 2 s: 5 + 60 + 5 - 2 = 68 s longer, or with a TTL of 10, 18 s."""
    advice = advise_service(figures(5, 2), settings())
    assert "Window: 65 - 2 = 63 s in which clients call a task that does not answer" in advice.lines
    assert [(change.ttl, change.drain) for change in advice.changes] == [(None, 68), (10, 18)]
    assert "5 (until no answer names it) + 60 (TTL) + 5 - 2 (which it does) = 68 s longer" in advice.changes[0].reason


def test_an_account_has_the_minute_of_route_53() -> None:
    """What was measured once may be a minute the next time: a TTL that leaves no room for it is shortened."""
    advice = advise_service(figures(5, 0), settings(in_account=True))
    assert [(change.ttl, change.drain) for change in advice.changes] == [(10, 75), (1, 66)]
    assert "60 (until no answer names it, as Route 53 documents)" in advice.changes[0].reason


def test_what_no_setting_closes_is_said() -> None:
    """Names that stay longer than Fargate lets a task answer leave a window with every TTL."""
    advice = advise_service(figures(LONGEST_DRAIN, 0), settings())
    assert advice.changes == ()
    assert any(line.startswith("No setting closes it") for line in advice.lines)


def test_a_drain_of_an_earlier_advice_is_not_added_again() -> None:
    """A task that answers for 30 s, 25 of them by an earlier advice, gets one that replaces it."""
    [change, *_] = advise_service(figures(5, 30), settings(60, drain=25)).changes
    assert change.drain == 5 + 60 + 5 - 5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"has_check": True}, ServiceChange("", without_check=True)),
        ({"has_check": True, "minimum_percent": 50}, ServiceChange("", minimum_percent=100)),
        ({}, None),
    ],
)
def test_a_gap_has_an_advice_of_its_own(changes: dict[str, Any], expected: ServiceChange | None) -> None:
    """A percentage below 100, or else a container check, is why no instance was healthy; otherwise clients can help."""
    advice = advise_service(figures(5, 70, Interval(12.0, 14.0)), settings(**changes))
    assert "The registry had no healthy instance for 12.0 to 14.0 s." in advice.lines
    if expected is None:
        assert advice.changes == ()
        assert advice.lines[-1].endswith("HealthStatus=HEALTHY_OR_ELSE_ALL.")
        return
    [change] = advice.changes
    assert (change.without_check, change.minimum_percent) == (expected.without_check, expected.minimum_percent)


def test_the_definition_gets_a_container_that_delays_sigterm() -> None:
    """It depends on the program, sleeps at SIGTERM within its stopTimeout, and replaces that of an earlier advice."""
    change = ServiceChange("", drain=40, without_check=True)
    once = changed_definition(DEFINITION, ACCEPTED, change, "web")
    assert set(once) == ACCEPTED
    web, sidecar, drain = once["containerDefinitions"]
    assert "healthCheck" not in web
    assert "healthCheck" in sidecar
    assert drain["name"] == DRAIN
    assert drain["dependsOn"] == [{"containerName": "web", "condition": "START"}]
    assert (drain["essential"], drain["stopTimeout"], drain_of(once)) == (False, 45, 40)
    assert "sleep 40" in drain["command"][2]
    again = changed_definition({**DEFINITION, **once}, ACCEPTED, ServiceChange("", drain=20), "web")
    assert [one["name"] for one in again["containerDefinitions"]] == ["web", "sidecar", DRAIN]
    assert drain_of(again) == 20
    assert drain_of(DEFINITION) == 0
    assert "healthCheck" in DEFINITION["containerDefinitions"][0]


def test_the_commands_repeat_what_a_request_would_delete() -> None:
    """UpdateService of Cloud Map gets all records and the description; a hostile name stays one word."""
    place = ServicePlace("eu-west-1", "shop", "we;b", "web", "web", REGISTRY)
    change = ServiceChange("", ttl=10, drain=40, minimum_percent=100)
    commands = [shlex.split(command) for command in commands_of(change, place, "new.json")]
    assert [words[1:3] for words in commands] == [
        ["servicediscovery", "update-service"],
        ["ecs", "register-task-definition"],
        ["ecs", "update-service"],
    ]
    assert json.loads(commands[0][6]) == {
        "Description": "the shop's",
        "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}, {"Type": "SRV", "TTL": 10}]},
    }
    assert commands[2][3:] == [
        *("--cluster", "shop", "--service", "we;b", "--task-definition", "web", "--deployment-configuration"),
        *("minimumHealthyPercent=100,maximumPercent=200", "--region", "eu-west-1"),
    ]


def test_figures_come_from_the_tasks_that_stopped() -> None:
    """A task that leaves at 104 s and is named until then answers until its containers end; without one, no figures."""
    tasks = (SimulatedTask("stays", "127.0.0.1", 0.0), SimulatedTask("goes", "127.0.0.2", 0.0, 104.0))
    found = service_figures(history_of(SimulatedService(tasks)), "names")
    assert found is not None
    assert found.tasks == 1
    assert found.named.high < 10
    until = "127.0.0.2"
    late = call(104.2, 106.3, until, outcome="info", error="timeout")
    assert service_figures(history_of(SimulatedService(tasks).but(late)), "names") == found
    assert service_figures(history_of(SimulatedService(tasks[:1])), "names") is None


def test_a_task_that_refuses_calls_while_it_stops_does_not_answer() -> None:
    """ECS stops a task at 104 s, and it refuses calls from 107 s on, until its containers end: it answered for 2 s."""
    other = {"status": "RUNNING", "address": "127.0.0.1"}
    stopping = {"tasks": {"goes": {"status": "STOPPING", "address": "127.0.0.2"}, "stays": other}}
    seen = {"begin": 104.3, "end": 104.4, "invoke": {"who": "tasks", "what": "tasks"}, "result": stopping,
            "outcome": "ok"}  # fmt: skip
    tasks = (SimulatedTask("stays", "127.0.0.1", 0.0), SimulatedTask("goes", "127.0.0.2", 0.0, 110.0))
    service = SimulatedService(tasks, calls=1_000.0).but(
        seen,
        call(106.0, 106.1, "127.0.0.2", task="goes"),
        call(107.0, 107.1, "127.0.0.2", error="refused"),
    )
    found = service_figures(history_of(service), "names")
    assert found is not None
    assert 1.0 < found.listened.low < 2.0
    assert found.listened.high < 3.5

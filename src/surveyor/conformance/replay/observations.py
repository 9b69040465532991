"""Observations: facts that no single call shows, such as events and what happens while a task stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from surveyor import timeouts
from surveyor.clock import Clock
from surveyor.conformance.replay.situations import observation
from surveyor.errors import WrongAnswer
from surveyor.fixtures.service_connect import ConnectService, TaskCall
from surveyor.fixtures.tasks import TASK_PORT, address_of

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient

__all__: list[str] = []

Make = Callable[..., dict[str, Any]]
_TTL = 300


@pytest.fixture
def event_of_service(
    capture_events: Callable[..., Callable[[], list[dict[str, Any]]]],
    make_task_definition: Make,
    make_ecs_service: Make,
    wait_until_steady: Make,
    clock: Clock,
) -> Callable[..., dict[str, Any]]:
    """Return a function that returns the first event of a kind about a new service that becomes steady."""

    def find(kind: str, **detail: str) -> dict[str, Any]:
        received = capture_events({"source": ["aws.ecs"], "detail-type": [kind]})
        service = make_ecs_service(make_task_definition())
        wait_until_steady(service)

        def arrived() -> dict[str, Any] | None:
            ours = [event for event in received() if service["serviceArn"] in event["resources"]]
            return next((event for event in ours if detail.items() <= event["detail"].items()), None)

        return clock.eventually(arrived, within=timeouts.SCHEDULER)

    return find


@observation("deployment-event", "ecs", "events")
def deployment_event(event_of_service: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return an event about a deployment of a service."""
    return event_of_service("ECS Deployment State Change")


@observation("steady-event", "ecs", "events")
def steady_event(event_of_service: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    """Return the event that a service is steady."""
    return event_of_service("ECS Service Action", eventName="SERVICE_STEADY_STATE")


@pytest.fixture
def answers(call_task: Make) -> Callable[[str], dict[str, Any] | None]:
    """Return a function that returns the answer of an endpoint of a task, or None if there is none."""

    def ask(endpoint: str) -> dict[str, Any] | None:
        try:
            return call_task(endpoint)
        except WrongAnswer:
            return None

    return ask


@pytest.fixture
def started(run_task: Make, describe_task: Make, clock: Clock) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """Return a function that runs a task, and returns it when it is RUNNING."""

    def start(definition: Mapping[str, Any]) -> dict[str, Any]:
        task = run_task(definition)
        clock.eventually(lambda: describe_task(task)["lastStatus"] == "RUNNING", within=timeouts.TASK)
        return describe_task(task)

    return start


@observation("task-metadata", "ecs", "ecs-processes")
def task_metadata(
    make_task_definition: Make, started: Callable[[Mapping[str, Any]], dict[str, Any]], call_task: Make
) -> dict[str, Any]:
    """Return what a container reads about itself and its task from the metadata endpoint."""
    return call_task(started(make_task_definition()), "/metadata")


@observation("stop-of-a-deaf-container", "ecs", "ecs-processes", "task-signals")
def stop_of_deaf_container(
    ecs: ECSClient,
    cluster: str,
    make_task_definition: Make,
    started: Callable[..., dict[str, Any]],
    describe_task: Make,
    answers: Callable[[str], dict[str, Any] | None],
    clock: Clock,
    tolerance: float,
) -> dict[str, Any]:
    """Stop a container that ignores SIGTERM, and return whether it runs after 20 s and when it was killed."""
    task = started(make_task_definition("serve", "--on-term", "ignore"))
    endpoint = f"{address_of(task)}:{TASK_PORT}"
    ecs.stop_task(cluster=cluster, task=task["taskArn"])
    clock.eventually(lambda: (answers(endpoint) or {}).get("stopping"), within=timeouts.SCHEDULER)
    begin = clock.now()
    clock.wait(max(0.0, begin + 20 - tolerance - clock.now()))
    runs = answers(endpoint) is not None
    clock.wait(max(0.0, begin + 30 + 2 * tolerance + 1 - clock.now()))
    ended = answers(endpoint) is None
    clock.eventually(lambda: describe_task(task)["lastStatus"] == "STOPPED", within=timeouts.TASK)
    code = describe_task(task)["containers"][0].get("exitCode")
    return {"running_after_20_s": runs, "stopped_after_30_s": ended, "exit_code": code}


@observation("stop-of-dependent-containers", "ecs", "ecs-processes", "task-signals")
def stop_of_dependent_containers(
    ecs: ECSClient,
    cluster: str,
    make_task_definition: Make,
    started: Callable[..., dict[str, Any]],
    answers: Callable[[str], dict[str, Any] | None],
    clock: Clock,
) -> dict[str, Any]:
    """Stop a task with a container that another depends on, and return its state while the other still drains."""
    container = {"dependsOn": [{"containerName": "side", "condition": "START"}]}
    definition = make_task_definition(
        "serve", "--on-term", "drain", "--drain", "20", container=container, beside={"side": {}}
    )
    task = started(definition)
    app, side = f"{address_of(task)}:{TASK_PORT}", f"{address_of(task)}:{TASK_PORT + 1}"
    ecs.stop_task(cluster=cluster, task=task["taskArn"])
    clock.eventually(lambda: (answers(app) or {}).get("stopping"), within=timeouts.SCHEDULER)
    clock.wait(3)
    dependency = answers(side)
    return {
        "dependency_answers_while_dependant_runs": dependency is not None and answers(app) is not None,
        "dependency_is_stopping_while_dependant_runs": bool(dependency and dependency["stopping"]),
    }


@observation("end-within-ttl", "ecs", "ecs-processes", "route53", "ec2")
def end_within_ttl(
    ecs: ECSClient,
    cluster: str,
    task_vpc: str,
    make_namespace: Make,
    make_service: Make,
    make_task_definition: Make,
    make_ecs_service: Make,
    wait_until_steady: Make,
    tasks_of: Callable[..., list[dict[str, Any]]],
    describe_task: Make,
    clock: Clock,
) -> dict[str, Any]:
    """Stop a task that is registered with a TTL of 300 s, and return whether it ends within that time."""
    records = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": _TTL}]}
    registry = make_service(make_namespace("private", Vpc=task_vpc), DnsConfig=records)
    service = make_ecs_service(make_task_definition(), registry)
    wait_until_steady(service)
    [task] = tasks_of(service)
    ecs.stop_task(cluster=cluster, task=task["taskArn"])
    begin = clock.now()
    clock.eventually(lambda: describe_task(task)["lastStatus"] == "STOPPED", within=2 * _TTL)
    return {"stopped_within_ttl": clock.now() - begin < _TTL}


@observation("names-in-a-task", "ecs", "ecs-processes", "service-connect")
def names_in_task(
    make_connect_service: Callable[..., ConnectService],
    wait_for_task: Make,
    call_task: Make,
    http_namespace: dict[str, Any],
) -> dict[str, Any]:
    """Return what a client's task knows about the alias of an endpoint, by DNS and by any means."""
    server = make_connect_service("backend")
    wait_for_task(server)
    client = wait_for_task(make_connect_service())
    with_namespace = f"{server.alias}.{http_namespace['Name']}"
    by_dns = call_task(client, f"/resolve?name={server.alias}&type=A")
    known, other = (call_task(client, f"/names?name={name}") for name in (server.alias, with_namespace))
    return {
        "alias_by_dns": by_dns.get("values", []),
        "alias_is_known": bool(known["addresses"]),
        "alias_with_namespace_is_known": bool(other["addresses"]),
    }


@observation("stop-with-a-proxy", "ecs", "ecs-processes", "service-connect", "task-signals")
def stop_with_proxy(
    ecs: ECSClient,
    cluster: str,
    make_connect_service: Callable[..., ConnectService],
    wait_for_task: Make,
    call_from_task: Callable[..., list[TaskCall]],
    call_task: Make,
    describe_task: Make,
    answers: Callable[[str], dict[str, Any] | None],
    clock: Clock,
) -> dict[str, Any]:
    """Stop a task with a proxy during a call of 10 s; return when SIGTERM was sent, and how call and task ended."""
    drain = 15
    server = make_connect_service("backend", arguments=("serve", "--on-term", "drain", "--drain", str(drain)))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    endpoint = f"{address_of(callee)}:{TASK_PORT}"
    calls: list[TaskCall] = []
    thread = threading.Thread(target=lambda: calls.extend(call_from_task(client, f"{server.url}/?after=10")))
    thread.start()
    clock.eventually(lambda: call_task(endpoint, "/executions")["served"] == 1, within=timeouts.DISCOVERY)
    ecs.stop_task(cluster=cluster, task=callee["taskArn"])
    begin = clock.now()
    clock.eventually(lambda: (answers(endpoint) or {"stopping": True})["stopping"], within=timeouts.SCHEDULER)
    signalled = clock.now()
    clock.wait(drain + 5)
    thread.join(timeouts.REMOTE_ANSWER)
    clock.eventually(lambda: describe_task(callee)["lastStatus"] == "STOPPED", within=timeouts.TASK)
    stopped = describe_task(callee)
    # An agent reports the end of the first essential container of the task, and the proxy is still there.
    lasted = stopped["stoppedAt"].timestamp() - stopped["executionStoppedAt"].timestamp()
    return {
        "stopping_within_10_s": signalled - begin <= 10,
        "calls_through_the_proxy_while_stopping": calls[0].status if calls else 0,
        "proxy_ends_after_20_s": lasted >= 20 - 3,
    }

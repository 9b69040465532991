"""Services that find each other by name, from inside the VPC."""

from __future__ import annotations

from typing import Any

from surveyor.testing import (
    CallTask,
    Eventually,
    MakeEcsService,
    MakeNamespace,
    MakeService,
    MakeTaskDefinition,
    TasksOf,
    WaitUntilSteady,
    address_of,
    proves,
    timeouts,
)

A: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}


@proves("ecs.dns.tasks-resolve-each-other")
def test_a_task_resolves_another_service(
    task_vpc: str,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    call_task: CallTask,
    eventually: Eventually,
    make_namespace: MakeNamespace,
) -> None:
    """A task of one service asks its resolver for <service>.<namespace> of another: two tasks, two addresses."""
    namespace = make_namespace("private", Vpc=task_vpc)
    definition = make_task_definition()
    asks, named = (make_service(namespace, DnsConfig=A) for _ in range(2))
    asking = wait_until_steady(make_ecs_service(definition, asks))
    backend = wait_until_steady(make_ecs_service(definition, named, count=2))
    (task,) = tasks_of(asking)
    wanted = sorted(address_of(one) for one in tasks_of(backend))

    def resolved() -> list[str]:
        answer = call_task(task, f"/resolve?name={named['Name']}.{namespace['Name']}&type=A")
        return sorted(one["value"] for one in answer.get("answers", ()))

    eventually(lambda: resolved() == wanted, within=timeouts.DNS_CHANGE)
    # What is resolved can be called.
    assert {call_task(address)["address"] for address in wanted} == set(wanted)

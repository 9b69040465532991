"""Services find each other by name inside the VPC."""

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
    """A task resolves <service>.<namespace> of another service with two tasks to two addresses."""
    namespace = make_namespace("private", Vpc=task_vpc)
    definition = make_task_definition()
    client_registry, backend_registry = (make_service(namespace, DnsConfig=A) for _ in range(2))
    client = wait_until_steady(make_ecs_service(definition, client_registry))
    backend = wait_until_steady(make_ecs_service(definition, backend_registry, count=2))
    (caller,) = tasks_of(client)
    expected = sorted(address_of(task) for task in tasks_of(backend))

    def resolved() -> list[str]:
        answer = call_task(caller, f"/resolve?name={backend_registry['Name']}.{namespace['Name']}&type=A")
        return sorted(record["value"] for record in answer.get("answers", ()))

    eventually(lambda: resolved() == expected, within=timeouts.DNS_CHANGE)
    # The resolved addresses can be called.
    assert {call_task(address)["address"] for address in expected} == set(expected)

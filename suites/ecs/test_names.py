"""Services that find each other by name, from inside the VPC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor import timeouts
from surveyor.fixtures.tasks import address_of
from surveyor.testing import proves

if TYPE_CHECKING:
    from surveyor.fixtures.calls import CallTask
    from surveyor.fixtures.namespaces import MakeNamespace
    from surveyor.fixtures.services import MakeService
    from surveyor.fixtures.tasks import MakeEcsService, MakeTaskDefinition, Steady, TasksOf
    from surveyor.fixtures.time import Eventually

A: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 10}]}


@proves("ecs.dns.tasks-resolve-each-other")
def test_a_task_resolves_another_service(
    task_vpc: str,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    steady: Steady,
    tasks_of: TasksOf,
    call_task: CallTask,
    eventually: Eventually,
    make_namespace: MakeNamespace,
) -> None:
    """A task of one service asks its resolver for <service>.<namespace> of another: two tasks, two addresses."""
    namespace = make_namespace("private", Vpc=task_vpc)
    definition = make_task_definition()
    asks, named = (make_service(namespace, DnsConfig=A) for _ in range(2))
    asking = steady(make_ecs_service(definition, asks))
    backend = steady(make_ecs_service(definition, named, count=2))
    (task,) = tasks_of(asking)
    wanted = sorted(address_of(one) for one in tasks_of(backend))

    def resolved() -> list[str]:
        answer = call_task(task, f"/resolve?name={named['Name']}.{namespace['Name']}&type=A")
        return sorted(one["value"] for one in answer.get("answers", ()))

    eventually(lambda: resolved() == wanted, within=timeouts.DNS_CHANGE)
    # What is resolved can be called.
    assert {call_task(address)["address"] for address in wanted} == set(wanted)

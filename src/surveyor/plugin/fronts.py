"""What stands before a service: a load balancer, or the Service Connect proxy of a task that calls it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from surveyor import bounds
from surveyor.answers import member
from surveyor.clock import Clock
from surveyor.plugin.account import ClientFactory
from surveyor.plugin.calling import CallTask
from surveyor.plugin.tasks import PORT, MakeEcsService, MakeTaskDefinition, Steady, TasksOf
from surveyor.targets.running import RunningTarget

if TYPE_CHECKING:
    from mypy_boto3_elbv2 import ElasticLoadBalancingv2Client

__all__ = ["Balancer", "MakeBalancer", "MakeProxy"]

LISTENS = 80
CHECKS_EACH = 5
"""Seconds between two checks of a target, the least (elbv2/CreateTargetGroupInput.HealthCheckIntervalSeconds)."""


DRAINS = 5
"""Seconds between a task's deregistration and its stop. With the default of 300 a deployment takes that long, and tasks
drain for whoever finds them in another way, too: what those suffer without it could not be seen."""


@dataclass(frozen=True)
class Balancer:
    """A load balancer by its name in DNS, and the target group that ECS puts tasks into."""

    name: str
    port: int
    group: str


class MakeBalancer(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, vpc: str, subnets: list[str]) -> Balancer:
        """`make_balancer(vpc, subnets)`: an internal Application Load Balancer that forwards HTTP to tasks."""


class MakeProxy(Protocol):
    """What the fixture of this name gives."""

    def __call__(self, namespace: Mapping[str, Any], alias: str) -> tuple[str, int]:
        """`make_proxy(namespace, alias)`: where a client task's proxy answers for that alias: address and port."""


@pytest.fixture
def make_balancer(client: ClientFactory, running: RunningTarget, fingerprint: str) -> Iterator[MakeBalancer]:
    """Makes load balancers; where an account is the test's own they are deleted in the end."""
    elb: ElasticLoadBalancingv2Client = client("elbv2")
    made: list[str] = []

    def make(vpc: str, subnets: list[str]) -> Balancer:
        name = f"surveyor-{fingerprint[:16]}-{len(made)}"  # 32 characters at most
        answer: Any = elb.create_load_balancer(Name=name, Subnets=subnets, Scheme="internal")
        found = member(answer, "LoadBalancers", of="CreateLoadBalancer")[0]
        made.append(found["LoadBalancerArn"])
        created: Any = elb.create_target_group(
            Name=name,
            Protocol="HTTP",
            Port=PORT,
            VpcId=vpc,
            TargetType="ip",
            HealthCheckPath="/health",
            HealthCheckIntervalSeconds=CHECKS_EACH,
            HealthCheckTimeoutSeconds=2,
            HealthyThresholdCount=2,
            UnhealthyThresholdCount=2,
        )
        group = str(member(created, "TargetGroups", of="CreateTargetGroup")[0]["TargetGroupArn"])
        delay: Any = {"Key": "deregistration_delay.timeout_seconds", "Value": str(DRAINS)}
        elb.modify_target_group_attributes(TargetGroupArn=group, Attributes=[delay])
        forward: Any = [{"Type": "forward", "TargetGroupArn": group}]
        elb.create_listener(LoadBalancerArn=made[-1], Protocol="HTTP", Port=LISTENS, DefaultActions=forward)
        return Balancer(str(found["DNSName"]), LISTENS, group)

    yield make
    if not running.target.is_one_account:
        for arn in made:
            elb.delete_load_balancer(LoadBalancerArn=arn)


@pytest.fixture
def make_proxy(
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    steady: Steady,
    tasks_of: TasksOf,
    call_task: CallTask,
    clock: Clock,
) -> MakeProxy:
    """Runs a task that only calls, with a proxy of its own."""

    def make(namespace: Mapping[str, Any], alias: str) -> tuple[str, int]:
        configuration = {"enabled": True, "namespace": namespace["Arn"]}
        service = make_ecs_service(make_task_definition("serve"), serviceConnectConfiguration=configuration)
        steady(service)
        [task] = tasks_of(service)

        def known() -> str:
            found = call_task(task, f"/names?name={alias}")["addresses"]
            return str(found[0]) if found else ""

        return clock.eventually(known, within=bounds.TASK), PORT

    return make

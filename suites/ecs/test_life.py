"""How a task ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor.testing import (
    CallTask,
    Clock,
    Eventually,
    Inconclusive,
    MakeEcsService,
    MakeService,
    MakeTaskDefinition,
    ReportFigure,
    TasksOf,
    WaitUntilSteady,
    WrongAnswer,
    proves,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_ecs import ECSClient
    from mypy_boto3_servicediscovery import ServiceDiscoveryClient


GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL (ecs/StopTask)."""


@proves("ecs.life.sigkill-thirty-seconds-after-sigterm")
def test_sigkill_comes_thirty_seconds_after_sigterm(
    ecs: ECSClient,
    make_task_definition: MakeTaskDefinition,
    call_task: CallTask,
    eventually: Eventually,
    clock: Clock,
    tolerance: float,
    cluster: str,
    network: Any,
) -> None:
    """What ignores SIGTERM is killed thirty seconds after it; what heeds it has ended by itself long before."""
    codes = {}
    for manner in ("ignore", "die"):
        definition = make_task_definition("serve", "--on-term", manner)["taskDefinitionArn"]
        run: Any = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": network}
        arn = ecs.run_task(taskDefinition=definition, **run)["tasks"][0]["taskArn"]

        def task(arn: str = arn) -> dict[str, Any]:
            return dict(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])

        eventually(lambda: task()["lastStatus"] == "RUNNING", within=timeouts.TASK)
        found = task()
        ecs.stop_task(cluster=cluster, task=arn)
        if manner == "ignore":

            def told_to_stop(running: dict[str, Any] = found) -> bool:
                return call_task(running)["stopping"] is True

            eventually(told_to_stop, within=timeouts.SCHEDULER)
            told = clock.now()
            clock.wait(max(0.0, GRACE - tolerance - 1))
            if clock.now() - told > GRACE - tolerance:
                raise Inconclusive("the looks took longer than the grace period")
            assert call_task(found)["stopping"] is True, "killed too soon"
            clock.wait(2 * tolerance + 1)
            try:
                call_task(found)
            except WrongAnswer:
                pass
            else:
                raise WrongAnswer("expected SIGKILL 30 s after SIGTERM; the task answers still", actual="no SIGKILL")
        end = eventually(lambda: task() if task()["lastStatus"] == "STOPPED" else None, within=timeouts.TASK)
        assert end["stopCode"] == "UserInitiated"
        codes[manner] = end["containers"][0]["exitCode"]
    assert codes == {"ignore": 137, "die": 0}


@proves("ecs.life.deregistration-and-sigterm", "deregistration.ecs.does-not-wait-for-ttl")
def test_deregistration_and_sigterm_are_recorded(
    ecs: ECSClient,
    cloudmap: ServiceDiscoveryClient,
    make_service: MakeService,
    make_task_definition: MakeTaskDefinition,
    make_ecs_service: MakeEcsService,
    wait_until_steady: WaitUntilSteady,
    tasks_of: TasksOf,
    call_task: CallTask,
    clock: Clock,
    report_figure: ReportFigure,
    cluster: str,
    private_namespace: dict[str, Any],
) -> None:
    """After StopTask: until SIGTERM, until the instance is gone, until the task has ended; the TTL is 300 s."""
    records: Any = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": 300}]}
    registry = make_service(private_namespace, DnsConfig=records)
    definition = make_task_definition("serve", "--on-term", "drain", "--drain", "20")
    service = wait_until_steady(make_ecs_service(definition, registry))
    (task,) = tasks_of(service)
    ecs.stop_task(cluster=cluster, task=task["taskArn"])
    start = last = clock.now()
    seen: dict[str, tuple[float, float]] = {}
    while "the task ended" not in seen and clock.now() - start < timeouts.TASK:
        now, found = clock.now(), ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]])["tasks"][0]
        listed = {one["Id"] for one in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
        actual = {
            "the instance was gone": task["taskArn"].rpartition("/")[2] not in listed,
            "the process had SIGTERM": _stopping(call_task, task),
            "the task ended": found["lastStatus"] == "STOPPED",
        }
        for what, is_so in actual.items():
            if is_so and what not in seen:
                seen[what] = (last - start, now - start)
        last = now
        clock.wait(1)
    for what, (low, high) in seen.items():
        report_figure(f"from StopTask until {what}", low, high)
    assert {"the instance was gone", "the task ended"} <= seen.keys()


def _stopping(call_task: CallTask, task: dict[str, Any]) -> bool:
    try:
        return bool(call_task(task)["stopping"])
    except WrongAnswer:  # nobody listens any more
        return True

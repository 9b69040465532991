"""The end of a task: SIGTERM, SIGKILL and deregistration."""

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
def test_sigkill_is_sent_thirty_seconds_after_sigterm(
    ecs: ECSClient,
    make_task_definition: MakeTaskDefinition,
    call_task: CallTask,
    eventually: Eventually,
    clock: Clock,
    tolerance: float,
    cluster: str,
    network: Any,
) -> None:
    """A process that ignores SIGTERM is killed thirty seconds later; one that obeys it ends with code 0."""
    codes = {}
    for reaction in ("ignore", "die"):
        definition = make_task_definition("serve", "--on-term", reaction)["taskDefinitionArn"]
        run: Any = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": network}
        arn = ecs.run_task(taskDefinition=definition, **run)["tasks"][0]["taskArn"]

        def task(arn: str = arn) -> dict[str, Any]:
            return dict(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])

        eventually(lambda: task()["lastStatus"] == "RUNNING", within=timeouts.TASK)
        running = task()
        ecs.stop_task(cluster=cluster, task=arn)
        if reaction == "ignore":

            def is_stopping(callee: dict[str, Any] = running) -> bool:
                return call_task(callee)["stopping"] is True

            eventually(is_stopping, within=timeouts.SCHEDULER)
            stopping_since = clock.now()
            clock.wait(max(0.0, GRACE - tolerance - 1))
            if clock.now() - stopping_since > GRACE - tolerance:
                raise Inconclusive("the calls took longer than the grace period")
            assert call_task(running)["stopping"] is True, "killed too soon"
            clock.wait(2 * tolerance + 1)
            try:
                call_task(running)
            except WrongAnswer:
                pass
            else:
                raise WrongAnswer("expected SIGKILL 30 s after SIGTERM; the task still answers", actual="no SIGKILL")
        end = eventually(lambda: task() if task()["lastStatus"] == "STOPPED" else None, within=timeouts.TASK)
        assert end["stopCode"] == "UserInitiated"
        codes[reaction] = end["containers"][0]["exitCode"]
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
    """The time from StopTask until SIGTERM, deregistration and the end of the task is recorded; the TTL is 300 s."""
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
        listed = {instance["Id"] for instance in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
        actual = {
            "the instance was gone": task["taskArn"].rpartition("/")[2] not in listed,
            "the process had SIGTERM": _is_stopping(call_task, task),
            "the task ended": found["lastStatus"] == "STOPPED",
        }
        for event, has_happened in actual.items():
            if has_happened and event not in seen:
                seen[event] = (last - start, now - start)
        last = now
        clock.wait(1)
    for event, (low, high) in seen.items():
        report_figure(f"from StopTask until {event}", low, high)
    assert {"the instance was gone", "the task ended"} <= seen.keys()


def _is_stopping(call_task: CallTask, task: dict[str, Any]) -> bool:
    try:
        return bool(call_task(task)["stopping"])
    except WrongAnswer:  # nothing listens any more, so the process has ended
        return True

"""The end of a task: SIGTERM, SIGKILL and deregistration."""

from __future__ import annotations

from surveyor.testing import Inconclusive, WrongAnswer, dns_config, proves, timeouts

GRACE = 30.0
"""Seconds between SIGTERM and SIGKILL (ecs/StopTask)."""


@proves("ecs.life.sigkill-thirty-seconds-after-sigterm")
def test_sigkill_is_sent_thirty_seconds_after_sigterm(
    ecs, make_task_definition, call_task, eventually, clock, tolerance, cluster, network
):
    """A process that ignores SIGTERM is killed thirty seconds later; one that obeys it ends with code 0."""
    codes = {}
    for reaction in ("ignore", "die"):
        definition = make_task_definition("serve", "--on-term", reaction)["taskDefinitionArn"]
        run = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": network}
        arn = ecs.run_task(taskDefinition=definition, **run)["tasks"][0]["taskArn"]

        def task(arn=arn):
            return dict(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])

        eventually(lambda: task()["lastStatus"] == "RUNNING", within=timeouts.TASK)
        running = task()
        ecs.stop_task(cluster=cluster, task=arn)
        if reaction == "ignore":

            def is_stopping(callee=running):
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
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    call_task,
    clock,
    report_figure,
    cluster,
    private_namespace,
):
    """The time from StopTask until SIGTERM, deregistration and the end of the task is recorded; the TTL is 300 s."""
    records = dns_config("A", ttl=300)
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


def _is_stopping(call_task, task):
    try:
        return bool(call_task(task)["stopping"])
    except WrongAnswer:  # nothing listens any more, so the process has ended
        return True

"""Rolling deployments: when a task counts as healthy, how many tasks may run, and the history of a service."""

from __future__ import annotations

from contextlib import suppress
from itertools import pairwise
from statistics import median
from typing import Any

import pytest

from surveyor.testing import WrongAnswer, figure_names, for_each, proves, raises, timeouts, workload

COUNTS_AFTER = 40.0
"""Seconds (ecs/DeploymentConfiguration.minimumHealthyPercent)."""


def described(ecs, cluster, service):
    """Return the service as DescribeServices returns it."""
    return ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]


@proves("ecs.deployment.counts-forty-seconds-after-running", "ecs.deployment.counts-when-healthy")
@for_each("check", {"no check": None, "a check": {"command": ["CMD-SHELL", "exit 0"], "interval": 90}})
def test_the_old_task_is_stopped_when_the_new_one_counts(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, eventually, tolerance, cluster, check
):
    """The old task is stopped 40 s after the new one is RUNNING, or once its check has passed, and not sooner."""
    # ecs/DeploymentConfiguration.minimumHealthyPercent: "the service scheduler will wait for 40 seconds after a task
    # reaches a RUNNING state before the task is counted"
    definition = make_task_definition(container={"healthCheck": check})
    service = wait_until_steady(make_ecs_service(definition))
    (old,) = tasks_of(service)
    ecs.update_service(cluster=cluster, service=service["serviceName"], forceNewDeployment=True)

    def both():
        arns = [old["taskArn"], *(task["taskArn"] for task in tasks_of(service) if task["taskArn"] != old["taskArn"])]
        return ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]

    def stopping():
        found = {task["taskArn"]: task for task in both()}
        return found if found[old["taskArn"]]["desiredStatus"] == "STOPPED" else None

    found = eventually(stopping, within=timeouts.DEPLOYMENT)
    end = found.pop(old["taskArn"])
    (new,) = found.values()
    ran = (end["stoppingAt"] - new["startedAt"]).total_seconds()
    if check:
        assert new["healthStatus"] == "HEALTHY", f"after {ran:.1f} s"
    else:
        assert COUNTS_AFTER - tolerance <= ran <= COUNTS_AFTER + timeouts.SCHEDULER, f"after {ran:.1f} s"


@proves("ecs.deployment.minimum-and-maximum", "ecs.deployment.statuses")
@for_each(
    "count, minimum, maximum, at_least, at_most",
    {
        "rounded": (5, 50, 150, 3, 7),
        "start first": (2, 100, 200, 2, 4),
        "stop first": (2, 50, 100, 1, 2),
        "stop all": (1, 0, 100, 0, 1),
        "rounded maximum": (3, 100, 150, 3, 4),
        "by default": (2, None, None, 2, 4),
    },
)
def test_minimum_and_maximum_hold_during_a_deployment(
    ecs,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    eventually,
    cluster,
    count,
    minimum,
    maximum,
    at_least,
    at_most,
):
    """The minimum is rounded up and the maximum down: that many tasks run, or run and are pending."""
    # ecs/DeploymentConfiguration: "(rounded down to the nearest integer)", "(rounded up to the nearest integer)"
    percentages = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    limits = {name: value for name, value in percentages.items() if value is not None}
    service = make_ecs_service(make_task_definition(), count=count, deploymentConfiguration=limits or None)
    first = wait_until_steady(service)["deployments"][0]["id"]
    named = {"cluster": cluster, "service": service["serviceName"]}
    started = ecs.update_service(**named, forceNewDeployment=True)["service"]["deployments"][0]
    outside: list[tuple[int, int]] = []
    wrong: list[object] = []

    def is_over():
        now = described(ecs, cluster, service)
        if started["id"] not in {deployment["id"] for deployment in now["deployments"]}:
            return False  # read from before the update
        running, pending = now["runningCount"], now["pendingCount"]
        if running < at_least or running + pending > at_most:
            outside.append((running, pending))
        statuses = {deployment["id"]: deployment["status"] for deployment in now["deployments"]}
        parts = [deployment["runningCount"] for deployment in now["deployments"]]
        if statuses.pop(first, "ACTIVE") != "ACTIVE" or list(statuses.values()) != ["PRIMARY"] or sum(parts) != running:
            wrong.append((statuses, parts))
        return len(now["deployments"]) == 1 and now["deployments"][0]["rolloutState"] == "COMPLETED"

    assert started["rolloutState"] == "IN_PROGRESS"
    eventually(is_over, within=timeouts.DEPLOYMENT)
    assert not outside, "running and pending"
    assert not wrong, "deployments"
    assert described(ecs, cluster, service)["runningCount"] == count


@proves("ecs.deployment.triggers")
def test_certain_changes_start_a_deployment(
    ecs, make_service, make_task_definition, make_ecs_service, read_until, cluster, network, http_namespace
):
    """What tasks are made of, and forceNewDeployment, start a deployment; other members of UpdateService do not."""
    # ecs/UpdateServiceRequest: "This parameter triggers a new service deployment." or "doesn't trigger"
    awsvpc = network["awsvpcConfiguration"]
    other_ip = {"ENABLED": "DISABLED", "DISABLED": "ENABLED"}[awsvpc["assignPublicIp"]]
    changes: dict[str, tuple[Any, bool]] = {
        "taskDefinition": (make_task_definition()["taskDefinitionArn"], True),
        "networkConfiguration": ({"awsvpcConfiguration": {**awsvpc, "assignPublicIp": other_ip}}, True),
        "platformVersion": ("1.4.0", True),
        "serviceRegistries": ([{"registryArn": make_service(http_namespace)["Arn"]}], True),
        "forceNewDeployment": (True, True),
        "desiredCount": (0, False),
        "deploymentConfiguration": ({"minimumHealthyPercent": 50, "maximumPercent": 150}, False),
        "availabilityZoneRebalancing": ("DISABLED", False),
        "healthCheckGracePeriodSeconds": (30, False),
        "enableECSManagedTags": (True, False),
        "enableExecuteCommand": (False, False),
        "propagateTags": ("SERVICE", False),
    }
    service = make_ecs_service(make_task_definition(), count=0)
    before = service["deployments"][0]["id"]
    for member, (value, is_trigger) in changes.items():
        update = {"cluster": cluster, "service": service["serviceName"], member: value}
        after = ecs.update_service(**update)["service"]["deployments"][0]["id"]
        assert (member, after != before) == (member, is_trigger)
        before = after
    now = read_until(lambda: described(ecs, cluster, service), lambda found: found.get("propagateTags") == "SERVICE")
    assert now["taskDefinition"] == changes["taskDefinition"][0]
    assert now["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] == other_ip
    assert [entry["registryArn"] for entry in now["serviceRegistries"]] == [
        entry["registryArn"] for entry in changes["serviceRegistries"][0]
    ]
    for member in ("availabilityZoneRebalancing", "healthCheckGracePeriodSeconds", "propagateTags"):
        assert now[member] == changes[member][0]
    actual = now["deploymentConfiguration"]
    assert (actual["minimumHealthyPercent"], actual["maximumPercent"]) == (50, 150)


@proves("ecs.deployment.healthy-gap")
def test_the_gap_without_a_healthy_instance_is_recorded(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    clock,
    report_figure,
    task_settings,
    eventually,
    cluster,
    http_namespace,
):
    """The time without a HEALTHY instance during a rolling update of one task with a container check is recorded."""
    check = (
        {"healthCheck": {"command": ["CMD", *workload.command("check")], "interval": 5}} if task_settings.check else {}
    )
    registry = make_service(http_namespace, HealthCheckCustomConfig={"FailureThreshold": 1})
    service = wait_until_steady(make_ecs_service(make_task_definition(container=check), registry))
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"], "HealthStatus": "HEALTHY"}
    eventually(lambda: cloudmap.discover_instances(**names)["Instances"], within=timeouts.DISCOVERY)
    first = service["deployments"][0]["id"]
    ecs.update_service(cluster=cluster, service=service["serviceName"], forceNewDeployment=True)
    start = last = clock.now()
    minimum = maximum = 0.0
    was_empty, settled_since = False, None
    while clock.now() - start < timeouts.DEPLOYMENT:
        clock.wait(1)
        now, empty = clock.now(), not cloudmap.discover_instances(**names)["Instances"]
        if empty and was_empty:
            minimum, maximum = minimum + (now - last), maximum + (now - last)
        elif empty or was_empty:
            maximum += now - last
        answer = ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]
        over = [deployment["id"] for deployment in answer["deployments"]] != [first] and len(answer["deployments"]) == 1
        settled_since = (settled_since or now) if over and not empty else None
        if settled_since is not None and now - settled_since > timeouts.CUSTOM_HEALTH:
            break
        last, was_empty = now, empty
    assert settled_since is not None, "no HEALTHY instance of the new deployment"
    report_figure(figure_names.CHECKED, int(task_settings.check))
    report_figure(figure_names.GAP, minimum, maximum)


@pytest.fixture
def deployments_of(ecs, cluster):
    """Return `deployments_of(service, **params)`: DescribeServiceDeployments of what is listed, the newest first."""

    def describe(service, **params):
        briefs = ecs.list_service_deployments(cluster=cluster, service=service["serviceName"], **params)
        arns = [brief["serviceDeploymentArn"] for brief in briefs["serviceDeployments"]]
        found = ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"] if arns else []
        by_arn = {one["serviceDeploymentArn"]: one for one in found}
        for brief in briefs["serviceDeployments"]:
            one = by_arn[brief["serviceDeploymentArn"]]
            same = ("serviceArn", "clusterArn", "createdAt", "startedAt", "status", "finishedAt")
            assert [brief.get(name) for name in same] == [one.get(name) for name in same]
            assert brief["targetServiceRevisionArn"] == one["targetServiceRevision"]["arn"]
        return [by_arn[arn] for arn in arns]

    return describe


@proves("ecs.deployment.throttled-launches")
def test_launches_that_fail_are_repeated_later_and_later(
    ecs, make_task_definition, make_ecs_service, tasks_of, eventually, cluster
):
    """The time between launches grows and an event says so; a new task definition is launched at once."""
    # guide: "the time between subsequent restart attempts is incrementally increased up to a maximum of 27 minutes"
    broken = make_task_definition(container={"command": ["no-such-program"]})
    service = make_ecs_service(broken)
    ends: dict[str, float] = {}

    def launched():
        for task in tasks_of(service, "STOPPED"):
            ends[task["taskArn"]] = task["createdAt"].timestamp()
        return len(ends) >= 8

    eventually(launched, within=3 * timeouts.DEPLOYMENT)
    moments = sorted(ends.values())
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert median(gaps[-3:]) > 1.5 * median(gaps[:3]), gaps  # a single launch may be late
    messages = [event["message"] for event in described(ecs, cluster, service)["events"]]
    name = service["serviceName"]
    assert f"(service {name}) is unable to consistently start tasks successfully." in messages
    fixed = make_task_definition()["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=name, taskDefinition=fixed)
    eventually(lambda: any(task["taskDefinitionArn"] == fixed for task in tasks_of(service)), within=timeouts.SCHEDULER)


@proves("ecs.deployment.throttled-launches")
def test_tasks_that_ran_are_replaced_at_once(
    ecs, make_task_definition, make_ecs_service, tasks_of, call_task, eventually, cluster
):
    """Tasks that reach RUNNING and then exit do not delay the next launch, and there is no event."""
    # guide: "Tasks that are stopped after they reach the RUNNING state don't start the throttle logic"
    # A task that is not HEALTHY yet does not end the deployment, after which no launch is delayed.
    check = {"command": ["CMD-SHELL", "exit 0"], "interval": 300}
    service = make_ecs_service(make_task_definition(container={"healthCheck": check}))
    ends: dict[str, tuple[float, float]] = {}

    def launched():
        for task in tasks_of(service):
            if task["lastStatus"] == "RUNNING":
                with suppress(WrongAnswer):  # it exits without an answer
                    call_task(task, "/exit?code=0", "PUT")
        for task in tasks_of(service, "STOPPED"):
            if "startedAt" in task and "stoppedAt" in task:
                ends[task["taskArn"]] = (task["createdAt"].timestamp(), task["stoppedAt"].timestamp())
        return len(ends) >= 7

    eventually(launched, within=2 * timeouts.DEPLOYMENT)
    lives = sorted(ends.values())
    waits = [later[0] - earlier[1] for earlier, later in pairwise(lives)]
    assert max(waits[-2:]) <= timeouts.SCHEDULER
    assert not any("unable to consistently" in event["message"] for event in described(ecs, cluster, service)["events"])


@proves("ecs.deployment.history", "ecs.deployment.stop")
@for_each("ending", ["complete", "roll back", "roll back by default", "abort"])
def test_a_service_deployment_has_a_status(
    ecs,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    deployments_of,
    read_until,
    eventually,
    cluster,
    ending,
):
    """A deployment is IN_PROGRESS until it is SUCCESSFUL; a stopped one is rolled back, or STOPPED with ABORT."""
    # ecs/StopServiceDeployment: "ROLLBACK - This option rolls back the service deployment to the previous service
    # revision."
    first, second = (make_task_definition()["taskDefinitionArn"] for _ in range(2))
    never = make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"], "interval": 300}})
    service = make_ecs_service({**never, "taskDefinitionArn": first})
    wait_until_steady(service)
    [done] = read_until(
        lambda: deployments_of(service), lambda found: [one["status"] for one in found] == ["SUCCESSFUL"]
    )
    assert (done["status"], done["serviceArn"]) == ("SUCCESSFUL", service["serviceArn"])
    assert done["createdAt"] <= done["startedAt"] <= done["finishedAt"] <= done["updatedAt"]
    assert done["deploymentCircuitBreaker"]["failureCount"] == 0
    new = second if ending == "complete" else never["taskDefinitionArn"]
    ecs.update_service(cluster=cluster, service=service["serviceName"], taskDefinition=new)
    both = eventually(lambda: len(deployments_of(service)) == 2 and deployments_of(service), timeouts.SCHEDULER)
    before, newest = sorted(both, key=lambda one: one["createdAt"])
    assert before["serviceDeploymentArn"] == done["serviceDeploymentArn"]
    assert newest["status"] in ("PENDING", "IN_PROGRESS")
    assert "finishedAt" not in newest
    assert newest["targetServiceRevision"]["arn"] != done["targetServiceRevision"]["arn"]
    arn = newest["serviceDeploymentArn"]
    if ending != "complete":
        eventually(lambda: len(tasks_of(service)) == 2, within=timeouts.TASK)
        stop_type = {"roll back": {"stopType": "ROLLBACK"}, "abort": {"stopType": "ABORT"}}.get(ending, {})
        assert ecs.stop_service_deployment(serviceDeploymentArn=arn, **stop_type)["serviceDeploymentArn"] == arn
    expected = {"complete": "SUCCESSFUL", "abort": "STOPPED"}.get(ending, "ROLLBACK_SUCCESSFUL")

    def status():
        return {one["serviceDeploymentArn"]: one["status"] for one in deployments_of(service)}[arn]

    allowed = {"PENDING", "IN_PROGRESS", "STOP_REQUESTED", "ROLLBACK_REQUESTED", "ROLLBACK_IN_PROGRESS", expected}
    seen: list[str] = []

    def has_ended():
        seen.append(status())
        return seen[-1] == expected

    eventually(has_ended, within=timeouts.DEPLOYMENT)
    assert set(seen) <= allowed

    def listed(status):
        return arn in {one["serviceDeploymentArn"] for one in deployments_of(service, status=[status])}

    assert read_until(lambda: listed(expected), expected=True)
    assert not read_until(lambda: listed("IN_PROGRESS"), expected=False)
    with raises("ConflictException"):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)
    if ending != "abort":
        current = wait_until_steady(service)
        assert current["taskDefinition"] == (second if ending == "complete" else first)
        assert {task["taskDefinitionArn"] for task in tasks_of(service)} == {current["taskDefinition"]}
    unknown = f"{arn[:-4]}0000"
    answer = ecs.describe_service_deployments(serviceDeploymentArns=[unknown])
    assert (answer["serviceDeployments"], answer["failures"][0]["arn"]) == ([], unknown)
    with raises("ServiceDeploymentNotFoundException"):
        ecs.stop_service_deployment(serviceDeploymentArn=unknown)

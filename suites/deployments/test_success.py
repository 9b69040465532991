"""What ends a rolling deployment: early success criteria, alarms, and how the circuit breaker counts."""

from __future__ import annotations

import pytest

from surveyor.testing import for_each, proves, raises, timeouts, workload

LATE = {"healthCheck": {"command": ["CMD", *workload.command("check", "--port", "9")], "interval": 300, "retries": 10}}
"""A check that has not passed for 50 minutes, and has not failed either."""


def criteria(percent, cleanup, **more):
    """Return earlySuccessCriteria."""
    return {"enable": True, "healthyPercent": percent, "sourceServiceRevisionCleanup": cleanup, **more}


@proves(
    "deployments.early-success.healthy-percent",
    "deployments.early-success.blocking",
    "deployments.early-success.deferred",
    "deployments.early-success.counts-stay",
)
@for_each("cleanup", ["BLOCKING", "DEFERRED"])
def test_a_deployment_completes_early(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, deploy, newest_deployment, eventually,
    cluster, cleanup,
):  # fmt: skip
    """Of three tasks two are enough at 50 percent; the old ones are stopped before that, or after it if deferred."""
    # guide, early-success-criteria: "If the healthy percent is 50 and the desired count is 3, Amazon ECS completes the
    # deployment after 2 tasks are healthy."
    first = make_task_definition()
    settings = {
        "minimumHealthyPercent": 50, "maximumPercent": 100, "earlySuccessCriteria": criteria(50, cleanup),
    }  # fmt: skip
    service = wait_until_steady(make_ecs_service(first, count=3, deploymentConfiguration=settings))
    old = {task["taskArn"] for task in tasks_of(service)}
    deploy(service, taskDefinition=make_task_definition()["taskDefinitionArn"])

    def completed():
        found = newest_deployment(service)
        return found if found["status"] == "SUCCESSFUL" else None

    end = eventually(completed, within=timeouts.DEPLOYMENT, poll_every=1)
    counts = end["targetServiceRevision"]["runningTaskCount"]
    assert 2 <= counts <= 3
    assert end["deploymentConfiguration"]["earlySuccessCriteria"] == criteria(50, cleanup)
    left = sum(source["runningTaskCount"] for source in end["sourceServiceRevisions"])
    if cleanup == "BLOCKING":
        assert left == 0
        assert not old & {task["taskArn"] for task in tasks_of(service)}
    else:
        # One of two healthy tasks has to be an old one until the second new one is healthy.
        assert left >= 1
    eventually(lambda: len(tasks_of(service)) == 3 and not old & {one["taskArn"] for one in tasks_of(service)},
               within=timeouts.DEPLOYMENT)  # fmt: skip
    later = newest_deployment(service)
    assert later["status"] == "SUCCESSFUL"
    assert later["targetServiceRevision"]["runningTaskCount"] == counts
    assert sum(source["runningTaskCount"] for source in later["sourceServiceRevisions"]) == left


@proves("deployments.early-success.deferred")
def test_old_tasks_outlive_a_deferred_deployment(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, deploy, newest_deployment, eventually,
    report_figure, clock, cluster,
):  # fmt: skip
    """With DEFERRED it is recorded how long old tasks still run, and may get calls, after the deployment's success."""
    # ecs/DeploymentEarlySuccessCriteria.sourceServiceRevisionCleanup: "DEFERRED - Amazon ECS marks the deployment
    # successful, and then removes the previous tasks in the background."
    first = make_task_definition()
    settings = {
        "minimumHealthyPercent": 50, "maximumPercent": 150, "earlySuccessCriteria": criteria(50, "DEFERRED"),
    }  # fmt: skip
    service = wait_until_steady(make_ecs_service(first, count=2, deploymentConfiguration=settings))
    old = {task["taskArn"] for task in tasks_of(service)}
    deploy(service, taskDefinition=make_task_definition()["taskDefinitionArn"])

    def completed():
        return newest_deployment(service)["status"] == "SUCCESSFUL"

    eventually(completed, within=timeouts.DEPLOYMENT, poll_every=1)
    ended = clock.now()
    eventually(lambda: not old & {task["taskArn"] for task in tasks_of(service)}, within=timeouts.DEPLOYMENT)
    report_figure("old tasks ran on after a deferred deployment", 0, clock.now() - ended)


@proves("deployments.early-success.breaker-ends")
def test_the_breaker_ends_with_an_early_success(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, deploy, newest_deployment, eventually,
    call_task, clock, cluster,
):  # fmt: skip
    """After an early success failing tasks roll nothing back."""
    # guide, early-success-criteria: "After Amazon ECS completes the deployment, the deployment circuit breaker and
    # CloudWatch alarm rollback no longer apply."
    check = {"healthCheck": {"command": ["CMD", *workload.command("check")], "interval": 5, "retries": 1}}
    breaker = {"enable": True, "rollback": True, "thresholdConfiguration": {"type": "COUNT", "value": 1}}
    settings = {
        "minimumHealthyPercent": 0,
        "earlySuccessCriteria": criteria(1, "BLOCKING"),
        "deploymentCircuitBreaker": breaker,
    }
    service = wait_until_steady(make_ecs_service(make_task_definition(), count=2, deploymentConfiguration=settings))
    second = make_task_definition(container=check)["taskDefinitionArn"]
    deploy(service, taskDefinition=second)
    eventually(lambda: newest_deployment(service)["status"] == "SUCCESSFUL", within=timeouts.DEPLOYMENT)
    eventually(
        lambda: [one["healthStatus"] for one in tasks_of(service)] == ["HEALTHY"] * 2, within=timeouts.DEPLOYMENT
    )
    known = {task["taskArn"] for task in tasks_of(service)}
    for task in tasks_of(service):
        call_task(task, "/health?do=fail", "PUT")
    eventually(
        lambda: len(found := tasks_of(service)) == 2 and not known & {one["taskArn"] for one in found},
        within=timeouts.DEPLOYMENT,
    )
    clock.wait(60)
    assert newest_deployment(service)["status"] == "SUCCESSFUL"
    [now] = ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"]
    assert now["taskDefinition"] == second


@proves(
    "deployments.early-success.at-least-the-minimum",
    "deployments.early-success.needs-both",
    "deployments.early-success.rolling-only",
)
def test_early_success_criteria_that_are_refused(make_task_definition, make_ecs_service, make_connect_service):
    """healthyPercent is from minimumHealthyPercent to 100; both members are needed, and a rolling update."""
    # ecs/DeploymentEarlySuccessCriteria.healthyPercent: "must be greater than or equal to the minimumHealthyPercent
    # value."
    definition = make_task_definition()
    for percent, is_valid in ((50, True), (100, True), (49, False), (101, False)):
        settings = {"minimumHealthyPercent": 50, "earlySuccessCriteria": criteria(percent, "BLOCKING")}
        if is_valid:
            make_ecs_service(definition, count=0, deploymentConfiguration=settings)
            continue
        with raises("InvalidParameterException"):
            make_ecs_service(definition, count=0, deploymentConfiguration=settings)
    for incomplete in ({"healthyPercent": 100}, {"sourceServiceRevisionCleanup": "BLOCKING"}, {}):
        with raises("InvalidParameterException"):
            make_ecs_service(
                definition, count=0, deploymentConfiguration={"earlySuccessCriteria": {"enable": True, **incomplete}}
            )
    for strategy in ("BLUE_GREEN", "CANARY", "LINEAR"):
        settings = {"strategy": strategy, "bakeTimeInMinutes": 0, "earlySuccessCriteria": criteria(100, "BLOCKING")}
        with raises("InvalidParameterException"):
            make_connect_service("backend", count=0, deploymentConfiguration=settings)


@pytest.fixture
def make_alarm(client, unique_name):
    """Return `make_alarm()`: the name of a CloudWatch alarm that is OK, and a function that sets its state."""
    cloudwatch = client("cloudwatch")

    def make():
        name = unique_name("alarm")
        cloudwatch.put_metric_alarm(
            AlarmName=name, Namespace="Surveyor", MetricName=name, Statistic="Sum", Period=60, EvaluationPeriods=1,
            Threshold=1, ComparisonOperator="GreaterThanThreshold", TreatMissingData="ignore",
        )  # fmt: skip

        def set_state(state):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="the test sets it")

        set_state("OK")
        return name, set_state

    return make


@proves("deployments.alarms.fail-a-deployment")
@for_each("rolls_back, statuses", {"on": (True, ["ROLLBACK_SUCCESSFUL"]), "off": (False, ["STOPPED"])})
def test_an_alarm_fails_a_deployment(
    make_task_definition, make_ecs_service, wait_until_steady, tasks_of, deploy, reached_status, make_alarm, rolls_back,
    statuses,
):  # fmt: skip
    """An alarm that goes to ALARM during a deployment fails it, and has it rolled back if that is on."""
    # guide, deployment-alarm-failure: "set the deployment to failed when it detects that a specified CloudWatch alarm
    # has gone into the ALARM state."
    name, set_state = make_alarm()
    settings = {"alarms": {"alarmNames": [name], "enable": True, "rollback": rolls_back}}
    service = make_ecs_service(make_task_definition(), deploymentConfiguration=settings)
    wait_until_steady(service)
    before = [task["taskArn"] for task in tasks_of(service)]
    started = deploy(service, taskDefinition=make_task_definition(container=LATE)["taskDefinitionArn"])
    assert started["alarms"]["status"] == "MONITORING"
    set_state("ALARM")
    end = reached_status(service, *statuses, "SUCCESSFUL", within=2 * timeouts.DEPLOYMENT)
    assert end["status"] in statuses
    assert (end["alarms"]["status"], end["alarms"]["triggeredAlarmNames"]) == ("TRIGGERED", [name])
    if rolls_back:
        assert wait_until_steady(service)["taskDefinition"] == service["taskDefinition"]
    else:
        assert set(before) <= {task["taskArn"] for task in tasks_of(service)}


@proves("deployments.alarms.in-alarm-at-the-start")
def test_an_alarm_that_is_in_alarm_at_the_start(
    make_task_definition, make_ecs_service, wait_until_steady, deploy, reached_status, make_alarm
):
    """With one of two alarms in ALARM at the start, alarms do not count for that deployment, the other one neither."""
    # guide, deployment-alarm-failure: "If an alarm is in the ALARM state at the beginning of a deployment, Amazon ECS
    # will not monitor alarms for the duration of that deployment"
    first, set_first = make_alarm()
    second, set_second = make_alarm()
    settings = {"alarms": {"alarmNames": [first, second], "enable": True, "rollback": True}}
    service = make_ecs_service(make_task_definition(), deploymentConfiguration=settings)
    wait_until_steady(service)
    set_first("ALARM")
    deploy(service)
    set_second("ALARM")
    assert reached_status(service, "SUCCESSFUL", "ROLLBACK_SUCCESSFUL", "STOPPED")["status"] == "SUCCESSFUL"


@proves("deployments.alarms.bake-time")
def test_a_rolling_deployment_waits_for_its_alarms(
    make_task_definition, make_ecs_service, wait_until_steady, tasks_of, deploy, newest_deployment, reached_status,
    make_alarm, eventually, clock,
):  # fmt: skip
    """With a bake time of five minutes a deployment is in progress for them after its tasks are replaced."""
    # guide, deployment-alarm-failure: "The service deployment is marked as complete after the bake time expires."
    name, set_state = make_alarm()
    settings = {"bakeTimeInMinutes": 5, "alarms": {"alarmNames": [name], "enable": True, "rollback": True}}
    service = make_ecs_service(make_task_definition(), deploymentConfiguration=settings)
    reached_status(service, "SUCCESSFUL", within=300 + timeouts.DEPLOYMENT)
    [old] = tasks_of(service)
    deploy(service)
    eventually(
        lambda: len(found := tasks_of(service)) == 1 and found[0]["taskArn"] != old["taskArn"],
        within=timeouts.DEPLOYMENT,
    )
    replaced = clock.now()
    clock.wait(270)
    if clock.now() - replaced < 290:
        assert newest_deployment(service)["status"] == "IN_PROGRESS"
    set_state("ALARM")
    end = reached_status(service, "SUCCESSFUL", "ROLLBACK_SUCCESSFUL", within=600 + 2 * timeouts.DEPLOYMENT)
    assert end["status"] in ("SUCCESSFUL", "ROLLBACK_SUCCESSFUL")


@proves("deployments.breaker.rounds-up", "deployments.breaker.follows-the-desired-count")
def test_the_threshold_follows_the_desired_count(
    ecs, make_task_definition, make_ecs_service, newest_deployment, read_until, cluster
):
    """Half of 25 tasks are 13 failures; the threshold is that of the latest desired count."""
    # guide, deployment-circuit-breaker: "25 ... 13 (the value is rounded up)" and "Amazon ECS continuously uses the
    # latest service desired count in its calculation."
    definition = make_task_definition(networkMode="bridge", requiresCompatibilities=["EC2"])
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    service = make_ecs_service(definition, count=25, launchType="EC2", deploymentConfiguration=breaker)

    def threshold():
        return newest_deployment(service)["deploymentCircuitBreaker"]["threshold"]

    assert read_until(threshold, 13) == 13
    for count, expected in ((51, 26), (10, 5), (2, 3)):
        ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=count)
        assert read_until(threshold, expected) == expected


@proves("deployments.breaker.percentages")
def test_percentages_of_the_breaker(make_task_definition, make_ecs_service):
    """A percentage is from 1 to 100, for both types; a COUNT may be larger."""
    # guide, deployment-circuit-breaker: "For the percentage types, the valid range for value is 1-100."
    definition = make_task_definition()

    def create(kind, value):
        threshold = {"type": kind, "value": value}
        breaker = {"enable": True, "rollback": False, "thresholdConfiguration": threshold}
        return make_ecs_service(definition, count=0, deploymentConfiguration={"deploymentCircuitBreaker": breaker})

    for kind in ("BOUNDED_PERCENT", "UNBOUNDED_PERCENT"):
        for value in (0, 101):
            with raises("InvalidParameterException"):
                create(kind, value)
        for value in (1, 100):
            create(kind, value)
    create("COUNT", 101)


@proves("deployments.breaker.reset-on-healthy-task")
@for_each("resets, expected", {"true": (True, "IN_PROGRESS"), "false": (False, "STOPPED")})
def test_a_healthy_task_resets_the_failures(
    make_task_definition, make_ecs_service, tasks_of, newest_deployment, eventually, call_task, make_alarm, resets,
    expected,
):  # fmt: skip
    """Failures after a healthy task: with the reset the count begins again, without it they add up to the limit."""
    # guide, deployment-circuit-breaker: "Task failures accumulate throughout the deployment. The failure count never
    # resets, even when healthy tasks start between failures."
    check = {"healthCheck": {"command": ["CMD", *workload.command("check")], "interval": 5, "retries": 1}}
    breaker = {
        "enable": True, "rollback": False, "resetOnHealthyTask": resets,
        "thresholdConfiguration": {"type": "COUNT", "value": 2},
    }  # fmt: skip
    definition = make_task_definition(container=check)
    # An alarm with a bake time keeps the deployment in progress while its task is healthy.
    alarms = {"alarmNames": [make_alarm()[0]], "enable": True, "rollback": True}
    settings = {"deploymentCircuitBreaker": breaker, "alarms": alarms, "bakeTimeInMinutes": 120}
    service = make_ecs_service(definition, deploymentConfiguration=settings)

    def fail_one():
        healthy = eventually(
            lambda: [task for task in tasks_of(service) if task["healthStatus"] == "HEALTHY"], within=timeouts.TASK
        )
        call_task(healthy[0], "/health?do=fail", "PUT")
        eventually(
            lambda: healthy[0]["taskArn"] not in [task["taskArn"] for task in tasks_of(service)], within=timeouts.TASK
        )

    fail_one()
    fail_one()
    eventually(lambda: newest_deployment(service)["status"] == expected, within=timeouts.TASK)

"""Rolling deployments: when a task counts as healthy, how many tasks may run, and the circuit breaker."""

from __future__ import annotations

from surveyor.testing import figure_names, proves, timeouts, workload

COUNTS_AFTER = 40.0
"""Seconds (ecs/DeploymentConfiguration.minimumHealthyPercent)."""


@proves("ecs.deployment.counts-forty-seconds-after-running")
def test_a_task_counts_forty_seconds_after_it_runs(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, eventually, tolerance, cluster
):
    """The old task is stopped 40 s after the new one is RUNNING, not sooner."""
    service = wait_until_steady(make_ecs_service(make_task_definition()))
    (old,) = tasks_of(service)
    ecs.update_service(cluster=cluster, service=service["serviceName"], forceNewDeployment=True)

    def stopping():
        found = ecs.describe_tasks(cluster=cluster, tasks=[old["taskArn"]])["tasks"][0]
        return dict(found) if found["desiredStatus"] == "STOPPED" else None

    end = eventually(stopping, within=timeouts.DEPLOYMENT)
    (new,) = tasks_of(service)
    ran = (end["stoppingAt"] - new["startedAt"]).total_seconds()
    assert COUNTS_AFTER - tolerance <= ran <= COUNTS_AFTER + timeouts.SCHEDULER, f"after {ran:.1f} s"


@proves("ecs.deployment.minimum-and-maximum")
def test_minimum_and_maximum_hold_during_a_deployment(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, eventually, cluster
):
    """With four tasks at 50 and 150 percent, two or more are always running, and at most six running or pending."""
    limits = {"minimumHealthyPercent": 50, "maximumPercent": 150}
    service = wait_until_steady(make_ecs_service(make_task_definition(), count=4, deploymentConfiguration=limits))
    first = service["deployments"][0]["id"]
    ecs.update_service(cluster=cluster, service=service["serviceName"], forceNewDeployment=True)
    outside: list[tuple[int, int]] = []

    def is_over():
        answer = ecs.describe_services(cluster=cluster, services=[service["serviceName"]])
        now = answer["services"][0]
        if not (now["runningCount"] >= 2 and now["runningCount"] + now["pendingCount"] <= 6):
            outside.append((now["runningCount"], now["pendingCount"]))
        ids = [deployment["id"] for deployment in now["deployments"]]
        return first not in ids and now["runningCount"] == 4

    eventually(is_over, within=timeouts.DEPLOYMENT)
    assert not outside, "running and pending"


@proves("ecs.deployment.breaker-counts-health")
def test_the_breaker_counts_failed_checks(ecs, make_task_definition, make_ecs_service, eventually, cluster):
    """Tasks start running and fail their checks; after three of them the deployment is FAILED."""
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1}
    configuration = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    definition = make_task_definition(container={"healthCheck": check})
    service = make_ecs_service(definition, deploymentConfiguration=configuration)
    max_failed = [0]

    def failed():
        answer = ecs.describe_services(cluster=cluster, services=[service["serviceName"]])
        (deployment,) = answer["services"][0]["deployments"]
        max_failed[0] = max(max_failed[0], deployment["failedTasks"])
        return deployment["rolloutState"] == "FAILED"

    eventually(failed, within=2 * timeouts.DEPLOYMENT)
    assert max_failed[0] >= 3
    reasons = {
        task["stoppedReason"]
        for arn in ecs.list_tasks(cluster=cluster, serviceName=service["serviceName"], desiredStatus="STOPPED")[
            "taskArns"
        ]
        for task in ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"]
    }
    assert any("health" in reason for reason in reasons)


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
    report_figure(figure_names.CHECKED, int(task_settings.check))
    report_figure(figure_names.GAP, minimum, maximum)

"""The circuit breaker of a rolling deployment: what it counts, its thresholds, and the rollback."""

from __future__ import annotations

from surveyor.testing import for_each, proves, timeouts


def described(ecs, cluster, service):
    """Return the service as DescribeServices returns it."""
    return ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0]


@proves("ecs.deployment.breaker-counts-health")
def test_the_breaker_counts_failed_checks(ecs, make_task_definition, make_ecs_service, tasks_of, eventually, cluster):
    """Tasks start running and fail their checks; after three of them the deployment is FAILED."""
    # Containers run for a while before their task is RUNNING: failures count only after that.
    check = {"command": ["CMD-SHELL", "exit 1"], "interval": 5, "retries": 1, "startPeriod": 90}
    configuration = {"deploymentCircuitBreaker": {"enable": True, "rollback": False}}
    definition = make_task_definition(container={"healthCheck": check})
    service = make_ecs_service(definition, deploymentConfiguration=configuration)
    counts: list[int] = []

    def failed():
        (deployment,) = described(ecs, cluster, service)["deployments"]
        counts.append(deployment["failedTasks"])
        return deployment["rolloutState"] == "FAILED"

    eventually(failed, within=2 * timeouts.DEPLOYMENT)
    assert counts == sorted(counts), "the count of failed tasks"
    assert counts[-1] >= 3
    ends = tasks_of(service, "STOPPED")
    assert len(ends) >= 3
    assert all(task["startedAt"] and task["stopCode"] == "ServiceSchedulerInitiated" for task in ends)
    assert any("health" in task["stoppedReason"] for task in ends)


@proves("ecs.deployment.breaker-stops-launches")
@for_each("threshold, failures", {"default": (None, 3), "count": ({"type": "COUNT", "value": 2}, 2)})
def test_a_failed_deployment_launches_no_more_tasks(
    ecs, make_task_definition, make_ecs_service, tasks_of, eventually, clock, cluster, threshold, failures
):
    """Of a service with one task three, or as many as the COUNT says, fail to start; after that none is launched."""
    # ecs/Deployment.rolloutState: "A deployment in FAILED state doesn't launch any new tasks."
    breaker = {"enable": True, "rollback": False, **({"thresholdConfiguration": threshold} if threshold else {})}
    definition = make_task_definition(container={"command": ["no-such-program"]})
    service = make_ecs_service(definition, deploymentConfiguration={"deploymentCircuitBreaker": breaker})

    def failed():
        now = described(ecs, cluster, service)["deployments"][0]
        return now if now["rolloutState"] == "FAILED" else None

    assert eventually(failed, within=2 * timeouts.DEPLOYMENT)["failedTasks"] == failures
    eventually(lambda: not tasks_of(service), within=timeouts.TASK)
    launched = len(tasks_of(service, "STOPPED"))
    assert launched == failures
    clock.wait(180)
    assert (tasks_of(service), len(tasks_of(service, "STOPPED"))) == ([], launched)


@proves("ecs.deployment.breaker-threshold")
def test_the_threshold_is_half_of_the_desired_count(ecs, make_task_definition, make_ecs_service, eventually, cluster):
    """The circuit breaker's threshold is half of the desired count, at least 3 and at most 200, or as configured."""
    # ecs/ServiceDeploymentCircuitBreaker.threshold: "The deployment circuit breaker has a minimum threshold of 3 and a
    # maximum threshold of 200."
    nowhere = [{"type": "memberOf", "expression": "attribute:surveyor.absent exists"}]
    definition = make_task_definition(networkMode="bridge", requiresCompatibilities=["EC2"], cpu=None)

    def threshold(count, configuration=None, enable=True):
        breaker = {"enable": enable, "rollback": False}
        if configuration is not None:
            breaker["thresholdConfiguration"] = dict(zip(("type", "value"), configuration, strict=True))
        service = make_ecs_service(
            definition,
            count=count,
            launchType="EC2",
            placementConstraints=nowhere,
            deploymentConfiguration={"deploymentCircuitBreaker": breaker},
        )
        named = {"cluster": cluster, "service": service["serviceName"]}
        (brief,) = eventually(
            lambda: ecs.list_service_deployments(**named)["serviceDeployments"], within=timeouts.SCHEDULER
        )
        answer = ecs.describe_service_deployments(serviceDeploymentArns=[brief["serviceDeploymentArn"]])
        breaker = answer["serviceDeployments"][0]["deploymentCircuitBreaker"]
        return breaker["threshold"] if enable else breaker["status"]

    counts = (1, 4, 6, 8, 398, 400, 402)
    assert {count: threshold(count) for count in counts} == {1: 3, 4: 3, 6: 3, 8: 4, 398: 199, 400: 200, 402: 200}
    assert threshold(8, ("BOUNDED_PERCENT", 50)) == 4
    assert [threshold(20, ("BOUNDED_PERCENT", percent)) for percent in (10, 25)] == [3, 5]
    assert [threshold(20, ("UNBOUNDED_PERCENT", percent)) for percent in (10, 25)] == [2, 5]
    assert [threshold(20, ("COUNT", value)) for value in (1, 7, 300)] == [1, 7, 300]
    assert threshold(402, ("UNBOUNDED_PERCENT", 50)) == 201
    assert threshold(1, enable=False) == "DISABLED"


@proves("ecs.deployment.rolls-back", "ecs.events.deployment-states")
@for_each("rollback", [True, False])
def test_a_failed_deployment_is_rolled_back(
    ecs,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    capture_events,
    eventually,
    cluster,
    rollback,
):
    """With rollback the service returns to the deployment that completed last, without it the old tasks stay."""
    # ecs/DeploymentCircuitBreaker.rollback: "the service is rolled back to the last deployment that completed
    # successfully"
    received = capture_events({"source": ["aws.ecs"], "detail-type": ["ECS Deployment State Change"]})
    first, second = make_task_definition(), make_task_definition()["taskDefinitionArn"]
    broken = make_task_definition(container={"command": ["no-such-program"]})["taskDefinitionArn"]
    breaker = {"deploymentCircuitBreaker": {"enable": True, "rollback": rollback}}
    service = make_ecs_service(first, deploymentConfiguration=breaker)
    update = {"cluster": cluster, "service": service["serviceName"]}
    deployments = [wait_until_steady(service)["deployments"][0]["id"]]
    ecs.update_service(taskDefinition=second, **update)
    deployments.append(wait_until_steady(service)["deployments"][0]["id"])
    deployments.append(ecs.update_service(taskDefinition=broken, **update)["service"]["deployments"][0]["id"])

    gaps: list[str] = []

    def has_ended():
        running = {task["taskDefinitionArn"] for task in tasks_of(service) if task["lastStatus"] == "RUNNING"}
        if running != {second}:
            gaps.append(f"running: {running}")
        current = described(ecs, cluster, service)["deployments"][0]
        if rollback and current["id"] in deployments:
            return None  # also before the update the second one was COMPLETED
        wanted = (second, "COMPLETED") if rollback else (broken, "FAILED")
        return current if (current["taskDefinition"], current["rolloutState"]) == wanted else None

    end = eventually(has_ended, within=timeouts.DEPLOYMENT)
    assert not gaps
    deployments += [end["id"]] if rollback else []

    def states():
        own = [event["detail"] for event in received() if event["resources"] == [service["serviceArn"]]]
        return [(event["eventName"], event["eventType"], event["deploymentId"]) for event in own]

    progress, completed = ("SERVICE_DEPLOYMENT_IN_PROGRESS", "INFO"), ("SERVICE_DEPLOYMENT_COMPLETED", "INFO")
    ends = [completed, completed, ("SERVICE_DEPLOYMENT_FAILED", "ERROR"), completed]
    expected = [(*state, name) for name, last in zip(deployments, ends, strict=False) for state in (progress, last)]
    eventually(lambda: set(states()) >= set(expected), within=timeouts.SCHEDULER)
    assert set(states()) == set(expected)

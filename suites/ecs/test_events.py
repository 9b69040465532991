"""Events that ECS sends to EventBridge."""

from surveyor.testing import id_of, proves, timeouts, workload

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
STATES = ["PROVISIONING", "PENDING", "ACTIVATING", "RUNNING", "DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED"]


@proves("ecs.events.unhealthy-instance-is-told", "ecs.events.steady-state")
def test_an_unhealthy_instance_is_reported(
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    describe_task,
    call_task,
    capture_events,
    eventually,
    cluster,
    http_namespace,
):
    """When the check of a registered task fails, and only then, ECS sends an event of type WARN about the service."""
    received = capture_events({"source": ["aws.ecs"], "detail-type": ["ECS Service Action"]})
    check = {"command": ["CMD", *workload.command("check")], "interval": 5}
    definition = make_task_definition(container={"healthCheck": check})
    registered = make_ecs_service(definition, make_service(http_namespace, **CUSTOM))
    services = [make_ecs_service(definition), registered]
    tasks = [tasks_of(wait_until_steady(service))[0] for service in services]

    own = {service["serviceArn"] for service in services}

    def named(name):
        events = (event for event in received() if own.intersection(event["resources"]))
        return [event for event in events if event["detail"]["eventName"] == name]

    def unhealthy():
        return named("SERVICE_DISCOVERY_INSTANCE_UNHEALTHY")

    def steady():
        events = named("SERVICE_STEADY_STATE")
        return {(arn, event["detail"]["eventType"]) for event in events for arn in event["resources"]}

    eventually(lambda: len(steady()) == len(services), within=timeouts.SCHEDULER)
    assert steady() == {(arn, "INFO") for arn in own}

    assert unhealthy() == []
    for task in tasks:
        call_task(task, "/health?do=fail", "PUT")
    event = eventually(unhealthy, within=timeouts.TASK)[0]
    assert event["detail"]["eventType"] == "WARN"
    assert event["detail"]["clusterArn"] == registered["clusterArn"]
    eventually(lambda: all(describe_task(task)["lastStatus"] == "STOPPED" for task in tasks), within=timeouts.TASK)
    assert {arn for event in unhealthy() for arn in event["resources"]} == {registered["serviceArn"]}


@proves("ecs.life.order-of-states", "ecs.events.task-states")
def test_the_states_of_a_task_follow_each_other(
    ecs,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    describe_task,
    capture_events,
    eventually,
    cluster,
    http_namespace,
):
    """Each event of a task has the next version, and by version its states are in the documented order."""
    # ecs/Task.version: "Every time a task experiences a change that starts a CloudWatch event, the version counter is
    # incremented."
    received = capture_events({"source": ["aws.ecs"], "detail-type": ["ECS Task State Change"]})
    service = wait_until_steady(make_ecs_service(make_task_definition(), make_service(http_namespace)))
    (task,) = tasks_of(service)
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=0)

    def events():
        details = [event["detail"] for event in received() if event["resources"] == [task["taskArn"]]]
        return sorted({event["version"]: event for event in details}.items())

    def complete():
        versions = [version for version, _ in events()]
        is_whole = versions == list(range(versions[0], versions[-1] + 1))
        return [event for _, event in events()] if is_whole and versions[-1] == describe_task(task)["version"] else None

    eventually(lambda: describe_task(task)["lastStatus"] == "STOPPED", within=timeouts.TASK)
    details = eventually(complete, within=timeouts.SCHEDULER)
    states = [event["lastStatus"] for event in details]
    assert states == sorted(states, key=STATES.index)
    assert {"PENDING", "RUNNING", "STOPPED"} <= set(states)
    desired = [event["desiredStatus"] for event in details]
    assert desired == sorted(desired)  # RUNNING, then STOPPED
    assert (desired[0], desired[-1]) == ("RUNNING", "STOPPED")
    assert details[-1]["stopCode"] == "ServiceSchedulerInitiated"


@proves("ecs.events.messages")
def test_a_service_has_events(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, eventually, clock, cluster
):
    """The events of a service name its tasks that were started and stopped, the deployment, and the steady state."""
    # guide: "service (service-name) has reached a steady state."
    before = clock.now()
    service = wait_until_steady(make_ecs_service(make_task_definition(), count=2))
    name, ids = service["serviceName"], {id_of(task) for task in tasks_of(service)}

    def messages():
        events = ecs.describe_services(cluster=cluster, services=[name])["services"][0]["events"]
        assert len({event["id"] for event in events}) == len(events)
        moments = [event["createdAt"].timestamp() for event in events]
        assert moments == sorted(moments, reverse=True)
        assert all(before - 5 <= moment <= clock.now() + 5 for moment in moments)
        return [event["message"] for event in events]

    eventually(lambda: f"(service {name}) has reached a steady state." in messages(), within=timeouts.SCHEDULER)
    deployment = service["deployments"][0]["id"]
    assert f"(service {name}) (deployment {deployment}) deployment completed." in messages()
    started = " ".join(message for message in messages() if "has started" in message)
    assert started.startswith(f"(service {name}) has started ")
    assert {part.split(")")[0] for part in started.split("(task ")[1:]} == ids
    ecs.update_service(cluster=cluster, service=name, desiredCount=0)

    def stopped():
        found = " ".join(message for message in messages() if "has stopped" in message)
        return {part.split(")")[0] for part in found.split("(task ")[1:]}

    eventually(lambda: stopped() == ids, within=timeouts.TASK)
    assert any(message.startswith(f"(service {name}) has stopped ") for message in messages())

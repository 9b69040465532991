"""Events that ECS sends to EventBridge."""

from surveyor.testing import proves, timeouts, workload

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}


@proves("ecs.events.unhealthy-instance-is-told")
def test_an_unhealthy_instance_is_reported(
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    call_task,
    capture_events,
    eventually,
    http_namespace,
):
    """When the check of a registered task fails, ECS sends an event of type WARN about the service."""
    received = capture_events({"source": ["aws.ecs"], "detail-type": ["ECS Service Action"]})
    check = {"command": ["CMD", *workload.command("check")], "interval": 5}
    definition = make_task_definition(container={"healthCheck": check})
    service = wait_until_steady(make_ecs_service(definition, make_service(http_namespace, **CUSTOM)))
    (task,) = tasks_of(service)
    call_task(task, "/health?do=fail", "PUT")

    def unhealthy_event():
        for event in received():
            if event["detail"]["eventName"] == "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY":
                return event
        return None

    event = eventually(unhealthy_event, within=timeouts.TASK)
    assert event["detail"]["eventType"] == "WARN"
    assert event["resources"] == [service["serviceArn"]]

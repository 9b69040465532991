"""Container health checks and their effect in Cloud Map."""

import pytest

from surveyor.testing import id_of, proves, raises, timeouts, workload

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
INTERVAL, RETRIES = 10, 2
CHECK = {"healthCheck": {"command": ["CMD", *workload.command("check")], "interval": INTERVAL, "retries": RETRIES}}


@proves("ecs.health.defaults")
def test_a_check_has_defaults(ecs, make_task_definition):
    """A check with only a command has interval 30 s, timeout 5 s, 3 retries and no start period."""
    definition = make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"]}})
    answer = ecs.describe_task_definition(taskDefinition=definition["taskDefinitionArn"])
    check = answer["taskDefinition"]["containerDefinitions"][0]["healthCheck"]
    assert (check["interval"], check["timeout"], check["retries"]) == (30, 5, 3)
    assert not check.get("startPeriod")


@proves("ecs.health.bounds")
@pytest.mark.parametrize(
    ("member", "minimum", "maximum"),
    [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)],
)
def test_figures_have_bounds(make_task_definition, member, minimum, maximum):
    """The minimum and the maximum are accepted; values beyond them raise ClientException."""
    for accepted in (minimum, maximum):
        make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"], member: accepted}})
    for refused in (minimum - 1, maximum + 1):
        with raises("ClientException"):
            make_task_definition(container={"healthCheck": {"command": ["CMD-SHELL", "exit 0"], member: refused}})


@proves("ecs.health.unhealthy-until-the-check-passes")
def test_unhealthy_until_the_check_passes(
    cloudmap, make_service, make_task_definition, make_ecs_service, eventually, http_namespace
):
    """A new instance is UNHEALTHY and not discovered; when its check has passed, it is HEALTHY and discovered."""
    registry = make_service(http_namespace, **CUSTOM)
    make_ecs_service(make_task_definition(container=CHECK), registry)
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"]}

    def status():
        statuses = cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"]
        return "".join(statuses.values())

    assert eventually(status, within=timeouts.TASK) == "UNHEALTHY"
    assert cloudmap.discover_instances(**names)["Instances"] == []
    healthy = timeouts.CUSTOM_HEALTH + timeouts.TASK
    eventually(lambda: status() == "HEALTHY", within=healthy)
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == 1, within=timeouts.DISCOVERY)


@proves("ecs.health.failed-check-deregisters", "ecs.health.failed-task-is-replaced")
def test_a_failed_check_deregisters_and_replaces(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    call_task,
    eventually,
    always,
    cluster,
    http_namespace,
):
    """At the last retry, not before, the instance is deregistered; the task is stopped and another one runs."""
    registry = make_service(http_namespace, **CUSTOM)
    service = wait_until_steady(make_ecs_service(make_task_definition(container=CHECK), registry))
    (task,) = tasks_of(service)

    def listed():
        return {instance["Id"] for instance in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}

    assert listed() == {id_of(task)}
    call_task(task, "/health?do=fail", "PUT")
    # The first failure happens within an interval, and the second and last one interval later.
    always(lambda: id_of(task) in listed(), during=(RETRIES - 1) * INTERVAL - 2)
    within = RETRIES * INTERVAL + timeouts.OPERATION
    eventually(lambda: id_of(task) not in listed(), within=within)

    def stopped():
        found = ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]])["tasks"][0]
        return dict(found) if found["lastStatus"] == "STOPPED" else None

    end = eventually(stopped, within=timeouts.DEPLOYMENT)
    assert (end["healthStatus"], end["stopCode"]) == ("UNHEALTHY", "ServiceSchedulerInitiated")
    (other,) = tasks_of(wait_until_steady(service))
    assert other["taskArn"] != task["taskArn"]
    assert listed() == {id_of(other)}


@proves("ecs.health.standalone-task-goes-on")
def test_a_standalone_task_keeps_running(ecs, make_task_definition, call_task, eventually, clock, cluster, network):
    """A task of RunTask whose check has failed is UNHEALTHY, and still RUNNING two minutes later."""
    definition = make_task_definition(container=CHECK)["taskDefinitionArn"]
    run = {"cluster": cluster, "launchType": "FARGATE", "networkConfiguration": network}
    arn = ecs.run_task(taskDefinition=definition, **run)["tasks"][0]["taskArn"]

    def task():
        return dict(ecs.describe_tasks(cluster=cluster, tasks=[arn])["tasks"][0])

    eventually(lambda: task()["healthStatus"] == "HEALTHY", within=timeouts.TASK)
    call_task(task(), "/health?do=fail", "PUT")
    eventually(lambda: task()["healthStatus"] == "UNHEALTHY", within=2 * RETRIES * INTERVAL)
    clock.wait(120)
    assert task()["lastStatus"] == "RUNNING"
    ecs.stop_task(cluster=cluster, task=arn)

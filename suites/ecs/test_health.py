"""Container health checks and their effect in Cloud Map."""

from datetime import datetime

import pytest

from surveyor.testing import Inconclusive, Interval, containers_of, for_each, proves, raises, timeouts, workload

CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}
INTERVAL, RETRIES = 60, 2
CHECK = {"healthCheck": {"command": ["CMD", *workload.command("check")], "interval": INTERVAL, "retries": RETRIES}}
PASSES, FAILS = ["CMD-SHELL", "exit 0"], ["CMD-SHELL", "exit 1"]


@proves("ecs.health.defaults")
def test_a_check_has_defaults(ecs, make_task_definition, read_until):
    """A check with only a command has interval 30 s, timeout 5 s, 3 retries and no start period."""
    definition = make_task_definition(container={"healthCheck": {"command": PASSES}})
    arn = definition["taskDefinitionArn"]
    answer = read_until(lambda: ecs.describe_task_definition(taskDefinition=arn), bool)
    for described in (definition, answer["taskDefinition"]):
        check = described["containerDefinitions"][0]["healthCheck"]
        assert (check["interval"], check["timeout"], check["retries"]) == (30, 5, 3)
        assert not check.get("startPeriod")


@proves("ecs.health.bounds")
@for_each(
    "member, minimum, maximum",
    [("interval", 5, 300), ("timeout", 2, 60), ("retries", 1, 10), ("startPeriod", 0, 300)],
)
def test_figures_have_bounds(make_task_definition, member, minimum, maximum):
    """The minimum and the maximum are accepted; values beyond them raise ClientException."""
    for accepted in (minimum, maximum):
        made = make_task_definition(container={"healthCheck": {"command": PASSES, member: accepted}})
        assert made["containerDefinitions"][0]["healthCheck"].get(member, 0) == accepted
    for refused in (minimum - 1, maximum + 1):
        with raises("ClientException"):
            make_task_definition(container={"healthCheck": {"command": PASSES, member: refused}})


def described(ecs, cluster, tasks):
    """Return label -> DescribeTasks of tasks, which are label -> Task, by one call."""
    arns = {task["taskArn"]: label for label, task in tasks.items()}
    answer = ecs.describe_tasks(cluster=cluster, tasks=list(arns))["tasks"]
    return {arns[task["taskArn"]]: task for task in answer}


@proves("ecs.health.command")
def test_a_check_is_a_command(ecs, make_task_definition, run_task, eventually, cluster):
    """CMD and CMD-SHELL run a command, whose exit code 0 is success and any other failure; others are refused."""
    # ecs/HealthCheck.command: "The string array must start with CMD to run the command arguments directly, or CMD-SHELL
    # to run the command with the container's default shell."
    expected = {
        ("CMD-SHELL", "exit 0"): "HEALTHY",
        ("CMD-SHELL", "false || true"): "HEALTHY",
        ("CMD-SHELL", "exit 2"): "UNHEALTHY",
        ("CMD", "true"): "HEALTHY",
        ("CMD", "false"): "UNHEALTHY",
        ("CMD", "true; true"): "UNHEALTHY",  # no shell, so there is no such program
    }
    check = {"interval": 5, "retries": 1, "startPeriod": 0}
    tasks = {
        command: run_task(make_task_definition(container={"healthCheck": {**check, "command": list(command)}}))
        for command in expected
    }

    def statuses():
        return {command: task["healthStatus"] for command, task in described(ecs, cluster, tasks).items()}

    def are_known():
        found = statuses()
        return found.keys() == expected.keys() and "UNKNOWN" not in found.values()

    eventually(are_known, within=timeouts.TASK)
    assert statuses() == expected
    for refused in (["exit 0"], ["SHELL", "exit 0"], ["cmd", "true"], ["CMD"]):
        with raises("ClientException"):
            make_task_definition(container={"healthCheck": {"command": refused}})


@proves("ecs.health.retries-and-start-period")
def test_a_task_is_unhealthy_after_its_retries(
    ecs, make_task_definition, run_task, call_task, eventually, clock, cluster
):
    """A check that always fails makes its task UNHEALTHY at the last retry; failures of the start period are free."""
    # ecs/HealthCheck.retries: "The number of times to retry a failed health check before the container is considered
    # unhealthy." It maps to docker run, whose first check follows one interval after the start.
    figures = {  # label -> check, and between which seconds after the container's start it becomes UNHEALTHY
        "one retry": ({"interval": 60, "retries": 1}, 30, 90),
        "two retries": ({"interval": 60, "retries": 2}, 90, 150),
        "three by default": ({"interval": 60}, 150, 210),
        "another interval": ({"interval": 120, "retries": 2}, 180, 300),
        "no start period": ({"interval": 60, "retries": 2, "startPeriod": 0}, 90, 150),
        "start period": ({"interval": 60, "retries": 2, "startPeriod": 150}, 190, 280),
    }
    began = clock.now()
    tasks = {
        label: run_task(make_task_definition(container={"healthCheck": {"command": FAILS, **check}}))
        for label, (check, _, _) in figures.items()
    }
    starts: dict[str, float] = {}
    unknown = dict.fromkeys(tasks, began)
    unhealthy: dict[str, float] = {}

    def all_are_unhealthy():
        before = clock.now()
        found = described(ecs, cluster, tasks)
        answered = clock.now()
        for label, task in found.items():
            if task["healthStatus"] != "UNKNOWN":
                unhealthy.setdefault(label, answered)
            elif label not in unhealthy:  # a late read may show UNKNOWN once more
                unknown[label] = before
        for label in [label for label in found.keys() - starts.keys() if found[label]["lastStatus"] == "RUNNING"]:
            # The task is RUNNING up to half a minute after its container has started, which only metadata says.
            metadata = call_task(found[label], "/metadata")["container"]
            starts[label] = datetime.fromisoformat(metadata["StartedAt"]).timestamp()
        return len(starts) == len(unhealthy) == len(tasks)

    def seconds_to_the_next_sample():
        """Return the time to the next moment at which a status decides; until all tasks run, a few seconds at most."""
        now, moments = clock.now(), []
        for label in starts.keys() - unhealthy.keys():
            _, low, high = figures[label]
            moments += [starts[label] + low + share * (high - low) for share in (0.05, 0.2, 0.65, 0.8)]
        due = [moment - now for moment in moments if moment > now]
        return min(due) if due and len(starts) == len(tasks) else min([*due, 8.0])

    end = clock.now() + timeouts.TASK + 300
    while clock.now() < end and not all_are_unhealthy():
        clock.wait(seconds_to_the_next_sample())
    eventually(all_are_unhealthy, within=timeouts.TASK)
    after = {label: Interval(unknown[label] - start, unhealthy[label] - start) for label, start in starts.items()}
    wrong = {
        label: seen for label, seen in after.items() if seen.high <= figures[label][1] or seen.low >= figures[label][2]
    }
    assert not wrong
    for label, seen in after.items():
        _, low, high = figures[label]
        if seen.low <= low or seen.high >= high:
            raise Inconclusive(
                f"{label}: the task became UNHEALTHY between {seen.low:.0f} and {seen.high:.0f} s after its "
                f"container's start, which must be between {low} and {high} s: DescribeTasks was answered too seldom "
                "to judge it; run it again with fewer workers"
            )
    assert {task["healthStatus"] for task in described(ecs, cluster, tasks).values()} == {"UNHEALTHY"}


@proves("ecs.health.success-ends-the-start-period")
def test_failures_count_once_a_check_has_passed(
    make_task_definition, run_task, describe_task, call_task, eventually, always
):
    """A check that passes within the start period makes the task HEALTHY, and failures count from then on."""
    # ecs/HealthCheck.startPeriod: "any subsequent failures count toward the maximum number of retries"
    check = {"healthCheck": {**CHECK["healthCheck"], "startPeriod": 300}}
    task = run_task(make_task_definition(container=check))
    eventually(lambda: describe_task(task)["healthStatus"] == "HEALTHY", within=timeouts.TASK)
    call_task(describe_task(task), "/health?do=fail", "PUT")
    always(lambda: describe_task(task)["healthStatus"] == "HEALTHY", during=RETRIES * INTERVAL - 20)
    eventually(lambda: describe_task(task)["healthStatus"] == "UNHEALTHY", within=40)


@pytest.mark.slow
@proves("ecs.health.timeout")
def test_a_check_that_takes_longer_than_its_timeout_fails(
    ecs, make_task_definition, run_task, call_task, eventually, clock, cluster
):
    """Of two checks that take 40 s, the one with timeout 60 passes and the one with timeout 2 fails."""
    # ecs/HealthCheck.timeout: "The time period in seconds to wait for a health check to succeed before it is
    # considered a failure."
    check = {"command": ["CMD", *workload.command("check")], "interval": 60, "retries": 1}
    tasks = {
        seconds: run_task(make_task_definition(container={"healthCheck": {**check, "timeout": seconds}}))
        for seconds in (2, 60)
    }

    def statuses(member):
        return {seconds: task[member] for seconds, task in described(ecs, cluster, tasks).items()}

    eventually(lambda: set(statuses("lastStatus").values()) == {"RUNNING"}, within=timeouts.TASK)
    for task in described(ecs, cluster, tasks).values():
        call_task(task, "/health?do=slow&seconds=40", "PUT")
    expected = {2: "UNHEALTHY", 60: "HEALTHY"}
    # A check may have passed before the tasks were RUNNING: the later ones decide, so both stay as they are.
    eventually(lambda: statuses("healthStatus") == expected, within=150)
    clock.wait(90)
    assert statuses("healthStatus") == expected


@proves("ecs.health.task-by-essential-containers")
def test_the_health_of_a_task_is_that_of_its_essential_containers(
    ecs, make_task_definition, run_task, eventually, cluster
):
    """Of the essential containers UNHEALTHY decides before UNKNOWN, and this before HEALTHY; others do not matter."""
    # ecs/HealthCheck: "If Container1 is HEALTHY and Container2 is UNKNOWN, the task health is UNKNOWN." (and five more)
    checks = {
        "HEALTHY": {"command": PASSES, "interval": 5},
        "UNHEALTHY": {"command": FAILS, "interval": 5, "retries": 1},
        "UNKNOWN": {"command": PASSES, "interval": 300},  # not evaluated yet
    }
    expected = {
        ("UNHEALTHY", "UNKNOWN"): "UNHEALTHY",
        ("HEALTHY", "UNHEALTHY"): "UNHEALTHY",
        ("HEALTHY", "UNKNOWN"): "UNKNOWN",
        ("HEALTHY", "HEALTHY"): "HEALTHY",
        ("HEALTHY", "UNKNOWN", "UNHEALTHY"): "UNHEALTHY",
        ("HEALTHY", "HEALTHY", "-UNHEALTHY"): "HEALTHY",
        ("HEALTHY", "-UNKNOWN"): "HEALTHY",
        ("UNKNOWN", "-HEALTHY"): "UNKNOWN",
    }

    def container(health):
        return {"healthCheck": checks[health.lstrip("-")], "essential": not health.startswith("-")}

    tasks = {}
    for first, *others in expected:
        beside = {f"container{number}": container(health) for number, health in enumerate(others, 2)}
        tasks[first, *others] = run_task(make_task_definition(container=container(first), beside=beside))

    def all_are_checked():
        found = described(ecs, cluster, tasks)
        return found if all(actual(task) == wanted(label) for label, task in found.items()) else None

    def wanted(label):
        return dict(zip(("app", "container2", "container3"), (health.lstrip("-") for health in label), strict=False))

    def actual(task):
        return {name: part["healthStatus"] for name, part in containers_of(task).items()}

    found = eventually(all_are_checked, within=timeouts.TASK)
    assert {label: task["healthStatus"] for label, task in found.items()} == expected


@proves("ecs.health.unhealthy-until-the-check-passes")
def test_unhealthy_until_the_check_passes(
    ecs, cloudmap, make_service, make_task_definition, make_ecs_service, tasks_of, eventually, http_namespace
):
    """A new instance is UNHEALTHY and not discovered; when all its checks have passed, it is HEALTHY and discovered."""
    registry = make_service(http_namespace, **CUSTOM)
    side = {"healthCheck": {"command": PASSES, "interval": 2 * INTERVAL}}
    service = make_ecs_service(make_task_definition(container=CHECK, beside={"side": side}), registry)
    names = {"NamespaceName": http_namespace["Name"], "ServiceName": registry["Name"], "HealthStatus": "HEALTHY"}
    seen: list[str] = []

    def is_healthy():
        seen.extend(cloudmap.get_instances_health_status(ServiceId=registry["Id"])["Status"].values())
        return "HEALTHY" in seen

    eventually(lambda: cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)
    assert cloudmap.discover_instances(**names)["Instances"] == []
    eventually(is_healthy, within=timeouts.CUSTOM_HEALTH + timeouts.TASK)
    assert set(seen[:-1]) == {"UNHEALTHY"}
    parts = containers_of(tasks_of(service)[0]).values()
    assert {part["healthStatus"] for part in parts} == {"HEALTHY"}, "too soon"
    eventually(lambda: len(cloudmap.discover_instances(**names)["Instances"]) == 1, within=timeouts.DISCOVERY)


@proves("ecs.health.failed-check-deregisters", "ecs.health.failed-task-is-replaced", "ecs.health.replacement-order")
@for_each("minimum, maximum", {"start first": (100, 200), "stop first": (0, 100)})
def test_a_failed_check_deregisters_and_replaces(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    describe_task,
    call_task,
    eventually,
    always,
    http_namespace,
    minimum,
    maximum,
):
    """At the last retry, not before, the instance is deregistered; the task is stopped and another one runs."""
    registry = make_service(http_namespace, **CUSTOM)
    percentages = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    service = make_ecs_service(make_task_definition(container=CHECK), registry, deploymentConfiguration=percentages)

    def healthy_task():
        return next((task for task in tasks_of(service) if task["healthStatus"] == "HEALTHY"), None)

    def listed():
        return {instance["Id"] for instance in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}

    task = eventually(healthy_task, within=timeouts.TASK)
    call_task(task, "/health?do=fail", "PUT")  # a check has just passed, so the last retry is two intervals away
    (instance,) = listed()
    always(lambda: instance in listed(), during=RETRIES * INTERVAL - 20)
    eventually(lambda: describe_task(task)["healthStatus"] == "UNHEALTHY", within=40)
    # Sooner than a replacement can be HEALTHY: until then the task is not stopped.
    eventually(lambda: instance not in listed(), within=INTERVAL - 15)

    def stopped():
        found = describe_task(task)
        return found if found["lastStatus"] == "STOPPED" else None

    end = eventually(stopped, within=timeouts.DEPLOYMENT)
    assert (end["healthStatus"], end["stopCode"]) == ("UNHEALTHY", "ServiceSchedulerInitiated")
    (other,) = tasks_of(wait_until_steady(service))
    assert other["taskArn"] != task["taskArn"]
    assert len(listed() - {instance}) == 1
    # ecs/DeploymentConfiguration.maximumPercent: "starting replacement tasks first and then stopping the unhealthy
    # tasks"
    assert (other["createdAt"] <= end["stoppingAt"]) == (maximum > 100)


@proves("ecs.health.grace-period")
@for_each("grace", [0, 120])
def test_the_grace_period_keeps_an_unhealthy_task(
    make_task_definition, make_ecs_service, tasks_of, describe_task, eventually, tolerance, grace
):
    """An unhealthy task of a service is stopped once its grace period is over, which is 0 s by default."""
    # ecs/CreateServiceRequest.healthCheckGracePeriodSeconds: "If you do not specify a health check grace period value,
    # the default value of 0 is used."
    check = {"healthCheck": {"command": FAILS, "interval": 30, "retries": 1}}
    given = {"healthCheckGracePeriodSeconds": grace} if grace else {}
    at_once = {"minimumHealthyPercent": 0, "maximumPercent": 100}  # without a replacement first
    service = make_ecs_service(make_task_definition(container=check), deploymentConfiguration=at_once, **given)
    assert service.get("healthCheckGracePeriodSeconds", 0) == grace
    (task, *_) = eventually(lambda: tasks_of(service), within=timeouts.TASK)

    def stopping():
        found = describe_task(task)
        return found if found["desiredStatus"] == "STOPPED" else None

    end = eventually(stopping, within=timeouts.TASK)
    ran = (end["stoppingAt"] - end["startedAt"]).total_seconds()
    assert end["healthStatus"] == "UNHEALTHY"
    assert grace - tolerance <= ran <= grace + timeouts.SCHEDULER


@proves("ecs.health.standalone-task-goes-on")
def test_a_standalone_task_keeps_running(make_task_definition, run_task, describe_task, call_task, eventually, always):
    """A task of RunTask whose check has failed is UNHEALTHY, and still RUNNING two minutes later."""
    task = run_task(make_task_definition(container=CHECK))
    eventually(lambda: describe_task(task)["healthStatus"] == "HEALTHY", within=timeouts.TASK)
    call_task(describe_task(task), "/health?do=fail", "PUT")
    eventually(lambda: describe_task(task)["healthStatus"] == "UNHEALTHY", within=(RETRIES + 1) * INTERVAL)

    def is_running():
        found = describe_task(task)
        return (found["lastStatus"], found["desiredStatus"]) == ("RUNNING", "RUNNING")

    always(is_running, during=120)

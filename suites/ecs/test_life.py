"""The life of a task: its states, SIGTERM, SIGKILL, and the lists that it is in."""

from __future__ import annotations

from functools import partial

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import (
    TASK_PORT,
    Inconclusive,
    WrongAnswer,
    address_of,
    containers_of,
    dns_config,
    for_each,
    id_of,
    proves,
    raises,
    timeouts,
)


@pytest.mark.slow
@proves("ecs.life.sigkill-thirty-seconds-after-sigterm", "ecs.life.stop-timeout")
def test_sigkill_is_sent_when_the_stop_timeout_is_over(
    ecs, make_task_definition, run_task, describe_task, call_task, eventually, clock, in_time, tolerance, cluster
):
    """Containers that ignore SIGTERM are killed after their stopTimeout, 30 s by default, each after its own."""
    # ecs/StopTask: "This results in a stop signal value and a default 30-second timeout, after which the SIGKILL value
    # is sent and the containers are forcibly stopped."
    ignores = make_task_definition("serve", "--on-term", "ignore", beside={"side": {"stopTimeout": 60}})
    obeys = make_task_definition(container={"stopTimeout": 9})
    tasks = [run_task(definition) for definition in (ignores, obeys)]
    eventually(lambda: all(describe_task(task)["lastStatus"] == "RUNNING" for task in tasks), within=timeouts.TASK)
    address = address_of(describe_task(tasks[0]))
    app, side = f"{address}:{TASK_PORT}", f"{address}:{TASK_PORT + 1}"
    call_task(side, "/behave?do=ignore-sigterm", "PUT")
    running = [clock.now()]

    def stopping():
        at = clock.now()
        states = [call_task(container)["stopping"] for container in (app, side)]
        if not any(states):
            running.append(at)
        return all(states)

    for task in tasks:
        ecs.stop_task(cluster=cluster, task=task["taskArn"])
    eventually(stopping, within=timeouts.SCHEDULER)
    seen = clock.now()
    # SIGTERM was sent after the last call that showed both containers running, and before the one that ended the wait.
    for container, limit in ((app, 30), (side, 60)):
        with in_time(running[-1] + limit):
            # Less than the tolerance before the end: where time is advanced, a kill two seconds too early is seen.
            clock.wait(max(0.0, running[-1] + limit - 0.6 * tolerance - clock.now()))
            assert call_task(container)["stopping"] is True, "killed too soon"
        clock.wait(max(0.0, seen + limit + tolerance - clock.now()))
        try:
            call_task(container)
        except WrongAnswer:
            continue
        raise WrongAnswer(f"expected SIGKILL {limit} s after SIGTERM; it still answers", actual="no SIGKILL")
    ends = [eventually(lambda task=task: stopped(describe_task(task)), within=timeouts.TASK) for task in tasks]
    assert [end["stopCode"] for end in ends] == ["UserInitiated"] * 2
    codes = [{name: part["exitCode"] for name, part in containers_of(end).items()} for end in ends]
    assert codes == [{"app": 137, "side": 137}, {"app": 0}]


@proves("ecs.life.stop-timeout")
@for_each("seconds, is_valid", [(2, True), (120, True), (1, False), (121, False)])
def test_the_stop_timeout_has_bounds(make_task_definition, seconds, is_valid):
    """On Fargate 2 and 120 s are accepted; a second less and a second more raise ClientException."""
    # ecs/ContainerDefinition.stopTimeout: "The valid values for Fargate are 2-120 seconds."
    if is_valid:
        make_task_definition(container={"stopTimeout": seconds})
    else:
        with raises("ClientException"):
            make_task_definition(container={"stopTimeout": seconds})


@proves("ecs.life.essential-containers")
def test_only_essential_containers_end_a_task(
    make_task_definition, run_task, describe_task, call_task, eventually, always
):
    """A container that is not essential exits without effect; once an essential one has exited, all are stopped."""
    # ecs/ContainerDefinition.essential: "If this parameter is omitted, a container is assumed to be essential."
    beside = {"side": {"essential": False}, "other": {"essential": False}}
    task = run_task(make_task_definition(container={"essential": None}, beside=beside))
    eventually(lambda: describe_task(task)["lastStatus"] == "RUNNING", within=timeouts.TASK)
    address = address_of(describe_task(task))

    def containers():
        parts = containers_of(describe_task(task))
        return {name: (part["lastStatus"], part.get("exitCode")) for name, part in parts.items()}

    def end(port):
        with pytest.raises(WrongAnswer):
            call_task(f"{address}:{port}", "/exit?code=3", "PUT")

    end(TASK_PORT + 1)
    eventually(lambda: containers()["side"] == ("STOPPED", 3), within=timeouts.TASK)
    always(lambda: describe_task(task)["desiredStatus"] == "RUNNING", during=20)
    assert call_task(f"{address}:{TASK_PORT + 2}")["stopping"] is False
    end(TASK_PORT)
    stop = eventually(lambda: stopped(describe_task(task)), within=timeouts.TASK)
    assert stop["stopCode"] == "EssentialContainerExited"
    assert containers() == {"app": ("STOPPED", 3), "side": ("STOPPED", 3), "other": ("STOPPED", 0)}


@proves("ecs.life.list-by-desired-status", "ecs.life.started-by")
def test_tasks_are_listed_by_what_they_are(
    ecs, make_task_definition, make_ecs_service, run_task, wait_until_steady, tasks_of, read_until, eventually,
    unique_name, cluster,
):  # fmt: skip
    """ListTasks filters by desired status, RUNNING by default, and by service, family, startedBy and launch type."""
    definition, other = make_task_definition(), make_task_definition()
    starter = unique_name("starter")[:36]
    service = make_ecs_service(definition)
    ran, ended = (run_task(other, startedBy=starter)["taskArn"] for _ in range(2))
    (task,) = tasks_of(wait_until_steady(service))
    served = task["taskArn"]
    ecs.stop_task(cluster=cluster, task=ended, reason="no longer needed")

    def listed(**filters):
        pages = ecs.get_paginator("list_tasks").paginate(cluster=cluster, **filters)
        return {arn for page in pages for arn in page["taskArns"]} & {served, ran, ended}

    # ecs/ListTasksRequest.desiredStatus: "The default status filter is RUNNING"
    eventually(lambda: listed(desiredStatus="STOPPED") == {ended}, within=timeouts.SCHEDULER)
    expected = [
        ({}, {served, ran}),
        ({"desiredStatus": "RUNNING"}, {served, ran}),
        ({"launchType": "FARGATE"}, {served, ran}),
        ({"desiredStatus": "PENDING"}, set()),
        ({"launchType": "EC2"}, set()),
        ({"serviceName": service["serviceName"]}, {served}),
        ({"family": definition["family"]}, {served}),
        ({"family": other["family"]}, {ran}),
        ({"startedBy": starter}, {ran}),
        ({"family": other["family"], "desiredStatus": "STOPPED"}, {ended}),
    ]
    for filters, arns in expected:
        assert (filters, read_until(lambda filters=filters: listed(**filters), arns)) == (filters, arns)

    def described():
        tasks = ecs.describe_tasks(cluster=cluster, tasks=[served, ran, ended])["tasks"]
        return {part["taskArn"]: part for part in tasks}

    found = read_until(described, lambda found: len(found) == 3 and "stoppedReason" in found[ended])
    # ecs/Task.startedBy: "If an Amazon ECS service started the task, the startedBy parameter contains the deployment ID
    # of that service."
    deployments = ecs.describe_services(cluster=cluster, services=[service["serviceName"]])["services"][0][
        "deployments"
    ]
    assert (found[served]["startedBy"], found[ran]["startedBy"]) == (deployments[0]["id"], starter)
    assert found[ran]["group"] == f"family:{other['family']}"
    assert found[ended]["stoppedReason"] == "no longer needed"


@proves("ecs.life.names")
def test_resources_are_named_by_name_or_arn(
    ecs, make_task_definition, make_ecs_service, run_task, read_until, unique_name, cluster
):
    """Clusters, services and tasks are described by name (or id) and by ARN, 10 or 100 at once; others are missing."""
    service, task = make_ecs_service(make_task_definition(), count=0), run_task(make_task_definition())

    def services(within, name):
        return [found["serviceArn"] for found in ecs.describe_services(cluster=within, services=[name])["services"]]

    def tasks(within, name):
        return [found["taskArn"] for found in ecs.describe_tasks(cluster=within, tasks=[name])["tasks"]]

    def is_listed(within):
        return service["serviceArn"] in ecs.list_services(cluster=within, maxResults=100)["serviceArns"]

    for within in (cluster, task["clusterArn"]):
        assert read_until(lambda within=within: is_listed(within), expected=True)
        for described, arn, own_names in (
            (services, service["serviceArn"], (service["serviceName"], service["serviceArn"])),
            (tasks, task["taskArn"], (id_of(task), task["taskArn"])),
        ):
            for name in own_names:
                read = partial(described, within, name)
                assert read_until(read, [arn]) == [arn]
    names = [unique_name("none") for _ in range(10)]
    missing = ecs.describe_services(cluster=cluster, services=names)
    assert missing["services"] == []
    assert [failure["reason"] for failure in missing["failures"]] == ["MISSING"] * 10
    # ecs/DescribeServicesRequest.services: "You may specify up to 10 services to describe in a single operation."
    with raises("InvalidParameterException"):
        ecs.describe_services(cluster=cluster, services=[*names, "another"])
    ids = [f"{number:032x}" for number in range(100)]
    assert len(ecs.describe_tasks(cluster=cluster, tasks=ids)["failures"]) == 100
    with raises("InvalidParameterException"):
        ecs.describe_tasks(cluster=cluster, tasks=[*ids, "f" * 32])


@proves("ecs.life.task-definition-revisions")
def test_a_family_is_its_latest_active_revision(
    ecs, make_task_definition, make_ecs_service, unique_name, tasks_of, read_until, eventually, cluster
):
    """A family means its latest ACTIVE revision; a service whose revision is INACTIVE can still be scaled."""
    # ecs/CreateServiceRequest.taskDefinition: "If a revision isn't specified, the latest ACTIVE revision is used."
    family = unique_name("family")
    first, second = (make_task_definition(family=family) for _ in range(2))
    assert (first["revision"], second["revision"]) == (1, 2)
    named = {
        family: second,
        f"{family}:1": first,
        f"{family}:2": second,
        first["taskDefinitionArn"]: first,
        second["taskDefinitionArn"]: second,
    }

    def arn_of(name):
        return ecs.describe_task_definition(taskDefinition=name)["taskDefinition"]["taskDefinitionArn"]

    for name, definition in named.items():
        arn = definition["taskDefinitionArn"]
        assert read_until(partial(arn_of, name), arn) == arn
        assert make_ecs_service({**second, "taskDefinitionArn": name}, count=0)["taskDefinition"] == arn
    service = make_ecs_service(second, count=0)
    ecs.deregister_task_definition(taskDefinition=f"{family}:2")

    def latest():
        return ecs.describe_task_definition(taskDefinition=family)["taskDefinition"]["revision"]

    eventually(lambda: latest() == 1, within=600)  # ecs/DeregisterTaskDefinition: "up to a 10-minute window"

    def status():
        return ecs.describe_task_definition(taskDefinition=f"{family}:2")["taskDefinition"]["status"]

    assert read_until(status, "INACTIVE") == "INACTIVE"
    ecs.update_service(cluster=cluster, service=service["serviceName"], desiredCount=1)
    eventually(lambda: [task["lastStatus"] for task in tasks_of(service)] == ["RUNNING"], within=timeouts.TASK)


@proves("ecs.life.run-task")
def test_run_task_starts_as_many_tasks_as_requested(ecs, make_task_definition, run_task, unique_name, cluster, network):
    """RunTask starts one to ten tasks, and those of a clientToken once; with other parameters it is a conflict."""
    # ecs/RunTaskRequest.count: "You can specify up to 10 tasks for each call."
    definition = make_task_definition()
    run = {
        "cluster": cluster,
        "taskDefinition": definition["taskDefinitionArn"],
        "launchType": "FARGATE",
        "networkConfiguration": network,
    }
    for count in (0, 11):
        with raises("InvalidParameterException"):
            ecs.run_task(**run, count=count)
    ten = ecs.run_task(**run, count=10)
    assert (len({task["taskArn"] for task in ten["tasks"]}), ten["failures"]) == (10, [])
    token = unique_name("token")
    tasks = [run_task(definition, clientToken=token) for _ in range(2)]
    assert tasks[0]["taskArn"] == tasks[1]["taskArn"]
    assert run_task(definition, clientToken=unique_name("token"))["taskArn"] != tasks[0]["taskArn"]
    # ecs/ConflictException.resourceIds: "The existing task ARNs which are already associated with the clientToken."
    with raises("ConflictException") as refusal:
        run_task(definition, clientToken=token, startedBy="another")
    assert refusal.response["resourceIds"] == [tasks[0]["taskArn"]]


@proves("ecs.life.delete-service")
def test_a_service_is_deleted_once_it_is_scaled_to_zero(
    ecs, make_task_definition, make_ecs_service, wait_until_steady, tasks_of, describe_task, eventually, cluster
):
    """Without force a service with tasks stays; a deleted one drains, is no longer listed, and blocks its name."""
    # Long enough for reads that are late, and shorter than the default stopTimeout of 30 s.
    definition = make_task_definition("serve", "--on-term", "drain", "--drain", "25")
    kept, forced = (make_ecs_service(definition) for _ in range(2))
    for service in (kept, forced):
        wait_until_steady(service)
    name, other = kept["serviceName"], forced["serviceName"]

    def status(name):
        return ecs.describe_services(cluster=cluster, services=[name])["services"][0]["status"]

    def listed():
        pages = ecs.get_paginator("list_services").paginate(cluster=cluster)
        return {arn for page in pages for arn in page["serviceArns"]} & {kept["serviceArn"], forced["serviceArn"]}

    # ecs/DeleteService: "You can delete a service if you have no running tasks in it and the desired task count is
    # zero."
    with pytest.raises(ClientError):
        ecs.delete_service(cluster=cluster, service=name)
    [draining] = tasks_of(forced)
    assert ecs.delete_service(cluster=cluster, service=other, force=True)["service"]["status"] == "DRAINING"

    def use_name_again():
        again = make_ecs_service(definition, count=0, serviceName=other)
        # ecs/DeleteService: "After all tasks have transitioned to either STOPPING or STOPPED status, the service status
        # moves from DRAINING to INACTIVE."
        stopping = eventually(lambda: describe_task(draining).get("stoppingAt"), within=timeouts.TASK)
        if stopping < again["createdAt"]:
            raise Inconclusive(
                "the last task of the deleted service was stopping before its name was used again; run it again"
            )

    with pytest.raises(ClientError):  # the name is in use while the service is DRAINING
        use_name_again()
    samples: list[tuple[bool, str]] = []

    def is_inactive():
        samples.append((forced["serviceArn"] in listed(), status(other)))
        return samples[-1] == (False, "INACTIVE")

    eventually(is_inactive, within=timeouts.TASK)
    assert (False, "DRAINING") in samples or (True, "DRAINING") not in samples
    assert (listed(), status(name)) == ({kept["serviceArn"]}, "ACTIVE")
    ecs.update_service(cluster=cluster, service=name, desiredCount=0)
    eventually(lambda: not ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"], within=timeouts.TASK)
    eventually(
        lambda: ecs.describe_services(cluster=cluster, services=[name])["services"][0]["runningCount"] == 0,
        within=timeouts.TASK,
    )
    ecs.delete_service(cluster=cluster, service=name)
    eventually(lambda: status(name) == "INACTIVE", within=timeouts.TASK)


@proves("ecs.life.deregistration-and-sigterm", "deregistration.ecs.does-not-wait-for-ttl")
def test_deregistration_and_sigterm_are_recorded(
    ecs,
    cloudmap,
    make_service,
    make_task_definition,
    make_ecs_service,
    wait_until_steady,
    tasks_of,
    describe_task,
    call_task,
    clock,
    report_figure,
    cluster,
    private_namespace,
):
    """The time from StopTask until SIGTERM, deregistration and the end of the task is recorded; the TTL is 300 s."""
    registry = make_service(private_namespace, DnsConfig=dns_config("A", ttl=300))
    definition = make_task_definition("serve", "--on-term", "drain", "--drain", "8")
    service = wait_until_steady(make_ecs_service(definition, registry))
    (task,) = tasks_of(service)
    ecs.stop_task(cluster=cluster, task=task["taskArn"])
    start = last = clock.now()
    seen: dict[str, tuple[float, float]] = {}
    while "the task ended" not in seen and clock.now() - start < timeouts.TASK:
        now, found = clock.now(), describe_task(task)
        listed = {instance["Id"] for instance in cloudmap.list_instances(ServiceId=registry["Id"])["Instances"]}
        actual = {
            "the instance was gone": id_of(task) not in listed,
            # Not again after it: a call to a task whose network interface is gone waits for its whole time limit.
            "the process had SIGTERM": "the process had SIGTERM" in seen or _is_stopping(call_task, task),
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


def stopped(task):
    """Return a task that has stopped, None for another."""
    return task if task["lastStatus"] == "STOPPED" else None


def _is_stopping(call_task, task):
    try:
        return bool(call_task(task)["stopping"])
    except WrongAnswer:  # nothing listens any more, so the process has ended
        return True

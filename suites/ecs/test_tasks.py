"""What a task's containers are given, and how tasks end that do not run."""

import json

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import address_of, containers_of, for_each, id_of, proves, timeouts

PROGRAM = """
import json, os, sys, urllib.request

def read(url):
    return json.load(urllib.request.urlopen(url))

def holds(actual, expected):
    if isinstance(expected, dict):
        return all(name in actual and holds(actual[name], value) for name, value in expected.items())
    if isinstance(expected, list):
        return len(actual) == len(expected) and all(holds(*pair) for pair in zip(actual, expected))
    return actual == expected

"""
"""A program for python3 in a container; its exit status is what a test asks."""


@pytest.fixture
def exit_code(describe_task, eventually):
    """Return `exit_code(task)`: wait until a task has stopped, and return the exit code of its container `app`."""

    def wait(task):
        def stopped():
            found = describe_task(task)
            return found if found["lastStatus"] == "STOPPED" else None

        return container_of(eventually(stopped, within=timeouts.TASK, coarse=True)).get("exitCode")

    return wait


def container_of(task, name="app"):
    """Return a container of a task by name: a task can have others that the target adds."""
    return next(part for part in task["containers"] if part["name"] == name)


def override(*command, **variables):
    """Return RunTask's overrides of the container `app`."""
    entry = {"name": "app", **({"command": list(command)} if command else {})}
    if variables:
        entry["environment"] = [{"name": name, "value": value} for name, value in variables.items()]
    return {"containerOverrides": [entry]}


@proves("ecs.task.overrides")
def test_run_task_overrides_command_and_environment(make_task_definition, run_task, exit_code):
    """A command is replaced behind its entry point, variables are added and replaced, and others stay."""
    # ecs/ContainerOverride.environment: "You can add new environment variables, which are added to the container at
    # launch, or you can override the existing environment variables"
    variables = [{"name": name, "value": "1"} for name in ("KEPT", "CHANGED")]
    shell = {"entryPoint": ["sh", "-c"], "command": ["exit 3"], "environment": variables}
    definition = make_task_definition(container=shell, beside={"side": {"essential": False}})
    tasks = {
        3: run_task(definition),
        4: run_task(definition, overrides=override("exit 4")),
        123: run_task(definition, overrides=override("exit $KEPT$CHANGED$ADDED", CHANGED="2", ADDED="3")),
    }
    assert {code: exit_code(task) for code, task in tasks.items()} == {code: code for code in tasks}
    overridden = {one["name"]: one.get("command") for one in tasks[4]["overrides"]["containerOverrides"]}
    assert overridden["app"] == ["exit 4"]
    with pytest.raises(ClientError):
        run_task(definition, overrides={"containerOverrides": [{"name": "another", "command": ["exit 4"]}]})


@proves("ecs.task.metadata")
def test_a_container_reads_its_metadata(make_task_definition, run_task, describe_task, exit_code, cluster, tolerance):
    """The endpoint in ECS_CONTAINER_METADATA_URI_V4 has the container, and below /task the task and its containers."""
    # guide: "This path returns metadata for the task, including a list of the container IDs and names for all of the
    # containers associated with the task."
    program = f"""{PROGRAM}
base = os.environ["ECS_CONTAINER_METADATA_URI_V4"]
task, own, expected = read(base + "/task"), read(base), json.loads(os.environ["EXPECTED"])
own_expected = expected.pop("own")
cluster = expected.pop("cluster")
found = task["Cluster"].rpartition("/")[2] == cluster
address = own["Networks"][0].get("IPv4Addresses")
same = [part for part in task["Containers"] if part["Name"] == own["Name"]] == [own]
checks = [holds(task, expected), holds(own, own_expected), found, task["TaskARN"].count(":task/"), address, same]
sys.exit(sum(1 << number for number, check in enumerate(checks) if not check))
"""
    definition = make_task_definition(container={"command": ["python3", "-c", program]}, beside={"side": {}})
    app = {"Name": "app", "DesiredStatus": "RUNNING", "Type": "NORMAL", "Networks": [{"NetworkMode": "awsvpc"}]}
    expected = {
        "cluster": cluster,
        "own": {**app, "Image": definition["containerDefinitions"][0]["image"]},
        "Family": definition["family"],
        "Revision": str(definition["revision"]),
        "DesiredStatus": "RUNNING",
        "LaunchType": "FARGATE",
    }
    task = run_task(definition, overrides=override(EXPECTED=json.dumps(expected)))
    assert exit_code(task) == 0


@proves("ecs.task.role")
def test_a_task_has_the_credentials_of_its_role(make_task_definition, make_role, run_task, exit_code, eventually):
    """The role of the task definition, or the one that RunTask names instead, gives credentials; without it none."""
    # ecs/TaskOverride.taskRoleArn: "All containers in this task are granted the permissions that are specified in this
    # role."
    program = f"""{PROGRAM}
uri = os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
if uri is None and "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI" in os.environ:
    uri = "http://169.254.170.2" + os.environ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"]
if uri is None:
    sys.exit(99)
found = read(uri)
given = all(found.get(name) for name in ("AccessKeyId", "SecretAccessKey", "Token", "Expiration"))
sys.exit(0 if given and found["RoleArn"] == os.environ["ROLE"] else 1)
"""
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    first, second = (make_role(trust=[trust]) for _ in range(2))
    command = {"command": ["python3", "-c", program]}
    with_role = make_task_definition(container=command, taskRoleArn=first)

    def run(definition, role, **overrides):
        """Run a task, or return None: a new role cannot be assumed at once."""
        try:
            return run_task(definition, overrides={**override(ROLE=role), **overrides})
        except ClientError as refusal:
            if refusal.response["Error"]["Code"] != "ClientException":
                raise
            return None

    tasks = [
        eventually(lambda: run(with_role, first), within=timeouts.SCHEDULER),
        eventually(lambda: run(with_role, second, taskRoleArn=second), within=timeouts.SCHEDULER),
        run(make_task_definition(container=command), first),
    ]
    assert [exit_code(task) for task in tasks] == [0, 0, 99]


@proves("ecs.task.memory")
def test_a_container_that_exceeds_its_memory_is_killed(make_task_definition, run_task, describe_task, exit_code):
    """A container that needs more than its memory ends with 137 and a reason; one that needs less does not."""
    # ecs/ContainerDefinition.memory: "If your container attempts to exceed the memory specified here, the container is
    # killed."
    program = "import sys, time; held = bytearray(int(sys.argv[1]) * 2**20); held[::4096] = bytes(len(held[::4096]))"
    tasks = [
        run_task(make_task_definition(container={"command": ["python3", "-c", program, size], "memory": 128}))
        for size in ("400", "20")
    ]
    assert [exit_code(task) for task in tasks] == [137, 0]
    reasons = [container_of(describe_task(task)).get("reason", "") for task in tasks]
    assert ["OutOfMemory" in reason for reason in reasons] == [True, False]


@proves("ecs.task.fails-to-start")
def test_a_task_whose_container_cannot_start_has_a_reason(make_task_definition, run_task, describe_task, eventually):
    """Its stop code is TaskFailedToStart, and the container has a reason and no exit code."""
    task = run_task(make_task_definition(container={"command": ["no-such-program"]}, beside={"side": {}}))
    eventually(lambda: describe_task(task)["lastStatus"] == "STOPPED", within=timeouts.TASK)
    end = describe_task(task)
    assert (end["stopCode"], end["desiredStatus"]) == ("TaskFailedToStart", "STOPPED")
    assert "startedAt" not in end
    # guide, cannot-start-container: "This error occurs when a container can't be started."
    parts = containers_of(end)
    assert "CannotStartContainerError" in parts["app"].get("reason", "")
    assert {part["lastStatus"] for part in parts.values()} == {"STOPPED"}


@proves("ecs.task.is-stopped-at-any-time")
@for_each("has_registry", [True, False])
def test_a_task_can_be_stopped_at_any_time(
    ecs, cloudmap, make_service, make_task_definition, make_ecs_service, run_task, eventually, clock, cluster,
    http_namespace, has_registry,
):  # fmt: skip
    """Tasks that are stopped in each state before RUNNING end STOPPED, never having run, and leave no instance."""
    # ecs/StopTask: "Stops a running task. Any tags associated with the task will be deleted."
    registry, definition = make_service(http_namespace), make_task_definition()
    service = make_ecs_service(definition, registry, count=0) if has_registry else None
    named = {"cluster": cluster, "service": service["serviceName"]} if service else {}
    stopped: dict[str, str] = {}

    def stop_next():
        listed = {"serviceName": service["serviceName"]} if service else {"family": definition["family"]}
        arns = ecs.list_tasks(cluster=cluster, **listed)["taskArns"]
        for task in ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else ():
            status = task["lastStatus"]
            if status not in stopped.values() and status in ("PROVISIONING", "PENDING", "ACTIVATING"):
                end = ecs.stop_task(cluster=cluster, task=id_of(task), reason=status)["task"]
                assert (end["desiredStatus"], end["stopCode"]) == ("STOPPED", "UserInitiated")
                stopped[task["taskArn"]] = status
        return {"PROVISIONING", "PENDING"} <= set(stopped.values()) and clock.now() > start + 30

    start = clock.now()
    if service:
        ecs.update_service(desiredCount=6, **named)
    else:
        for _ in range(6):
            run_task(definition)
    eventually(stop_next, within=timeouts.TASK, poll_every=0.2)
    if service:
        ecs.update_service(desiredCount=0, **named)

    def ends():
        return ecs.describe_tasks(cluster=cluster, tasks=list(stopped))["tasks"]

    eventually(lambda: {task["lastStatus"] for task in ends()} == {"STOPPED"}, within=timeouts.TASK)
    for task in ends():
        assert task["stoppedReason"] == stopped[task["taskArn"]]
        assert "startedAt" not in task
        assert task["stoppingAt"] <= task["stoppedAt"]
    if service:
        eventually(lambda: not cloudmap.list_instances(ServiceId=registry["Id"])["Instances"], within=timeouts.TASK)


@proves("ecs.task.is-described")
def test_a_task_is_described(ecs, make_task_definition, run_task, describe_task, eventually, cluster, network):
    """A running task has the sizes of its definition, its interface, its container, and its moments in order."""
    # ecs/Task.connectivityAt: "The Unix timestamp for the time when the task last went into CONNECTED status."
    definition = make_task_definition(cpu="512", memory="1024")
    task = run_task(definition)
    assert (task["lastStatus"], task["desiredStatus"]) == ("PROVISIONING", "RUNNING")
    eventually(lambda: describe_task(task)["lastStatus"] == "RUNNING", within=timeouts.TASK)
    found = describe_task(task)
    expected = {
        "taskDefinitionArn": definition["taskDefinitionArn"],
        "cpu": "512",
        "memory": "1024",
        "launchType": "FARGATE",
        "platformFamily": "Linux",
        "connectivity": "CONNECTED",
        "healthStatus": "UNKNOWN",
        "enableExecuteCommand": False,
    }
    assert {name: found.get(name) for name in expected} == expected
    assert found["platformVersion"].split(".")[0] == "1"
    moments = ("createdAt", "pullStartedAt", "pullStoppedAt", "startedAt")
    assert [found[name] for name in moments] == sorted(found[name] for name in moments)
    assert found["createdAt"] <= found["connectivityAt"] <= found["startedAt"]
    [interface] = [part for part in found["attachments"] if part["type"] == "ElasticNetworkInterface"]
    details = {detail["name"]: detail["value"] for detail in interface["details"]}
    assert interface["status"] == "ATTACHED"
    assert details["subnetId"] in network["awsvpcConfiguration"]["subnets"]
    assert details["networkInterfaceId"].startswith("eni-")
    app = container_of(found)
    [own] = app["networkInterfaces"]
    assert own["privateIpv4Address"] == details["privateIPv4Address"] == address_of(found)
    assert own["attachmentId"] == interface["id"]
    assert (app["name"], app["lastStatus"], app["taskArn"]) == ("app", "RUNNING", found["taskArn"])
    assert app["image"] == definition["containerDefinitions"][0]["image"]
    assert ":container/" in app["containerArn"]
    ecs.stop_task(cluster=cluster, task=found["taskArn"])
    eventually(lambda: describe_task(task)["lastStatus"] == "STOPPED", within=timeouts.TASK)
    end = describe_task(task)
    moments = ("startedAt", "stoppingAt", "executionStoppedAt", "stoppedAt")
    assert [end[name] for name in moments] == sorted(end[name] for name in moments)
    assert [part["status"] for part in end["attachments"] if part["id"] == interface["id"]] == ["DELETED"]
    assert container_of(end)["lastStatus"] == "STOPPED"

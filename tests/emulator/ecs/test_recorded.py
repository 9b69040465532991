"""What recordings show of AWS's answers, and no document says: members, statuses and their moments."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_emulator.server.options import parse_options
from tests.emulator.ecs.conftest import Ecs

ROLE = "arn:aws:iam::{}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def test_a_service_has_members_that_nothing_asked_for(ecs: Ecs) -> None:
    """Empty lists, the service-linked role, the flags and LATEST are in every answer; a deployment has its version."""
    ecs.define()
    ecs.create(count=0)
    service = ecs.service()
    expected = {
        "loadBalancers": [],
        "placementConstraints": [],
        "placementStrategy": [],
        "serviceRegistries": [],
        "roleArn": ROLE.format(ecs.account),
        "enableECSManagedTags": False,
        "enableExecuteCommand": False,
        "deploymentController": {"type": "ECS"},
        "platformVersion": "LATEST",
        "healthCheckGracePeriodSeconds": 0,
        "resourceManagementType": "CUSTOMER",
    }
    assert {name: service.get(name) for name in expected} == expected
    assert service["deployments"][0]["platformVersion"] == "1.4.0"
    ecs.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True, enableExecuteCommand=True)
    service = ecs.service()
    assert (service["platformVersion"], service["enableExecuteCommand"]) == ("LATEST", True)


def test_an_old_deployment_keeps_its_desired_count(ecs: Ecs) -> None:
    """Right after UpdateService the old deployment is ACTIVE with its count, which falls as its tasks are stopped."""
    ecs.define()
    ecs.create(count=2)
    ecs.wait(120)
    answer = ecs.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True)["service"]
    primary, old = answer["deployments"]
    assert (primary["status"], old["status"], old["runningCount"]) == ("PRIMARY", "ACTIVE", 2)
    assert (primary["desiredCount"], old["desiredCount"]) == (0, 2)
    revisions = answer["currentServiceRevisions"]
    assert [revision["requestedTaskCount"] for revision in revisions] == [0, 2]
    assert [revision["arn"].rpartition("/")[2] for revision in revisions] == [
        deployment["id"].rpartition("/")[2] for deployment in (primary, old)
    ]
    ecs.wait(300)
    assert [entry["desiredCount"] for entry in ecs.service()["deployments"]] == [2]
    answer = ecs.ecs.update_service(cluster="shop", service="web", desiredCount=3)["service"]
    assert (answer["desiredCount"], answer["deployments"][0]["desiredCount"]) == (3, 2)
    ecs.wait(5)
    assert ecs.service()["deployments"][0]["desiredCount"] == 3


def details(task: dict[str, Any]) -> dict[str, str]:
    """Return the details of a task's network interface."""
    [interface] = [part for part in task["attachments"] if part["type"] == "ElasticNetworkInterface"]
    return {detail["name"]: detail["value"] for detail in interface["details"]}


@pytest.mark.soak
@pytest.mark.parametrize(
    ("region", "domain"), [("us-east-1", "ec2.internal"), ("eu-west-1", "eu-west-1.compute.internal")]
)
def test_a_task_becomes_known_step_by_step(running: RunningTarget, region: str, domain: str) -> None:
    """Its interface, its connectivity, the digests of its images and its version appear one after the other."""
    ecs = Ecs(running)
    ecs.ecs, ecs.ec2 = ecs.client("ecs", region), ecs.client("ec2", region)
    ecs.subnet = ecs.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    ecs.ecs.create_cluster(clusterName="shop")
    ecs.define()
    arn = ecs.run()
    seen: dict[str, dict[str, Any]] = {}
    for _ in range(600):
        task = ecs.task(arn)
        seen.setdefault(task["lastStatus"], task)
        if task["lastStatus"] == "RUNNING":
            break
        ecs.wait(0.05)
    assert list(details(seen["PROVISIONING"])) == ["subnetId"]
    assert seen["PROVISIONING"]["attachments"][0]["status"] == "PRECREATED"
    assert seen["PROVISIONING"]["availabilityZone"].startswith(region)
    for status in ("PROVISIONING", "PENDING"):
        assert not {"connectivity", "connectivityAt"} & set(seen[status])
        assert "imageDigest" not in seen[status]["containers"][0]
    task = seen["RUNNING"]
    members = ["subnetId", "networkInterfaceId", "macAddress", "privateDnsName", "privateIPv4Address"]
    assert list(details(task)) == members
    address = details(task)["privateIPv4Address"]
    assert details(task)["privateDnsName"] == f"ip-{address.replace('.', '-')}.{domain}"
    assert task["connectivity"] == "CONNECTED"
    assert task["createdAt"] < task["connectivityAt"] <= task["pullStartedAt"] <= task["startedAt"]
    assert task["overrides"] == {"containerOverrides": [{"name": "app"}], "inferenceAcceleratorOverrides": []}
    assert task["containers"][0]["imageDigest"].startswith("sha256:")
    assert (task["ephemeralStorage"], task["containers"][0]["cpu"]) == ({"sizeInGiB": 20}, "0")
    assert all(task[name].microsecond % 1_000 == 0 for name in task if name.endswith("At"))
    assert [seen[status]["version"] for status in ("PROVISIONING", "PENDING", "RUNNING")] == [1, 2, 3]


def test_stop_task_answers_with_the_status_before(ecs: Ecs) -> None:
    """StopTask answers RUNNING, or what the task is, with the desired status STOPPED and stoppingAt."""
    ecs.define()
    early, late = ecs.run(), ecs.run()
    stopped = ecs.ecs.stop_task(cluster="shop", task=early)["task"]
    assert (stopped["lastStatus"], stopped["desiredStatus"]) == ("PROVISIONING", "STOPPED")
    ecs.wait(60)
    stopped = ecs.ecs.stop_task(cluster="shop", task=late, reason="enough")["task"]
    assert (stopped["lastStatus"], stopped["desiredStatus"], stopped["stopCode"]) == (
        "RUNNING",
        "STOPPED",
        "UserInitiated",
    )
    assert (stopped["stoppedReason"], "stoppingAt" in stopped, "stoppedAt" in stopped) == ("enough", True, False)
    ecs.wait(60)
    assert {ecs.task(arn)["lastStatus"] for arn in (early, late)} == {"STOPPED"}


@pytest.mark.soak
def test_dependants_stop_first(ecs: Ecs) -> None:
    """A container gets SIGTERM once all that depend on it have ended."""
    names = {"base": [], "middle": ["base"], "app": ["middle", "base"]}
    containers = [
        {
            "name": name, "image": "any", "stopTimeout": 10,
            "command": ["sh", "-c", "trap '' TERM; while :; do sleep 0.05; done"],
            "dependsOn": [{"containerName": other, "condition": "START"} for other in others],
        }
        for name, others in names.items()
    ]  # fmt: skip
    ecs.ecs.register_task_definition(
        family="web", networkMode="awsvpc", cpu="256", memory="512", requiresCompatibilities=["FARGATE"],
        containerDefinitions=containers,
    )  # fmt: skip
    arn = ecs.run()
    ecs.wait(30)
    ecs.ecs.stop_task(cluster="shop", task=arn)
    running = []
    for _ in range(5):
        ecs.wait(7.5)
        running.append({part["name"] for part in ecs.task(arn)["containers"] if part["lastStatus"] == "RUNNING"})
    assert running == [{"base", "middle", "app"}, {"base", "middle"}, {"base"}, {"base"}, set()]


def test_events_of_a_service(ecs: Ecs) -> None:
    """Started tasks are listed without a period between them, and the steady state is reported every six hours."""
    ecs.define()
    ecs.create(count=2)
    ecs.wait(300)
    messages = [event["message"] for event in ecs.service()["events"]]
    task = r"\(task [0-9a-f]{32}\)"
    started = re.compile(rf"\(service web\) has started 2 tasks: {task} {task}\.")
    assert any(started.fullmatch(message) for message in messages), messages
    ecs.wait(13 * 3_600)
    steady = [event["createdAt"].timestamp() for event in ecs.service()["events"] if "steady state" in event["message"]]
    assert [round((newer - older) / 3_600, 1) for newer, older in pairwise(steady)] == [6.0, 6.0]


def test_a_rollback_is_explained(ecs: Ecs) -> None:
    """The service deployment says what it was to replace, why and to what it was rolled back, and what was counted."""
    good, bad = ecs.define(), ecs.define(command=["no-such-program"])
    ecs.create(good, deploymentConfiguration=BREAKER)
    ecs.wait(120)
    update = ecs.ecs.update_service(cluster="shop", service="web", taskDefinition=bad)["service"]["deployments"][0]
    assert update["rolloutStateReason"] == f"ECS deployment {update['id']} in progress."
    ecs.wait(600)
    listed = ecs.ecs.list_service_deployments(cluster="shop", service="web")["serviceDeployments"]
    assert [brief["status"] for brief in listed] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]
    words = "Service deployment rolled back because the circuit breaker threshold was exceeded."
    assert listed[0]["statusReason"] == words
    assert "statusReason" not in listed[1]
    [current] = ecs.service()["deployments"]
    assert current["rolloutStateReason"] == f"ECS deployment {current['id']} completed."
    arns = [brief["serviceDeploymentArn"] for brief in listed]
    newest, first = ecs.ecs.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"]
    before = first["targetServiceRevision"]["arn"]
    assert (first["sourceServiceRevisions"], "rollback" in first) == ([], False)
    assert [source["arn"] for source in newest["sourceServiceRevisions"]] == [before]
    assert (newest["rollback"]["reason"], newest["rollback"]["serviceRevisionArn"]) == (words, before)
    assert newest["createdAt"] < newest["rollback"]["startedAt"] < newest["finishedAt"]
    breaker = newest["deploymentCircuitBreaker"]
    assert (breaker["status"], breaker["threshold"], breaker["failureCount"]) == ("TRIGGERED", 3, 3)
    assert newest["deploymentConfiguration"]["deploymentCircuitBreaker"] == BREAKER["deploymentCircuitBreaker"]
    revisions = [newest["targetServiceRevision"]["arn"], before, f"{before}0"]
    answer = ecs.ecs.describe_service_revisions(serviceRevisionArns=revisions)
    assert [revision["taskDefinition"] for revision in answer["serviceRevisions"]] == [bad, good]
    assert [failure["arn"] for failure in answer["failures"]] == [f"{before}0"]


def test_a_rollback_without_a_candidate_fails(ecs: Ecs) -> None:
    """If the first deployment of a service fails, there is nothing to return to."""
    ecs.define(command=["no-such-program"])
    ecs.create(deploymentConfiguration=BREAKER)
    ecs.wait(600)
    [brief] = ecs.ecs.list_service_deployments(cluster="shop", service="web")["serviceDeployments"]
    words = "No rollback candidate was found to run the rollback."
    assert (brief["status"], brief["statusReason"]) == ("ROLLBACK_FAILED", words)


def test_service_deployments_have_pages_of_twenty(ecs: Ecs) -> None:
    """ListServiceDeployments returns 20 by default, filters by creation, and a superseded deployment is STOPPED."""
    ecs.define()
    ecs.create(count=0)
    for _ in range(24):
        ecs.wait(1)
        ecs.ecs.update_service(cluster="shop", service="web", forceNewDeployment=True)
    listing = {"cluster": "shop", "service": "web"}
    first = ecs.ecs.list_service_deployments(**listing)
    second = ecs.ecs.list_service_deployments(**listing, nextToken=first["nextToken"])
    entries = [*first["serviceDeployments"], *second["serviceDeployments"]]
    assert (len(first["serviceDeployments"]), len(second["serviceDeployments"]), "nextToken" in second) == (
        20,
        5,
        False,
    )
    middle = entries[10]["createdAt"]
    later = ecs.ecs.list_service_deployments(**listing, createdAt={"after": middle})["serviceDeployments"]
    assert [entry["serviceDeploymentArn"] for entry in later] == [
        entry["serviceDeploymentArn"] for entry in entries[:11]
    ]
    assert {entry["status"] for entry in entries[1:]} <= {"STOPPED", "SUCCESSFUL"}


def test_the_metadata_of_a_task_is_complete(ecs: Ecs) -> None:
    """Task metadata has the members of the public agent, for the task, its containers and their network."""
    ecs.define(healthCheck={"command": ["CMD-SHELL", "exit 0"], "interval": 5}, dockerLabels={"team": "red"})
    arn = ecs.run()
    ecs.wait(60)
    task, base = ecs.task(arn), f"ecs/{ecs.account}/us-east-1/shop/{arn.rpartition('/')[2]}/v4/app"
    own, whole = ecs.control(base), ecs.control(f"{base}/task")
    assert {"DockerId", "DockerName", "ImageID", "Limits", "CreatedAt", "StartedAt"} <= set(own)
    assert own["Labels"]["team"] == "red"
    assert own["Labels"]["com.amazonaws.ecs.container-name"] == "app"
    assert own["Health"]["status"] == "HEALTHY"
    assert own["Health"]["statusSince"].endswith("Z")
    [network] = own["Networks"]
    assert (network["AttachmentIndex"], network["MACAddress"]) == (0, details(task)["macAddress"])
    assert network["PrivateDNSName"] == details(task)["privateDnsName"]
    assert network["SubnetGatewayIpv4Address"].split("/")[1] == network["IPv4SubnetCIDRBlock"].split("/")[1]
    assert (whole["Limits"], whole["FaultInjectionEnabled"]) == ({"CPU": 0.25, "Memory": 512}, False)
    assert whole["VPCID"].startswith("vpc-")


def test_the_delays_of_fargate_are_those_of_recordings() -> None:
    """From 19 to 70 s until RUNNING, and about 34 s from the end of the containers until STOPPED."""
    settings = parse_options(["--delays", "fargate"]).settings
    starting = ("task_provisioning", "task_pending", "task_pull_wait", "task_pull", "task_activating")
    delays = [getattr(settings, name) for name in starting]
    assert sum(delay.minimum for delay in delays) == pytest.approx(19)
    assert sum(delay.maximum for delay in delays) == pytest.approx(70)
    ending = settings.task_deprovisioning
    assert (ending.minimum + ending.maximum) / 2 == pytest.approx(34)
    assert parse_options(["--delays", "fargate", "--set", "task_pull=0"]).settings.task_pull.maximum == 0


@pytest.mark.soak
def test_a_task_takes_as_long_as_on_fargate() -> None:
    """With these delays a task is RUNNING 19 to 70 s after its creation, and STOPPED 31 to 37 s after its end."""
    target = load_target("embedded", find_layout().targets)
    assert target.start is not None
    start = replace(target.start, argv=(*target.start.argv, "--delays", "fargate"))
    with run_target(replace(target, start=start), 7) as running:
        ecs = Ecs(running)
        ecs.define()
        arn = ecs.run()
        ecs.wait(75)
        task = ecs.task(arn)
        moments = ("createdAt", "connectivityAt", "pullStartedAt", "pullStoppedAt", "startedAt")
        assert [task[name] for name in moments] == sorted(task[name] for name in moments)
        assert 19 <= (task["startedAt"] - task["createdAt"]).total_seconds() <= 71
        ecs.ecs.stop_task(cluster="shop", task=arn)
        ecs.wait(90)
        task = ecs.task(arn)
        assert 31 <= (task["stoppedAt"] - task["executionStoppedAt"]).total_seconds() <= 37

"""`surveyor audit`, on the embedded target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.audit import ReadOnlyClients, Scope, read_snapshot
from surveyor.audit.reader import READ_VERBS
from surveyor.cli import main
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor_agents import workload

ACCOUNT = "000000000000"
CHECK = {"command": ["CMD-SHELL", "exit 0"], "interval": 5}
CUSTOM = {"HealthCheckCustomConfig": {"FailureThreshold": 1}}


class Account:
    """An account with clusters, namespaces and services in it."""

    def __init__(self, running: RunningTarget) -> None:
        self.running = running
        self.ecs, self.cloudmap, ec2 = (self.client(name) for name in ("ecs", "servicediscovery", "ec2"))
        self.subnet = ec2.describe_subnets()["Subnets"][0]
        self.services: list[tuple[str, str]] = []

    def client(self, service: str) -> Any:
        """Return a client with the account's credentials."""
        return self.running.clients.client(service, ACCOUNT)

    def namespace(self, name: str, soa: int) -> str:
        """Create a private namespace and return its id."""
        operation = self.cloudmap.create_private_dns_namespace(
            Name=name, Vpc=self.subnet["VpcId"], Properties={"DnsProperties": {"SOA": {"TTL": soa}}}
        )["OperationId"]

        self.running.clock.wait(60)
        targets = self.cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"]
        return str(targets.get("NAMESPACE", ""))

    def registry(self, namespace: str, name: str, ttl: int, **more: Any) -> dict[str, Any]:
        """Create a Cloud Map service with A records."""
        dns = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": ttl}]}
        answer = self.cloudmap.create_service(Name=name, NamespaceId=namespace, DnsConfig=dns, **more)
        return dict(answer["Service"])

    def service(self, cluster: str, name: str, registry: dict[str, Any], count: int = 1, **container: Any) -> list[str]:
        """Create an ECS service, wait until it is steady, and return the ids of its tasks."""
        app = {"name": "app", "image": "python", "command": workload.command("serve"), **container}
        self.ecs.register_task_definition(
            family=name, networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            containerDefinitions=[app],
        )  # fmt: skip
        self.ecs.create_service(
            cluster=cluster, serviceName=name, taskDefinition=name, desiredCount=count, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": [self.subnet["SubnetId"]]}},
            serviceRegistries=[{"registryArn": registry["Arn"]}],
        )  # fmt: skip
        self.services.append((cluster, name))
        self.running.clock.wait(120)
        arns = self.ecs.list_tasks(cluster=cluster, serviceName=name)["taskArns"]
        return [arn.rpartition("/")[2] for arn in arns]


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    """Create a cluster without faults, and one with six faults."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        account = Account(running)
        clean = account.namespace("clean.test", 15)
        account.ecs.create_cluster(clusterName="clean")
        account.service("clean", "fine", account.registry(clean, "fine", 10, **CUSTOM), 3, healthCheck=CHECK)

        faulty = account.namespace("faulty.test", 600)  # one: negative answers are cached for ten minutes
        account.ecs.create_cluster(clusterName="faulty")
        # Two: a TTL longer than the time that a task has to stop.
        account.service("faulty", "slow", account.registry(faulty, "slow", 60, **CUSTOM), healthCheck=CHECK)
        # Three: the results of container health checks are not reported to Cloud Map.
        plain = account.registry(faulty, "plain", 10)
        (task,) = account.service("faulty", "plain", plain, healthCheck=CHECK)
        # Four: a running task was deregistered.
        account.cloudmap.deregister_instance(ServiceId=plain["Id"], InstanceId=task)
        # Five: the containers have no health check.
        unchecked = account.registry(faulty, "unchecked", 10, **CUSTOM)
        account.service("faulty", "unchecked", unchecked)
        # Six: an instance without a task.
        ghost = {"AWS_INSTANCE_IPV4": "192.0.2.9", "ECS_CLUSTER_NAME": "faulty", "ECS_SERVICE_NAME": "unchecked"}
        account.cloudmap.register_instance(ServiceId=unchecked["Id"], InstanceId="gone", Attributes=ghost)
        running.clock.wait(60)
        yield account


@pytest.fixture
def audit(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, list[dict[str, str]]]]:
    """Return a function that runs the command and returns its exit code and findings."""
    monkeypatch.setattr(timeouts, "READ_AGAIN", 0.01)

    def run(*arguments: str) -> tuple[int, list[dict[str, str]]]:
        path = tmp_path / "findings.json"
        try:
            code = main(["audit", "--target", account.running.endpoint, "--json", str(path), *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        entries = json.loads(path.read_text()) if path.exists() else []
        return code, [entry for entry in entries if entry["level"] != "note"]

    return run


Audit = Callable[..., tuple[int, list[dict[str, str]]]]


@pytest.mark.soak
def test_six_faults_are_six_findings(audit: Audit) -> None:
    """Each of the six faults is found once, with the resource that it concerns, and nothing else is found."""
    code, found = audit("--cluster", "faulty")
    assert code == 1
    assert sorted((finding["rule"], finding["about"]) for finding in found) == [
        ("ghosts", "faulty/unchecked"),
        ("long-negative-answers", "faulty.test"),
        ("no-container-check", "faulty/unchecked"),
        ("no-custom-health", "faulty/plain"),
        ("ttl-against-stop-timeout", "faulty/slow"),
        ("unregistered-tasks", "faulty/plain"),
    ]


@pytest.mark.soak
def test_cluster_without_faults_has_no_finding(audit: Audit) -> None:
    """A cluster or namespace without faults has no finding, and the exit code is 0."""
    assert audit("--cluster", "clean") == (0, [])
    assert audit("--namespace", "clean.test") == (0, [])


@pytest.mark.soak
def test_namespace_selects_the_services_of_its_clusters(audit: Audit) -> None:
    """The same faults are found by the namespace as by the cluster."""
    _, by_cluster = audit("--cluster", "faulty")
    _, by_namespace = audit("--namespace", "faulty.test")
    assert by_namespace == by_cluster


@pytest.mark.soak
def test_fail_on_sets_the_level_of_failure(audit: Audit) -> None:
    """With `--fail-on breaks`, a finding of that level fails the command."""
    assert audit("--cluster", "faulty", "--fail-on", "breaks")[0] == 1
    assert audit("--cluster", "clean", "--fail-on", "breaks")[0] == 0


@pytest.mark.soak
def test_findings_are_printed_with_the_change(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    """Each finding is printed with level, resource, figures, the change, the claim and the users' report."""
    audit("--cluster", "faulty")
    out = capsys.readouterr().out
    arithmetic = "60 (TTL) + 5 (until name servers drop it) - 30 (stopTimeout) = 35 s after it has stopped"
    assert f"clients call it for {arithmetic}" in out
    assert "see: surveyor claims show ecs.window.one-task-measured, aws/containers-roadmap#343" in out
    assert "6 findings and 1 note; 3 ECS services and 3 Cloud Map services read, nothing changed" in out


@pytest.mark.soak
def test_tasks_that_are_listed_late_are_no_findings(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a second reading does not show is not reported, and neither is what only the second one shows."""
    _, found = audit("--cluster", "faulty")
    snapshots: list[Any] = []

    def read(*given: Any) -> Any:
        snapshots.append(read_snapshot(*given))
        without_tasks = tuple(replace(service, tasks=()) for service in snapshots[-1].services)
        return replace(snapshots[-1], services=without_tasks) if len(snapshots) == 1 else snapshots[-1]

    monkeypatch.setattr("surveyor.audit.read_snapshot", read)
    assert audit("--cluster", "clean") == (0, [])
    assert len(snapshots) == 2
    snapshots.clear()
    _, late = audit("--cluster", "faulty")
    assert late == [finding for finding in found if finding["rule"] != "unregistered-tasks"]


@pytest.mark.soak
def test_a_service_that_is_deleted_meanwhile_has_no_tasks(account: Account, audit: Audit) -> None:
    """ListTasks of a service that is gone by then is refused, and the audit continues."""

    def gone(params: dict[str, Any], **_: object) -> dict[str, Any]:
        return {**params, "serviceName": "gone"} if "serviceName" in params else params

    clients = ReadOnlyClients(account.client, has_iam=False)
    clients.client("ecs").meta.events.register("provide-client-params.ecs.ListTasks", gone)
    assert {service.tasks for service in read_snapshot(Scope(("clean",)), clients).services} == {()}


@pytest.mark.soak
def test_only_read_calls_are_sent(account: Account, audit: Audit) -> None:
    """No call that changes something is sent, and a client refuses to send one."""
    sent: list[str] = []

    def create_client(service: str) -> Any:
        client = account.client(service)
        client.meta.events.register("before-call", lambda model, **_: sent.append(model.name))
        return client

    read_snapshot(Scope(("faulty",)), ReadOnlyClients(create_client, has_iam=False))
    assert sent
    assert [name for name in sent if not name.startswith(READ_VERBS)] == []
    with pytest.raises(SurveyorError, match="an audit only reads"):
        ReadOnlyClients(create_client).client("ecs").delete_cluster(cluster="faulty")
    assert "DeleteCluster" not in sent


@pytest.mark.soak
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--cluster", "nowhere"), "there is no cluster 'nowhere'"),
        (("--namespace", "nowhere"), "there is no namespace 'nowhere'; existing namespaces: clean.test, faulty.test"),
        ((), "expected --cluster NAME or --namespace NAME"),
        (("--cluster", "clean", "--fail-on", "worst"), "expected --fail-on breaks, hurts or watch"),
        (("--cluster", "clean", "--json", "/no/such/a.json"), "/no/such/a.json cannot be written: there is no folder"),
    ],
)
def test_bad_input_is_one_line(
    audit: Audit, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    """Bad input ends with exit code 2 and a line that names the mistake."""
    assert audit(*arguments)[0] == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert message in last

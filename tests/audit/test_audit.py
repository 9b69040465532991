"""`surveyor audit`, on the embedded target."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor.audit import Readers, Scope, read
from surveyor.audit.reader import READS
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
        """A client of its owner."""
        return self.running.clients.client(service, ACCOUNT)

    def namespace(self, name: str, soa: int) -> str:
        """A private namespace's id."""
        operation = self.cloudmap.create_private_dns_namespace(
            Name=name, Vpc=self.subnet["VpcId"], Properties={"DnsProperties": {"SOA": {"TTL": soa}}}
        )["OperationId"]

        def made() -> str:
            return str(self.cloudmap.get_operation(OperationId=operation)["Operation"]["Targets"].get("NAMESPACE", ""))

        self.running.clock.wait(60)
        return made()

    def registry(self, namespace: str, name: str, ttl: int, **more: Any) -> dict[str, Any]:
        """A Cloud Map service with an A record."""
        dns = {"RoutingPolicy": "MULTIVALUE", "DnsRecords": [{"Type": "A", "TTL": ttl}]}
        made = self.cloudmap.create_service(Name=name, NamespaceId=namespace, DnsConfig=dns, **more)
        return dict(made["Service"])

    def service(self, cluster: str, name: str, registry: dict[str, Any], count: int = 1, **container: Any) -> list[str]:
        """An ECS service, once it is steady; the ids of its tasks."""
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
    """One cluster that is in order, and one with six faults."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        made = Account(running)
        clean = made.namespace("clean.test", 15)
        made.ecs.create_cluster(clusterName="clean")
        made.service("clean", "fine", made.registry(clean, "fine", 10, **CUSTOM), 3, healthCheck=CHECK)

        faulty = made.namespace("faulty.test", 600)  # one: names stay away for ten minutes
        made.ecs.create_cluster(clusterName="faulty")
        # Two: a TTL that a task does not outlive.
        made.service("faulty", "slow", made.registry(faulty, "slow", 60, **CUSTOM), healthCheck=CHECK)
        # Three: nobody listens to what the containers' checks find.
        plain = made.registry(faulty, "plain", 10)
        (task,) = made.service("faulty", "plain", plain, healthCheck=CHECK)
        # Four: somebody has deregistered a task that runs.
        made.cloudmap.deregister_instance(ServiceId=plain["Id"], InstanceId=task)
        # Five: nobody checks the containers.
        unchecked = made.registry(faulty, "unchecked", 10, **CUSTOM)
        made.service("faulty", "unchecked", unchecked)
        # Six: an instance that belongs to no task.
        ghost = {"AWS_INSTANCE_IPV4": "192.0.2.9", "ECS_CLUSTER_NAME": "faulty", "ECS_SERVICE_NAME": "unchecked"}
        made.cloudmap.register_instance(ServiceId=unchecked["Id"], InstanceId="gone", Attributes=ghost)
        running.clock.wait(60)
        yield made


@pytest.fixture
def audit(account: Account, tmp_path: Path) -> Callable[..., tuple[int, list[dict[str, str]]]]:
    """Runs the command; its exit code, and the findings."""

    def run(*arguments: str) -> tuple[int, list[dict[str, str]]]:
        path = tmp_path / "findings.json"
        try:
            code = main(["audit", "--target", account.running.endpoint, "--json", str(path), *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        return code, json.loads(path.read_text())["findings"] if path.exists() else []

    return run


Audit = Callable[..., tuple[int, list[dict[str, str]]]]


def test_six_faults_are_six_findings(audit: Audit) -> None:
    """Each of the planted faults is found once, about whom it concerns, and nothing else is."""
    code, found = audit("--cluster", "faulty")
    assert code == 1
    assert sorted((one["rule"], one["about"]) for one in found) == [
        ("ghosts", "faulty/unchecked"),
        ("long-negative-answers", "faulty.test"),
        ("no-container-check", "faulty/unchecked"),
        ("no-custom-health", "faulty/plain"),
        ("ttl-against-stop-timeout", "faulty/slow"),
        ("unregistered-tasks", "faulty/plain"),
    ]


def test_what_is_in_order_is_left_alone(audit: Audit) -> None:
    """A cluster without faults has no finding, and exit code 0."""
    assert audit("--cluster", "clean") == (0, [])
    assert audit("--namespace", "clean.test") == (0, [])


def test_a_namespace_leads_to_its_clusters(audit: Audit) -> None:
    """The same faults are found from the other side."""
    _, by_cluster = audit("--cluster", "faulty")
    _, by_namespace = audit("--namespace", "faulty.test")
    assert by_namespace == by_cluster


def test_only_what_is_as_bad_fails(audit: Audit) -> None:
    """`--fail-on breaks` minds ghosts, and not what merely may hurt."""
    assert audit("--cluster", "faulty", "--fail-on", "breaks")[0] == 1
    assert audit("--cluster", "clean", "--fail-on", "breaks")[0] == 0


def test_findings_are_told_with_what_to_do(audit: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    """Plain lines: level, whom, what with figures, what to change, the claim and the report behind it."""
    audit("--cluster", "faulty")
    out = capsys.readouterr().out
    assert "clients call it for 60 + 5 - 30 = 35 s after it is gone" in out
    assert "behind it: ecs.window.one-task-measured, aws/containers-roadmap#343" in out
    assert "6 findings; 3 ECS services and 3 Cloud Map services looked at, nothing changed" in out


def test_it_sends_nothing_but_reads(account: Account, audit: Audit) -> None:
    """The target has heard of no operation that changes something, and a client refuses to send one."""
    sent: list[str] = []

    def make(service: str) -> Any:
        client = account.client(service)
        client.meta.events.register("before-call", lambda model, **_: sent.append(model.name))
        return client

    read(Scope(("faulty",)), Readers(make, has_iam=False))
    assert sent
    assert [name for name in sent if not name.startswith(READS)] == []
    with pytest.raises(SurveyorError, match="an audit only reads"):
        Readers(make).client("ecs").delete_cluster(cluster="faulty")
    assert "DeleteCluster" not in sent


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--cluster", "nowhere"), "there is no cluster 'nowhere'"),
        (("--namespace", "nowhere"), "there is no namespace 'nowhere'; there is clean.test, faulty.test"),
        ((), "--cluster NAME or --namespace NAME"),
        (("--cluster", "clean", "--fail-on", "worst"), "--fail-on is breaks, hurts or watch"),
    ],
)
def test_bad_input_is_one_line(
    audit: Audit, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """Exit code 2, with what is wrong."""
    assert audit(*arguments)[0] == 2
    last = capsys.readouterr().err.splitlines()[-1]
    assert said in last

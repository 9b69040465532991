"""An audit reads services of kinds that have no registry, and daemons, without a finding or an error about them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.session import Session
from botocore.validate import ParamValidator

from surveyor.audit import ReadOnlyClients, Scope, read_snapshot
from surveyor.audit.rules import apply_rules
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target

ACCOUNT, CLUSTER = "000000000000", "new"
ARN = f"arn:aws:ecs:us-east-1:{ACCOUNT}"
EVERY: dict[str, Any] = {
    "clusterArn": f"{ARN}:cluster/{CLUSTER}", "status": "ACTIVE", "desiredCount": 1, "runningCount": 1,
    "pendingCount": 0, "deployments": [], "events": [], "loadBalancers": [], "serviceRegistries": [],
    "schedulingStrategy": "REPLICA", "resourceManagementType": "CUSTOMER",
}  # fmt: skip
KINDS: dict[str, dict[str, Any]] = {
    "express": {
        "resourceManagementType": "ECS",
        "currentServiceRevisions": [{"arn": f"{ARN}:service-revision/new/express/1", "runningTaskCount": 1}],
    },
    "gateway": {"taskDefinition": f"{ARN}:task-definition/x:1"},  # its connector is in the service revision only
    "lattice": {
        "deployments": [
            {
                "vpcLatticeConfigurations": [
                    {"roleArn": "arn:aws:iam::1:role/x", "targetGroupArn": "arn:aws:vpc-lattice:t", "portName": "web"}
                ]
            }
        ],
    },
    "managed-instances": {
        "capacityProviderStrategy": [{"capacityProvider": "own", "weight": 1, "base": 0}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-0123456789abcdef0"]}},
    },
    "daemon": {"schedulingStrategy": "DAEMON", "launchType": "EC2"},
}
"""What ECS describes of a service of each kind, beside what all have (ecs/Service)."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """Yield an embedded target with a cluster."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        running.clients.client("ecs", ACCOUNT).create_cluster(clusterName=CLUSTER)
        yield running


def service(kind: str) -> dict[str, Any]:
    """Return a service of a kind as DescribeServices has it; its task runs as that of the kind does."""
    return {**EVERY, "serviceName": kind, "serviceArn": f"{ARN}:service/{CLUSTER}/{kind}", **KINDS[kind]}


def planted(running: RunningTarget) -> ReadOnlyClients:
    """Return clients in whose answers there are services of all kinds, each with one task."""
    task = f"{ARN}:task/{CLUSTER}/0123456789abcdef0123456789abcdef"
    described = {"taskArn": task, "lastStatus": "RUNNING", "launchType": "MANAGED_INSTANCES"}
    answers: dict[str, dict[str, Any]] = {
        "ListServices": {"serviceArns": [service(kind)["serviceArn"] for kind in KINDS]},
        "DescribeServices": {"services": [service(kind) for kind in KINDS], "failures": []},
        "ListTasks": {"taskArns": [task]},
        "DescribeTasks": {"tasks": [described], "failures": []},
    }

    def create(name: str) -> Any:
        credentials = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "surveyor"}
        factory: Any = boto3.client
        client = factory(name, region_name="us-east-1", endpoint_url=running.endpoint, **credentials)
        for operation, answer in answers.items() if name == "ecs" else ():
            client.meta.events.register(f"before-call.ecs.{operation}", partial(_answer, answer))
        return client

    return ReadOnlyClients(create, has_iam=False)


def _answer(answer: dict[str, Any], **_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    """Answer a call in the place of the target."""
    return AWSResponse("", 200, HTTPHeaders(), None), answer


@pytest.mark.parametrize("kind", KINDS)
def test_the_descriptions_are_those_of_the_model(kind: str) -> None:
    """What is planted has the shape of the API model, so that ECS could answer so."""
    shape = Session().get_service_model("ecs").shape_for("Service")
    assert ParamValidator().validate(service(kind), shape).generate_report() == ""


@pytest.mark.soak
def test_an_audit_reads_services_of_all_kinds(running: RunningTarget) -> None:
    """Each is read with its task, and no rule finds anything, since none has a registry."""
    snapshot = read_snapshot(Scope(clusters=(CLUSTER,)), planted(running))
    assert {found.name: (found.registry, len(found.tasks)) for found in snapshot.services} == dict.fromkeys(
        KINDS, (None, 1)
    )
    assert apply_rules(snapshot) == []

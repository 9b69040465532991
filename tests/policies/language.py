"""The table of policies and requests of suites/iam as cases, with the decision that it expects."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.policies.generated import HOME, PRINCIPALS, Case

__all__ = ["TABLE", "TableCase", "table_cases"]

TABLE: dict[str, dict[str, list[dict[str, Any]]]] = tomllib.loads(
    Path(__file__).parents[2].joinpath("suites", "iam", "policies.toml").read_text("utf-8")
)
STEM = f"arn:aws:servicediscovery:us-east-1:{HOME}:"
IDS = {"ours": "srv-abcdefgh12345678", "other": "srv-zyxwvuts87654321"}
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NAMES = {
    "service": f"{STEM}service/{IDS['ours']}",
    "id": IDS["ours"],
    "id-but-last": IDS["ours"][:-1],
    "stem": STEM,
    "namespace": f"{STEM}namespace/ns-abcdefgh12345678",
    "region": "us-east-1",
    "account": HOME,
    "user-id": "AROAEXAMPLE:one",
    "past": "2026-06-01T12:00:00Z",
    "future": "2026-06-03T12:00:00Z",
    "past-epoch": "1780315200",
    "future-epoch": "1780488000",
}
NOW = "2026-06-02T12:00:00Z"
KEYS = {
    "aws:userid": (NAMES["user-id"],),
    "aws:PrincipalAccount": (HOME,),
    "aws:CurrentTime": (NOW,),
    "aws:EpochTime": ("1780401600",),
    "aws:TokenIssueTime": (NOW,),
    "aws:SourceIp": ("10.1.2.3",),
    "aws:ViaAWSService": ("false",),
    "aws:PrincipalIsAWSService": ("false",),
    "aws:MultiFactorAuthPresent": ("false",),
}


Keys = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class TableCase:
    """One request to one policy of the table, and whether it is allowed."""

    case: Case
    allowed: bool
    request: str


def table_cases(claim: str) -> Iterator[TableCase]:
    """Yield the cases of a claim; each condition with Allow and with Deny."""
    for row in TABLE[claim]["rows"]:
        documents: list[tuple[list[object], bool]] = [(row.get("statements", []), False)]
        if "condition" in row:
            on_condition = {**EVERYTHING, "Condition": row["condition"]}
            documents = [([on_condition], False), ([EVERYTHING, {**on_condition, "Effect": "Deny"}], True)]
        for statements, is_reversed in documents:
            version = row.get("version", "2012-10-17")
            document = {**({"Version": version} if version else {}), "Statement": filled(statements)}
            for name in ("allowed", "refused"):
                for request in row[name]:
                    action, resource, keys = requested(str(filled(request)))
                    case = Case(PRINCIPALS[3], action, resource, {**KEYS, **keys}, identity=(document,))
                    yield TableCase(case, (name == "allowed") is not is_reversed, f"{request}: {statements}")


def filled(value: Any) -> Any:
    """Return the value with each <name> in its texts replaced."""
    if isinstance(value, dict):
        return {filled(key): filled(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner) for inner in value]
    for name, text in NAMES.items() if isinstance(value, str) else ():
        value = value.replace(f"<{name}>", text)
    return value


def requested(request: str) -> tuple[str, str, Keys]:
    """Return the action, the resource and the condition keys of a request."""
    operation, _, about = request.partition(" ")
    if operation == "-":
        return "servicediscovery:ListTagsForResource", "*", {}
    if operation.startswith("cpu"):
        cpu = operation.partition("=")[2]
        size: Keys = {"ecs:task-cpu": (cpu,), "ecs:task-memory": (str(4 * int(cpu)),)} if cpu else {}
        return "ecs:RegisterTaskDefinition", f"arn:aws:ecs:us-east-1:{HOME}:task-definition/task:*", size
    if "=" in operation:
        tags = dict(tag.split("=", 1) for tag in request.split())
        values: Keys = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
        return "servicediscovery:TagResource", "*", {**values, "aws:TagKeys": tuple(tags)}
    if ":" in operation:
        return operation, "*", {}
    action = f"servicediscovery:{operation}"
    if about:
        arn = f"{STEM}service/{IDS[about]}"
        return action, arn, {} if operation == "GetService" else {"servicediscovery:ServiceArn": (arn,)}
    return action, NAMES["namespace"] if operation == "GetNamespace" else "*", {}

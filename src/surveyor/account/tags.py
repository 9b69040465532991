"""The names and the tag by which resources of a run are distinguished from all others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["TAG", "add_run_tag", "belongs_to_run", "run_prefix"]

TAG = "surveyor:run"
"""The key of the tag; its value is the run."""

_EC2_RESOURCE_TYPES = {
    "CreateInternetGateway": "internet-gateway",
    "CreateSecurityGroup": "security-group",
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "RunInstances": "instance",
}
_CLOUD_MAP = ("CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace", "CreateService")
_ECS = ("CreateCluster", "CreateService", "RegisterTaskDefinition")


def run_prefix(run: str) -> str:
    """Return the prefix of all names of the run."""
    return f"surveyor-{run}-"


def add_run_tag(service: str, operation: str, params: Mapping[str, Any], run: str) -> dict[str, Any] | None:
    """Return the parameters of a create call with the tag of the run.

    Returns None if the call takes no tags or has tags already.
    """
    tag = [{"Key": TAG, "Value": run}]
    if service == "servicediscovery" and operation in _CLOUD_MAP and "Tags" not in params:
        # A namespace that is named by its ARN may be another account's, in which tags are refused; names have the run.
        return None if str(params.get("NamespaceId", "")).startswith("arn:") else {**params, "Tags": tag}
    if service == "ec2" and operation in _EC2_RESOURCE_TYPES and "TagSpecifications" not in params:
        return {**params, "TagSpecifications": [{"ResourceType": _EC2_RESOURCE_TYPES[operation], "Tags": tag}]}
    if service == "ecs" and operation in _ECS and "tags" not in params:
        return {**params, "tags": [{"key": TAG, "value": run}]}
    if service == "acm-pca" and operation == "CreateCertificateAuthority":
        return {**params, "Tags": [*params.get("Tags", ()), *tag]}
    if service == "ecs" and operation == "RunTask" and "startedBy" not in params:
        return {**params, "startedBy": run_prefix(run)}
    return None


def belongs_to_run(name: str, tags: list[dict[str, str]], run: str) -> bool:
    """Return whether a resource with this name and these tags belongs to the run."""
    return run_prefix(run) in name or any(tag.get("Key") == TAG and tag.get("Value") == run for tag in tags)

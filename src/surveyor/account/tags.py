"""How things of a run are told from everybody else's: by their names, and by a tag that is put on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["TAG", "is_marked", "marked", "prefix"]

TAG = "surveyor:run"
"""The key of the tag; its value is the run."""

_EC2 = {
    "CreateSecurityGroup": "security-group",
    "CreateVpc": "vpc",
    "CreateSubnet": "subnet",
    "RunInstances": "instance",
}
_CLOUD_MAP = ("CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace", "CreateService")
_ECS = ("CreateCluster", "CreateService", "RegisterTaskDefinition")


def prefix(run: str) -> str:
    """How names of the run begin."""
    return f"surveyor-{run}-"


def marked(service: str, operation: str, params: Mapping[str, Any], run: str) -> dict[str, Any] | None:
    """The parameters of a create call with the tag of the run; None if the call takes no tags, or brings its own."""
    tag = [{"Key": TAG, "Value": run}]
    if service == "servicediscovery" and operation in _CLOUD_MAP and "Tags" not in params:
        return {**params, "Tags": tag}
    if service == "ec2" and operation in _EC2 and "TagSpecifications" not in params:
        return {**params, "TagSpecifications": [{"ResourceType": _EC2[operation], "Tags": tag}]}
    if service == "ecs" and operation in _ECS and "tags" not in params:
        return {**params, "tags": [{"key": TAG, "value": run}]}
    if service == "acm-pca" and operation == "CreateCertificateAuthority":
        return {**params, "Tags": [*params.get("Tags", ()), *tag]}
    if service == "ecs" and operation == "RunTask" and "startedBy" not in params:
        return {**params, "startedBy": prefix(run)}
    return None


def is_marked(name: str, tags: list[dict[str, str]], run: str) -> bool:
    """Whether a thing of this name with these tags is the run's own."""
    return prefix(run) in name or any(tag.get("Key") == TAG and tag.get("Value") == run for tag in tags)

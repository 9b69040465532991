"""Whether the images of a task can be pulled (setting `egress`): no image is pulled here, but on AWS each is.

ECS Developer Guide, "Task networking options for Fargate": a task needs a route to the internet, and a security group
that lets it out. On an EC2 instance the agent pulls, by the address of the instance. The texts are those of stopped
tasks on AWS in public repositories.
"""

from __future__ import annotations

import re

from surveyor_emulator.aws.ec2.interfaces import interface_at
from surveyor_emulator.aws.ec2.state import Subnet, ec2_state
from surveyor_emulator.aws.ec2.traffic import reaches_internet
from surveyor_emulator.aws.ecs.state import Task
from surveyor_emulator.core.world import Call

__all__ = ["pull_problem"]

# ECR User Guide, "Making requests to Amazon ECR registries": these endpoints have IPv4 addresses only.
_IPV4_ONLY = re.compile(r"public\.ecr\.aws|\d+\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com")
_DOCKER_HUB = ("docker.io", "registry-1.docker.io")
_REGISTRY_ADDRESS = "192.0.2.53:443"
"""An address for documentation (RFC 5737): the registry's is not the same twice."""


def pull_problem(call: Call, task: Task) -> str | None:
    """Return why no image of a task can be pulled, in AWS's words; None if they can."""
    if call.world.settings.egress == "free":
        return None
    image = task.containers[0].definition.image
    interface = interface_at(call.world, task.instance.address if task.instance is not None else task.address or "")
    subnet = ec2_state(call.world, call.account, call.region).subnets.get(interface.subnet if interface else "")
    if interface is None or subnet is None or not reaches_internet(call.world, interface):
        return _describe(image, "i/o timeout")
    return _describe(image, "connect: network is unreachable") if _is_out_of_reach(image, subnet) else None


def _is_out_of_reach(image: str, subnet: Subnet) -> bool:
    return subnet.native and _IPV4_ONLY.fullmatch(_split(image)[0]) is not None


def _describe(image: str, cause: str) -> str:
    registry, repository, tag = _split(image)
    host = _DOCKER_HUB[1] if registry == _DOCKER_HUB[0] else registry
    separator = "@" if ":" in tag else ":"
    return (
        "CannotPullContainerError: pull image manifest has been retried 5 time(s): "
        f"failed to resolve ref {registry}/{repository}{separator}{tag}: failed to do request: "
        f'Head "https://{host}/v2/{repository}/manifests/{tag}": dial tcp {_REGISTRY_ADDRESS}: {cause}'
    )


def _split(image: str) -> tuple[str, str, str]:
    """Return registry, repository, and tag or digest of an image, as Docker completes its name."""
    first, slash, rest = image.partition("/")
    has_registry = bool(slash) and ("." in first or ":" in first or first == "localhost")
    registry, path = (first, rest) if has_registry else (_DOCKER_HUB[0], image)
    path, _, digest = path.partition("@")
    repository, _, tag = path.partition(":")
    if registry == _DOCKER_HUB[0] and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository, digest or tag or "latest"

"""Operations on capacity providers: those of Fargate, which all accounts have, and which of them a cluster has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from surveyor_emulator.aws.ecs.cluster_shapes import format_cluster
from surveyor_emulator.aws.ecs.lookup import ecs_state, find_cluster, invalid_parameter, make_arn, paginate
from surveyor_emulator.aws.ecs.tasks.capacity_providers import FARGATE_PROVIDERS, check_exist, parse_default_strategy
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

if TYPE_CHECKING:
    from mypy_boto3_ecs.type_defs import (
        DescribeCapacityProvidersRequestTypeDef,
        PutClusterCapacityProvidersRequestTypeDef,
    )

__all__ = ["describe_capacity_providers", "put_cluster_capacity_providers"]

MAX_DESCRIBED = 100
PAGE_SIZE = 10


def put_cluster_capacity_providers(call: Call, request: PutClusterCapacityProvidersRequestTypeDef) -> Document:
    """Replace the capacity providers and the default strategy of a cluster. A refused call changes nothing."""
    cluster, providers = find_cluster(call, request["cluster"]), list(request["capacityProviders"])
    check_exist(providers)
    strategy = parse_default_strategy(request["defaultCapacityProviderStrategy"], providers)
    for task in ecs_state(call).tasks.values():
        is_running = task.cluster is cluster and task.status != "STOPPED"
        if is_running and task.capacity_provider is not None and task.capacity_provider not in providers:
            raise ServiceError(
                "ResourceInUseException",
                f"The capacity provider {task.capacity_provider} is in use by tasks and cannot be removed.",
            )
    cluster.capacity_providers = providers
    cluster.capacity_provider_strategy = [dict(entry) for entry in strategy]
    call.note("ecs.cluster.capacity", cluster.name, ", ".join(providers))
    return {"cluster": format_cluster(call, cluster, {"SETTINGS", "ATTACHMENTS"})}


def describe_capacity_providers(call: Call, request: DescribeCapacityProvidersRequestTypeDef) -> Document:
    """Return capacity providers by name or ARN, all by default, a page at a time; unknown ones are failures."""
    known = {make_arn(call, "capacity-provider", name): name for name in FARGATE_PROVIDERS}
    if request.get("cluster"):
        cluster = find_cluster(call, request["cluster"])
        known = {arn: name for arn, name in known.items() if name in cluster.capacity_providers}
    references = request.get("capacityProviders") or list(known)
    if len(references) > MAX_DESCRIBED:
        raise invalid_parameter(f"at most {MAX_DESCRIBED} capacity providers are described at once")
    arns = [text if text.startswith("arn:") else make_arn(call, "capacity-provider", text) for text in references]
    page, token = paginate(arns, {"maxResults": PAGE_SIZE, **request}, PAGE_SIZE)
    answer: dict[str, Any] = {
        "capacityProviders": [
            {"capacityProviderArn": arn, "name": known[arn], "status": "ACTIVE", "tags": []}
            for arn in page
            if arn in known
        ],
        "failures": [{"arn": arn, "reason": "MISSING"} for arn in page if arn not in known],
    }
    return {**answer, "nextToken": token} if token else answer

"""The documented rates of API calls of an account: token buckets, each shared by several operations.

Cloud Map documents rates for its discovery calls only (`surveyor_emulator.aws.cloudmap.discovery` has those).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.token_bucket import TokenBucket
from surveyor_emulator.core.world import Call

__all__ = ["CallBuckets", "CallRate", "limit_call", "rates_of"]


@dataclass(frozen=True, slots=True)
class CallRate:
    """A bucket of `burst` tokens that gains `rate` per second; each call of its operations takes one."""

    name: str
    burst: float
    rate: float
    operations: frozenset[str]


def _rate(name: str, burst: float, rate: float, *operations: str) -> CallRate:
    return CallRate(name, burst, rate, frozenset(operations))


# Amazon ECS API Reference, "Request throttling for the Amazon ECS API".
_ECS = (
    _rate("cluster modify", 20, 1, "CreateCluster", "DeleteCluster", "PutClusterCapacityProviders", "UpdateCluster",
          "UpdateClusterSettings"),
    _rate("cluster read", 50, 20, "DescribeClusters", "ListClusters"),
    _rate("task definition modify", 20, 1, "DeregisterTaskDefinition", "RegisterTaskDefinition"),
    _rate("task definition read", 50, 20, "DescribeTaskDefinition", "ListTaskDefinitions",
          "ListTaskDefinitionFamilies"),
    _rate("task definition deletion", 5, 1, "DeleteTaskDefinitions"),
    _rate("tag modify", 20, 10, "TagResource", "UntagResource"),
    _rate("tag read", 50, 20, "ListTagsForResource"),
    _rate("cluster resource modify", 100, 40, "DeregisterContainerInstance", "RunTask", "StartTask", "StopTask",
          "UpdateContainerInstancesState"),
    _rate("Fargate RunTask", 100, 20, "RunTask"),
    _rate("cluster resource read", 100, 20, "DescribeContainerInstances", "DescribeTasks", "ListContainerInstances",
          "ListTasks"),
    _rate("service modify", 50, 5, "CreateService", "DeleteService", "UpdateService"),
    _rate("service read", 100, 20, "DescribeServices", "ListServices"),
    _rate("service deployment", 50, 20, "DescribeServiceDeployments", "ListServiceDeployments"),
    _rate("service revision", 50, 20, "DescribeServiceRevisions"),
    _rate("service by namespace", 10, 1, "ListServicesByNamespace"),
)  # fmt: skip

# Amazon Route 53 Developer Guide, "Throttling for Amazon Route 53 API requests": one bucket for all calls of an
# account, and one for some operations.
_ROUTE53 = (
    _rate("account", 50, 10),
    _rate("CreateHealthCheck", 50, 0.5, "CreateHealthCheck"),
    _rate("CreateHostedZone", 40, 2, "CreateHostedZone"),
    _rate("DeleteHealthCheck", 15, 3, "DeleteHealthCheck"),
    _rate("DeleteHostedZone", 40, 5, "DeleteHostedZone"),
    _rate("GetHealthCheckStatus", 4, 1, "GetHealthCheckStatus"),
)

# Amazon EC2 Developer Guide, "Request throttling for the Amazon EC2 API": a bucket for each operation.
_EC2_READ, _EC2_WRITE = (100.0, 20.0), (50.0, 5.0)

_RATES: Mapping[str, tuple[CallRate, ...]] = {"ecs": _ECS, "route53": _ROUTE53}

_REFUSALS: Mapping[str, tuple[str, str, int]] = {
    "ecs": ("ThrottlingException", "Rate exceeded", 400),
    "route53": ("Throttling", "Rate exceeded", 400),
    "ec2": ("RequestLimitExceeded", "Request limit exceeded.", 503),
}


def rates_of(service: str, operation: str) -> list[CallRate]:
    """Return the buckets that a call needs a token of; a bucket without operations counts all calls of its service."""
    if service == "ec2":
        burst, rate = _EC2_READ if operation.startswith("Describe") else _EC2_WRITE
        return [_rate(operation, burst, rate, operation)]
    return [rate for rate in _RATES.get(service, ()) if not rate.operations or operation in rate.operations]


@dataclass(slots=True)
class CallBuckets:
    """The buckets of one account and Region, by service and name."""

    buckets: dict[tuple[str, str], TokenBucket] = field(default_factory=dict)


def limit_call(call: Call) -> None:
    """Raise the throttling error of the service if a bucket of this call is empty; else take a token of each."""
    rates = rates_of(call.service, call.operation)
    if not rates:
        return
    state = call.world.regional(CallBuckets, call.creator, call.region)
    buckets = []
    for rate in rates:
        key = (call.service, rate.name)
        bucket = state.buckets.get(key)
        if bucket is None:
            bucket = state.buckets[key] = TokenBucket(rate.rate, rate.burst, rate.burst, call.now)
        buckets.append(bucket)
    if not all(bucket.has_token(call.now) for bucket in buckets):
        code, message, status = _REFUSALS[call.service]
        raise ServiceError(code, message, status=status)
    for bucket in buckets:
        bucket.take(call.now)

"""Settings of deployments beside their strategy: early success criteria, circuit breaker, percentages of daemons.

ecs DeploymentEarlySuccessCriteria, DeploymentCircuitBreaker and ThresholdConfiguration; ECS Developer Guide, Complete
Amazon ECS rolling deployments early, and How the deployment circuit breaker detects failures. Errors are
InvalidParameterException.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from surveyor_emulator.aws.ecs.lookup import invalid_parameter
from surveyor_emulator.aws.ecs.state import Service

__all__ = ["needed_for_success", "parse_circuit_breaker", "parse_early_success", "threshold_of"]

MIN_FAILURES, MAX_FAILURES = 3, 200


def parse_circuit_breaker(configuration: Mapping[str, Any], controller: str) -> dict[str, Any]:
    """Return deploymentCircuitBreaker; it is off by default."""
    breaker = dict(configuration.get("deploymentCircuitBreaker") or {"enable": False, "rollback": False})
    if breaker.get("enable") and controller != "ECS":
        raise invalid_parameter("the deployment circuit breaker needs rolling updates")
    threshold = breaker.get("thresholdConfiguration")
    if threshold is not None:
        maximum = math.inf if threshold["type"] == "COUNT" else 100
        if not 1 <= threshold["value"] <= maximum:
            raise invalid_parameter("the value of a thresholdConfiguration is at least 1, and a percentage at most 100")
    return breaker


def threshold_of(service: Service) -> int:
    """Return the number of failed tasks at which the circuit breaker fails a deployment."""
    configuration = service.circuit_breaker.get("thresholdConfiguration") or {"type": "BOUNDED_PERCENT", "value": 50}
    if configuration["type"] == "COUNT":
        return int(configuration["value"])
    share = math.ceil(service.desired_count * int(configuration["value"]) / 100)
    bounded = configuration["type"] == "BOUNDED_PERCENT"
    return min(max(share, MIN_FAILURES), MAX_FAILURES) if bounded else max(share, 1)


def parse_early_success(configuration: Mapping[str, Any], minimum_percent: int) -> dict[str, Any]:
    """Return earlySuccessCriteria; {} if there are none."""
    criteria = dict(configuration.get("earlySuccessCriteria") or {})
    if not criteria.get("enable"):
        return criteria
    if (configuration.get("strategy") or "ROLLING") != "ROLLING":
        raise invalid_parameter("earlySuccessCriteria can be used only with the rolling deployment strategy.")
    percent, cleanup = criteria.get("healthyPercent"), criteria.get("sourceServiceRevisionCleanup")
    if percent is None or cleanup is None:
        raise invalid_parameter("earlySuccessCriteria need healthyPercent and sourceServiceRevisionCleanup.")
    if not minimum_percent <= percent <= 100:
        raise invalid_parameter(f"healthyPercent must be from minimumHealthyPercent ({minimum_percent}) to 100.")
    return criteria


def needed_for_success(service: Service) -> int:
    """Return how many tasks must be healthy for a deployment to complete: all of them, without early success."""
    criteria = service.early_success
    if not criteria.get("enable"):
        return service.desired_count
    share = math.ceil(service.desired_count * int(str(criteria["healthyPercent"])) / 100)
    return max(share, min(service.desired_count, 1))

"""Strategies that shift traffic to new tasks: BLUE_GREEN at once, CANARY in two steps, LINEAR in equal ones.

ecs DeploymentConfiguration, CanaryConfiguration, LinearConfiguration and DeploymentLifecycleHook; ECS Developer Guide,
Pause hooks and Lambda hooks for Amazon ECS service deployments. Errors are InvalidParameterException.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from surveyor_emulator.aws.ecs.lookup import invalid_parameter
from surveyor_emulator.aws.ecs.state import Hook, LifecycleStage, TrafficStrategy

__all__ = ["LINEAR_MINIMUM", "MAX_HOOKS", "MAX_MINUTES", "parse_strategy", "refuse_without_traffic"]

MAX_MINUTES = 1_440
MAX_PAUSE_MINUTES = 20_160
MAX_HOOKS = 10
"""Hooks of each type (ECS Developer Guide, Pause hooks, Constraints)."""
CANARY_PERCENT, CANARY_MINUTES, CANARY_MINIMUM = 5.0, 10, 0.1
LINEAR_PERCENT, LINEAR_MINUTES, LINEAR_MINIMUM = 10.0, 6, 3.0
_CONFIGURATIONS = {"CANARY": "canaryConfiguration", "LINEAR": "linearConfiguration"}
_WITHOUT_HOOKS = {"SCALE_UP", "BAKE_TIME", "CLEAN_UP"}
_LAMBDA_ONLY = {"TEST_TRAFFIC_SHIFT", "PRODUCTION_TRAFFIC_SHIFT"}
_KEPT = ("bakeTimeInMinutes", "lifecycleHooks", "canaryConfiguration", "linearConfiguration")


def parse_strategy(configuration: Mapping[str, Any]) -> TrafficStrategy | None:
    """Return the strategy of a deploymentConfiguration; None for rolling updates."""
    strategy = configuration.get("strategy") or "ROLLING"
    for owner, name in _CONFIGURATIONS.items():
        if configuration.get(name) is not None and strategy != owner:
            raise invalid_parameter(f"{name} is only valid when the deployment strategy is {owner}, not {strategy}.")
    bake = configuration.get("bakeTimeInMinutes")
    if bake is not None and not 0 <= bake <= MAX_MINUTES:
        raise invalid_parameter(f"bakeTimeInMinutes must be from 0 to {MAX_MINUTES}.")
    if strategy == "ROLLING":
        return None
    if bake is None and strategy == "BLUE_GREEN":
        raise invalid_parameter(f"BLUE_GREEN needs bakeTimeInMinutes, from 0 to {MAX_MINUTES}.")
    percents, minutes = _parse_steps(strategy, configuration)
    hooks = tuple(_parse_hook(hook) for hook in configuration.get("lifecycleHooks") or ())
    for is_lambda in (False, True):
        if sum((hook.function is not None) == is_lambda for hook in hooks) > MAX_HOOKS:
            raise invalid_parameter(f"A service has at most {MAX_HOOKS} lifecycle hooks of a type.")
    kept = {key: configuration[key] for key in _KEPT if key in configuration}
    return TrafficStrategy(percents, minutes * 60.0, (bake or 0) * 60.0, hooks, {"strategy": strategy, **kept})


def refuse_without_traffic(strategy: TrafficStrategy | None, *, shifts_traffic: bool) -> None:
    """Refuse a gradual strategy of a service whose traffic ECS cannot shift."""
    name = strategy.document["strategy"] if strategy is not None else ""
    if name in _CONFIGURATIONS and not shifts_traffic:
        raise invalid_parameter(f"The strategy {name} needs Elastic Load Balancing or Service Connect.")


def _parse_steps(strategy: str, configuration: Mapping[str, Any]) -> tuple[tuple[float, ...], int]:
    """Return the share of the new tasks after each shift, in percent, and the minutes between two shifts."""
    if strategy == "CANARY":
        given = configuration.get("canaryConfiguration") or {}
        percent = _percent(given.get("canaryPercent"), CANARY_PERCENT, CANARY_MINIMUM, "canaryPercent")
        minutes = _minutes(given.get("canaryBakeTimeInMinutes"), CANARY_MINUTES, "canaryBakeTimeInMinutes")
        return ((percent, 100.0) if percent < 100 else (100.0,)), minutes
    if strategy == "LINEAR":
        given = configuration.get("linearConfiguration") or {}
        percent = _percent(given.get("stepPercent"), LINEAR_PERCENT, LINEAR_MINIMUM, "stepPercent")
        minutes = _minutes(given.get("stepBakeTimeInMinutes"), LINEAR_MINUTES, "stepBakeTimeInMinutes")
        tenths = range(round(percent * 10), 1_000, round(percent * 10))
        return (*(step / 10 for step in tenths), 100.0), minutes
    return (100.0,), 0


def _percent(value: float | None, default: float, minimum: float, name: str) -> float:
    percent = default if value is None else float(value)
    tenths = percent * 10
    if not minimum <= percent <= 100 or abs(tenths - round(tenths)) > 1e-6:
        raise invalid_parameter(f"{name} must be a multiple of 0.1 from {minimum} to 100.0.")
    return round(tenths) / 10


def _minutes(value: int | None, default: int, name: str) -> int:
    minutes = default if value is None else value
    if not 0 <= minutes <= MAX_MINUTES:
        raise invalid_parameter(f"{name} must be from 0 to {MAX_MINUTES}.")
    return minutes


def _parse_hook(hook: Mapping[str, Any]) -> Hook:
    kind = hook.get("targetType") or "AWS_LAMBDA"
    stages = frozenset(hook.get("lifecycleStages") or ())
    function = hook.get("hookTargetArn")
    if not stages:
        raise invalid_parameter("A lifecycle hook needs lifecycleStages.")
    known = {*get_args(LifecycleStage)} - _WITHOUT_HOOKS - (_LAMBDA_ONLY if kind == "PAUSE" else set())
    if not stages <= known:
        refused = ", ".join(sorted(stages - known))
        raise invalid_parameter(f"A lifecycle hook of the type {kind} is not supported at {refused}.")
    if kind == "PAUSE" and (function or hook.get("roleArn")):
        raise invalid_parameter("A pause hook has neither hookTargetArn nor roleArn.")
    if kind != "PAUSE" and not (function and hook.get("roleArn")):
        raise invalid_parameter("A Lambda hook needs hookTargetArn and roleArn.")
    timeout = hook.get("timeoutConfiguration") or {}
    maximum = MAX_PAUSE_MINUTES if kind == "PAUSE" else MAX_MINUTES
    minutes = timeout.get("timeoutInMinutes", MAX_MINUTES)
    if not 1 <= minutes <= maximum:
        raise invalid_parameter(f"timeoutInMinutes must be from 1 to {maximum} for a hook of the type {kind}.")
    return Hook(
        stages, minutes * 60.0, timeout.get("action") or "ROLLBACK", function, dict(hook.get("hookDetails") or {})
    )

"""Invalid deployment configurations: each is refused, creates nothing, and leaves a service as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.ecs.conftest import Ecs

ROLE = "arn:aws:iam::111122223333:role/hooks"
FUNCTION = "arn:aws:lambda:us-east-1:111122223333:function:hook"
CANARY, LINEAR = {"strategy": "CANARY"}, {"strategy": "LINEAR"}


def canary(percent: float = 10.0, minutes: int = 1) -> dict[str, Any]:
    """Return a canary."""
    return {**CANARY, "canaryConfiguration": {"canaryPercent": percent, "canaryBakeTimeInMinutes": minutes}}


def linear(percent: float = 10.0, minutes: int = 1) -> dict[str, Any]:
    """Return a linear deployment."""
    return {**LINEAR, "linearConfiguration": {"stepPercent": percent, "stepBakeTimeInMinutes": minutes}}


def hook(**members: Any) -> dict[str, Any]:
    """Return a canary with a pause; a member that is None is left out."""
    pause = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"], **members}
    return {**canary(), "lifecycleHooks": [{name: value for name, value in pause.items() if value is not None}]}


INVALID: dict[str, dict[str, Any]] = {
    "canary of no tenth": canary(0.15),
    "canary of nothing": canary(0.0),
    "canary above all": canary(100.1),
    "canary below nothing": canary(-5.0),
    "step of no tenth": linear(10.05),
    "steps that are too small": linear(2.9),
    "steps that never reach 100": linear(0.0),
    "a wait below nothing": canary(minutes=-1),
    "a wait of more than a day": linear(minutes=1_441),
    "a bake time of more than a day": {**canary(), "bakeTimeInMinutes": 1_441},
    "both configurations": {**canary(), "linearConfiguration": linear()["linearConfiguration"]},
    "the other configuration": {**LINEAR, "canaryConfiguration": canary()["canaryConfiguration"]},
    "a configuration without a strategy": {"linearConfiguration": linear()["linearConfiguration"]},
    "early success of a canary": {
        **canary(),
        "earlySuccessCriteria": {"enable": True, "healthyPercent": 100, "sourceServiceRevisionCleanup": "BLOCKING"},
    },
    "a pause during the shift": hook(lifecycleStages=["PRODUCTION_TRAFFIC_SHIFT"]),
    "a hook at no stage": hook(lifecycleStages=[]),
    "a pause with a function": hook(hookTargetArn=FUNCTION),
    "a function without a role": hook(targetType="AWS_LAMBDA", hookTargetArn=FUNCTION),
    "a function without an ARN": hook(targetType="AWS_LAMBDA", roleArn=ROLE),
    "a time-out of no time": hook(timeoutConfiguration={"timeoutInMinutes": 0}),
    "eleven pauses": {**canary(), "lifecycleHooks": hook()["lifecycleHooks"] * 11},
}


def refused(call: Callable[[], object]) -> str:
    """Return the error code that a call gets."""
    with pytest.raises(ClientError) as error:
        call()
    return str(error.value.response["Error"]["Code"])


@pytest.mark.parametrize("configuration", INVALID.values(), ids=INVALID)
def test_an_invalid_configuration_is_refused(ecs: Ecs, configuration: dict[str, Any]) -> None:
    """CreateService and UpdateService raise InvalidParameterException; a service keeps its configuration."""
    ecs.define()
    assert refused(lambda: ecs.create(count=0, deploymentConfiguration=configuration)) == "InvalidParameterException"
    assert ecs.ecs.list_services(cluster="shop")["serviceArns"] == []
    ecs.create(count=0)
    before = ecs.service()
    update = {"cluster": "shop", "service": "web", "deploymentConfiguration": configuration}
    assert refused(lambda: ecs.ecs.update_service(**update)) == "InvalidParameterException"
    after = ecs.service()
    assert after["deploymentConfiguration"] == before["deploymentConfiguration"]
    assert len(after["deployments"]) == 1


@pytest.mark.parametrize("strategy", [canary(), linear()], ids=["canary", "linear"])
def test_where_traffic_cannot_be_shifted(ecs: Ecs, strategy: dict[str, Any]) -> None:
    """Without Service Connect and a load balancer, with a registry, and for daemons the strategies are refused."""
    ecs.define()
    ecs.define(family="host", mode="bridge")
    registry = [{"registryArn": ecs.registry()["Arn"]}]
    settings: dict[str, Any] = {"deploymentConfiguration": strategy}
    assert refused(lambda: ecs.create(count=0, **settings)) == "InvalidParameterException"
    assert refused(lambda: ecs.create(count=0, serviceRegistries=registry, **settings)) == "InvalidParameterException"
    daemon: dict[str, Any] = {
        "schedulingStrategy": "DAEMON", "launchType": "EC2", "networkConfiguration": None, "count": None,
    }  # fmt: skip
    assert refused(lambda: ecs.create("host", **daemon, **settings)) == "InvalidParameterException"
    assert ecs.ecs.list_services(cluster="shop")["serviceArns"] == []

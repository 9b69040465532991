"""The gate at a running deployment of the embedded target: one goes on, one is rolled back, one waits at a hook."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from surveyor.errors import SurveyorError, UsageError
from surveyor.gate.deployment_actions import act, service_of
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target

ACCOUNT = "333333333333"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """A target of which each test uses a service of its own."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        target.clients.client("ecs", ACCOUNT).create_cluster(clusterName="shop")
        yield target


@pytest.fixture
def ecs(running: RunningTarget) -> Any:
    """Its ECS."""
    return running.clients.client("ecs", ACCOUNT)


def define(ecs: Any, say: str) -> str:
    """A task definition that says something else each time."""
    app = {"name": "app", "image": "python", "command": ["python", "-c", f"import time; time.sleep(9e9)  # {say}"]}
    made = ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[app],
    )  # fmt: skip
    return str(made["taskDefinition"]["taskDefinitionArn"])


def service(running: RunningTarget, ecs: Any, name: str, definition: str, **more: Any) -> None:
    """A steady service of two tasks."""
    subnets = running.clients.client("ec2", ACCOUNT).describe_subnets()["Subnets"]
    network = {"awsvpcConfiguration": {"subnets": [one["SubnetId"] for one in subnets], "securityGroups": []}}
    ecs.create_service(
        cluster="shop", serviceName=name, taskDefinition=definition, desiredCount=2, launchType="FARGATE",
        networkConfiguration=network, **more,
    )  # fmt: skip
    running.clock.wait(120)


def state(ecs: Any, name: str) -> tuple[str, str]:
    """What the service's tasks run, and how its newest deployment's state is told."""
    arns = ecs.list_tasks(cluster="shop", serviceName=name)["taskArns"]
    run = {one["taskDefinitionArn"] for one in ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]}
    told = ecs.list_service_deployments(cluster="shop", service=name)["serviceDeployments"]
    [only] = run
    return only, str(told[0]["status"])


def test_an_open_gate_lets_a_rolling_deployment_go_on(running: RunningTarget, ecs: Any) -> None:
    """Nothing is sent, and it ends as it would have."""
    old, new = define(ecs, "old"), define(ecs, "new")
    service(running, ecs, "goes-on", old)
    ecs.update_service(cluster="shop", service="goes-on", taskDefinition=new)
    running.clock.wait(10)
    assert act(ecs, "shop", "goes-on", is_open=True).what == "left-alone"
    running.clock.wait(180)
    assert state(ecs, "goes-on") == (new, "SUCCESSFUL")


def test_a_closed_gate_rolls_a_rolling_deployment_back(running: RunningTarget, ecs: Any) -> None:
    """StopServiceDeployment with ROLLBACK: the old definition runs again, and nothing goes on any more."""
    old, new = define(ecs, "old"), define(ecs, "new")
    service(running, ecs, "goes-back", old)
    ecs.update_service(cluster="shop", service="goes-back", taskDefinition=new)
    running.clock.wait(10)
    going = ecs.list_service_deployments(cluster="shop", service="goes-back", status=["IN_PROGRESS"])
    arn = going["serviceDeployments"][0]["serviceDeploymentArn"]
    assert act(ecs, "shop", "goes-back", is_open=False).what == "rolled-back"
    running.clock.wait(5)
    told = ecs.list_service_deployments(cluster="shop", service="goes-back")["serviceDeployments"]
    assert [(one["serviceDeploymentArn"] == arn, one["status"]) for one in told] == [
        (True, "ROLLBACK_IN_PROGRESS"), (False, "SUCCESSFUL"),
    ]  # fmt: skip
    assert act(ecs, "shop", "goes-back", is_open=False).what == "nothing"  # going back is none of its own
    running.clock.wait(180)
    assert state(ecs, "goes-back")[0] == old
    [ended] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    assert ended["status"] == "ROLLBACK_SUCCESSFUL"
    assert act(ecs, "shop", "goes-back", is_open=False).what == "nothing"
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)


@pytest.mark.parametrize(("is_open", "what"), [(True, "continued"), (False, "rolled-back")])
def test_a_deployment_that_waits_at_a_hook_is_answered(
    running: RunningTarget, ecs: Any, is_open: bool, what: str
) -> None:
    """CONTINUE or ROLLBACK, by the verdict."""
    old, new = define(ecs, "old"), define(ecs, "new")
    name = f"paused-{what}"
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    blue_green = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    service(running, ecs, name, old)
    ecs.update_service(cluster="shop", service=name, taskDefinition=new, deploymentConfiguration=blue_green)
    running.clock.wait(120)
    assert act(ecs, "shop", name, is_open=is_open).what == what
    running.clock.wait(300)
    assert state(ecs, name)[0] == (new if is_open else old)


def test_what_is_not_there_is_one_line(ecs: Any) -> None:
    """A service that ECS does not know, and words that name none."""
    with pytest.raises(SurveyorError, match="was refused: ServiceNotFoundException"):
        act(ecs, "shop", "nobody", is_open=True)
    for text in ("shop", "/web", "shop/", "a/b/c"):
        with pytest.raises(UsageError, match="--ecs is CLUSTER/SERVICE"):
            service_of(text)

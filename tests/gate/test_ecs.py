"""The gate acts on a deployment of the embedded target: continue, roll back, answer a hook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from surveyor import timeouts
from surveyor.errors import SurveyorError, UsageError
from surveyor.gate import GateEvidence, Rules, Threshold
from surveyor.gate.decision import Decision
from surveyor.gate.deployment_actions import GateAction, parse_service
from surveyor.gate.deployments import find_deployment
from surveyor.gate.judging import GatedService, judge_runs
from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from surveyor.verdicts import Verdict

pytestmark = pytest.mark.soak  # each test starts a service

ACCOUNT = "333333333333"


@pytest.fixture(scope="module")
def running() -> Iterator[RunningTarget]:
    """Run a target; each test uses a separate service."""
    with run_target(load_target("embedded", find_layout().targets), 7) as target:
        target.clients.client("ecs", ACCOUNT).create_cluster(clusterName="shop")
        yield target


@pytest.fixture(autouse=True)
def _reads_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeouts, "READ_AGAIN", 0.01)


@pytest.fixture
def ecs(running: RunningTarget) -> Any:
    """Return the ECS client of the target."""
    return running.clients.client("ecs", ACCOUNT)


def define(ecs: Any, comment: str) -> str:
    """Register a task definition that differs by its comment, and return its ARN."""
    app = {"name": "app", "image": "python", "command": ["python", "-c", f"import time; time.sleep(9e9)  # {comment}"]}
    response = ecs.register_task_definition(
        family="web", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
        containerDefinitions=[app],
    )  # fmt: skip
    return str(response["taskDefinition"]["taskDefinitionArn"])


def service(running: RunningTarget, ecs: Any, name: str, definition: str, **more: Any) -> None:
    """Create a service of two tasks, and wait until it is steady."""
    subnets = running.clients.client("ec2", ACCOUNT).describe_subnets()["Subnets"]
    network = {"awsvpcConfiguration": {"subnets": [subnet["SubnetId"] for subnet in subnets], "securityGroups": []}}
    ecs.create_service(
        cluster="shop", serviceName=name, taskDefinition=definition, desiredCount=2, launchType="FARGATE",
        networkConfiguration=network, **more,
    )  # fmt: skip
    running.clock.wait(120)


def state(ecs: Any, name: str) -> tuple[str, str]:
    """Return the task definition of the service's tasks, and the status of its newest deployment."""
    arns = ecs.list_tasks(cluster="shop", serviceName=name)["taskArns"]
    running = {task["taskDefinitionArn"] for task in ecs.describe_tasks(cluster="shop", tasks=arns)["tasks"]}
    deployments = ecs.list_service_deployments(cluster="shop", service=name)["serviceDeployments"]
    [definition] = running
    return definition, str(deployments[0]["status"])


def gate(running: RunningTarget, ecs: Any, name: str, *, is_open: bool) -> Decision:
    """Return the decision of a gate whose only threshold, on a claim, is met or not, on a service of `shop`."""
    rules = Rules((Threshold(claim="x"),))
    evidence = GateEvidence(claims={"x": Verdict.PASS if is_open else Verdict.FAIL})
    return judge_runs(rules, evidence, GatedService("shop", name, lambda _: ecs, running.clock))


def act(running: RunningTarget, ecs: Any, name: str, *, is_open: bool) -> GateAction:
    """Return what a gate does with the deployment of a service."""
    action = gate(running, ecs, name, is_open=is_open).action
    assert action is not None
    return action


@pytest.mark.soak
def test_an_open_gate_lets_a_rolling_deployment_continue(running: RunningTarget, ecs: Any) -> None:
    """No call is sent, and the deployment succeeds."""
    old, new = define(ecs, "old"), define(ecs, "new")
    service(running, ecs, "continues", old)
    ecs.update_service(cluster="shop", service="continues", taskDefinition=new)
    running.clock.wait(10)
    assert act(running, ecs, "continues", is_open=True).what == "left-alone"
    running.clock.wait(180)
    assert state(ecs, "continues") == (new, "SUCCESSFUL")


@pytest.mark.soak
def test_a_closed_gate_rolls_a_rolling_deployment_back(running: RunningTarget, ecs: Any) -> None:
    """StopServiceDeployment with ROLLBACK restores the old definition, and no deployment is in progress then."""
    old, new = define(ecs, "old"), define(ecs, "new")
    service(running, ecs, "goes-back", old)
    ecs.update_service(cluster="shop", service="goes-back", taskDefinition=new)
    running.clock.wait(10)
    in_progress = ecs.list_service_deployments(cluster="shop", service="goes-back", status=["IN_PROGRESS"])
    arn = in_progress["serviceDeployments"][0]["serviceDeploymentArn"]
    assert act(running, ecs, "goes-back", is_open=False).what == "rolled-back"
    running.clock.wait(5)
    deployments = ecs.list_service_deployments(cluster="shop", service="goes-back")["serviceDeployments"]
    assert [(deployment["serviceDeploymentArn"] == arn, deployment["status"]) for deployment in deployments] == [
        (True, "ROLLBACK_IN_PROGRESS"), (False, "SUCCESSFUL"),
    ]  # fmt: skip
    assert act(running, ecs, "goes-back", is_open=False).what == "nothing"  # a rollback is not a separate deployment
    running.clock.wait(180)
    assert state(ecs, "goes-back")[0] == old
    [ended] = ecs.describe_service_deployments(serviceDeploymentArns=[arn])["serviceDeployments"]
    assert ended["status"] == "ROLLBACK_SUCCESSFUL"
    assert act(running, ecs, "goes-back", is_open=False).what == "nothing"
    with pytest.raises(ecs.exceptions.ConflictException):
        ecs.stop_service_deployment(serviceDeploymentArn=arn)


class Late:
    """An ECS client whose first lists, or first descriptions, are from before the deployment."""

    def __init__(self, ecs: Any, operation: str) -> None:
        self._ecs, self._late = ecs, [operation]

    def __getattr__(self, name: str) -> Any:
        if name in self._late:
            self._late.remove(name)
            return lambda **_: {"serviceDeployments": []}
        return getattr(self._ecs, name)


@pytest.mark.parametrize("operation", ["list_service_deployments", "describe_service_deployments"])
def test_a_deployment_that_has_just_begun_is_read_again(running: RunningTarget, ecs: Any, operation: str) -> None:
    """Reads may show the state before the deployment: a closed gate does not say that there is none at once."""
    old, new = define(ecs, "old"), define(ecs, "new")
    name = f"late-{operation.partition('_')[0]}"
    service(running, ecs, name, old)
    ecs.update_service(cluster="shop", service=name, taskDefinition=new)
    late: Any = Late(ecs, operation)
    assert act(running, late, name, is_open=False).what == "rolled-back"


@pytest.mark.soak
@pytest.mark.parametrize(("is_open", "what"), [(True, "continued"), (False, "rolled-back")])
def test_a_deployment_that_waits_at_a_hook_is_answered(
    running: RunningTarget, ecs: Any, is_open: bool, what: str
) -> None:
    """The hook gets CONTINUE from an open gate and ROLLBACK from a closed gate."""
    old, new = define(ecs, "old"), define(ecs, "new")
    name = f"paused-{what}"
    hook = {"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"]}
    blue_green = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    service(running, ecs, name, old)
    ecs.update_service(cluster="shop", service=name, taskDefinition=new, deploymentConfiguration=blue_green)
    running.clock.wait(120)
    assert act(running, ecs, name, is_open=is_open).what == what
    running.clock.wait(300)
    assert state(ecs, name)[0] == (new if is_open else old)


@pytest.mark.soak
@pytest.mark.parametrize("action", ["CONTINUE", "ROLLBACK"])
def test_a_hook_without_an_answer_expires(running: RunningTarget, ecs: Any, action: str) -> None:
    """ECS reports when, and does then what the configuration says."""
    old, new = define(ecs, "old"), define(ecs, "new")
    name = f"expires-{action.lower()}"
    hook = {
        "targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP"],
        "timeoutConfiguration": {"timeoutInMinutes": 5, "action": action},
    }  # fmt: skip
    blue_green = {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 0, "lifecycleHooks": [hook]}
    service(running, ecs, name, old)
    ecs.update_service(cluster="shop", service=name, taskDefinition=new, deploymentConfiguration=blue_green)
    running.clock.wait(120)
    found = find_deployment(ecs, "shop", name, running.clock.now())
    assert found is not None
    assert found.hook is not None
    assert found.hook.remaining is not None
    assert 150 < found.hook.remaining <= 300
    assert found.hook.on_timeout == action
    running.clock.wait(600)
    assert state(ecs, name)[0] == (new if action == "CONTINUE" else old)


@pytest.mark.soak
@pytest.mark.parametrize("rolls_back", [True, False])
def test_the_own_alarms_of_a_deployment(running: RunningTarget, ecs: Any, rolls_back: bool) -> None:
    """ECS fails the deployment when one is in ALARM; a gate names it, and does not judge one that was so before."""
    cloudwatch = running.clients.client("cloudwatch", ACCOUNT)
    old, new = define(ecs, "old"), define(ecs, "new")
    name = f"alarmed-{rolls_back}"
    cloudwatch.put_metric_alarm(
        AlarmName=name, MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
    )  # fmt: skip
    service(running, ecs, name, old)
    configured = {"alarms": {"alarmNames": [name], "enable": True, "rollback": rolls_back}}
    ecs.update_service(cluster="shop", service=name, taskDefinition=new, deploymentConfiguration=configured)
    running.clock.wait(2)
    found = find_deployment(ecs, "shop", name, running.clock.now())
    assert found is not None
    assert (found.alarms, found.triggered) == ((name,), ())
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a test")
    running.clock.wait(20)
    rules = Rules((Threshold(alarm="deployment"),))
    decision = judge_runs(rules, GateEvidence(), GatedService("shop", name, clients(running, ecs), running.clock))
    assert not decision.is_open
    [result] = decision.results
    assert (result.verdict, result.actual) == (Verdict.FAIL, f"ECS saw in ALARM: {name}")
    status = "ROLLBACK_IN_PROGRESS" if rolls_back else "STOPPED"
    assert f"({status}: " in decision.reason
    assert "alarm detected" in decision.reason
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="a test")
    rules = Rules((Threshold(alarm=name),))
    decision = judge_runs(rules, GateEvidence(), GatedService("shop", name, clients(running, ecs), running.clock))
    [result] = decision.results
    assert result.verdict is Verdict.FAIL
    assert result.actual.startswith("ALARM at ")


@pytest.mark.soak
def test_the_history_of_an_alarm(running: RunningTarget) -> None:
    """Each change of its state is in pages, the newest first, with the time of the service."""
    cloudwatch = running.clients.client("cloudwatch", ACCOUNT)
    name = "rings"
    cloudwatch.put_metric_alarm(
        AlarmName=name, MetricName="m", Namespace="n", Period=60, EvaluationPeriods=1, Threshold=1,
        ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
    )  # fmt: skip
    began = running.clock.now()
    for state in ("ALARM", "ALARM", "OK"):
        running.clock.wait(60)
        cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="a test")
    about = {"AlarmName": name, "HistoryItemType": "StateUpdate", "MaxRecords": 1}
    first = cloudwatch.describe_alarm_history(**about)
    second = cloudwatch.describe_alarm_history(**about, NextToken=first["NextToken"])
    assert "NextToken" not in second
    items = [*first["AlarmHistoryItems"], *second["AlarmHistoryItems"]]
    assert [item["HistorySummary"][-11:] for item in items] == ["ALARM to OK", "OK to ALARM"]
    assert [json.loads(item["HistoryData"])["newState"]["stateValue"] for item in items] == ["OK", "ALARM"]
    for item, seconds in zip(items, (180, 60), strict=True):
        assert item["Timestamp"].timestamp() - began == pytest.approx(seconds, abs=30)
    since = {"StartDate": items[0]["Timestamp"] - timedelta(seconds=1)}
    assert len(cloudwatch.describe_alarm_history(AlarmName=name, **since)["AlarmHistoryItems"]) == 1
    assert cloudwatch.describe_alarm_history(AlarmName=name, AlarmTypes=["CompositeAlarm"])["AlarmHistoryItems"] == []


def clients(running: RunningTarget, ecs: Any) -> Any:
    """Return what creates clients, with this one of ECS."""
    return lambda name: ecs if name == "ecs" else running.clients.client(name, ACCOUNT)


def test_an_unknown_service_is_reported_in_one_line(running: RunningTarget, ecs: Any) -> None:
    """A service that ECS does not know, and text that is not CLUSTER/SERVICE."""
    with pytest.raises(SurveyorError, match="was refused with ServiceNotFoundException"):
        act(running, ecs, "unknown", is_open=True)
    for text in ("shop", "/web", "shop/", "a/b/c"):
        with pytest.raises(UsageError, match="--ecs: expected CLUSTER/SERVICE"):
            parse_service(text)

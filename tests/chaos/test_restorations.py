"""Undoing restores only what still is as the fault left it; a change by another user stays, and is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor.chaos.actions import ActionContext, FaultFailed, Restoration, dump_action, load_action, perform
from surveyor.chaos.experiment_run import ExperimentRun
from surveyor.chaos.leftovers import LeftBehind
from surveyor.chaos.restorations import RESTORATIONS
from surveyor.chaos.safety_limits import SafetyLimits
from surveyor.chaos.undo_log import open_entries
from tests.chaos.counted_service import CountedService, experiment_with


@pytest.fixture
def service() -> CountedService:
    """Return a service of four tasks."""
    return CountedService(4)


@pytest.fixture
def lines() -> list[str]:
    """Return the lines that the run prints."""
    return []


@pytest.fixture
def run(service: CountedService, lines: list[str], tmp_path: Path) -> Iterator[ExperimentRun]:
    """Yield an experiment run with the service."""
    with experiment_with(service, tmp_path, SafetyLimits(max_task_share=1.0, min_healthy=0)) as run:
        run.print_line = lines.append
        yield run


def test_a_count_that_another_user_set_stays(run: ExperimentRun, service: CountedService, lines: list[str]) -> None:
    """The desired count is set back after a fault, but not if it is no more what the fault has set."""
    with run.fault("service.scale", count=6):
        pass
    assert service.desired == 4
    with run.fault("service.scale", count=6):
        service.desired = 7
    assert service.desired == 7
    assert lines[-1] == (
        "invented: not undone, since another user changed it: the desired count of web is 7, the fault set 6"
    )


def test_a_read_from_before_the_fault_does_not_keep_it(run: ExperimentRun, service: CountedService) -> None:
    """A read that lags shows the count from before the fault: it is written all the same."""
    with run.fault("service.scale", count=6):
        service.desired = 4
    assert service.changes == ["UpdateService 6", "UpdateService 4"]


def test_ttls_are_restored_one_by_one(run: ExperimentRun, service: CountedService, lines: list[str]) -> None:
    """Only the TTL that the fault set is set back; another one and a new description stay."""
    service.ttls = {"A": 60, "SRV": 30}
    with run.fault("registry.ttl"):
        assert service.ttls == {"A": 300, "SRV": 300}
        service.ttls["SRV"] = 5
        service.description = "new"
    assert (service.ttls, service.description) == ({"A": 60, "SRV": 5}, "new")
    assert "the TTL of the SRV records is 5 s, not the 300 s of the fault" in lines[-1]


def test_a_task_that_stopped_is_not_registered_again(
    run: ExperimentRun, service: CountedService, lines: list[str]
) -> None:
    """Registering it again would make a ghost; a task that runs is registered as it was."""
    first, second = run.pick(2)
    before = dict(service.instances)
    with run.fault("registry.deregister-live", [first, second]):
        assert not {first.id, second.id} & service.instances.keys()
        service.tasks[first.id] = "STOPPED"
    assert service.instances == {name: known for name, known in before.items() if name != first.id}
    assert "has stopped meanwhile: it was not registered again" in "".join(lines)
    run.check_leftovers()


def test_a_task_that_stops_while_it_is_registered_again_leaves_nothing(
    run: ExperimentRun, service: CountedService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The task is looked at again after its registration, and deregistered if it has stopped."""
    [victim] = run.pick(1)
    register = service.register_instance

    def and_stop(**params: Any) -> dict[str, Any]:
        service.tasks[victim.id] = "STOPPED"
        return register(**params)

    with run.fault("registry.deregister-live", [victim]):
        monkeypatch.setattr(service, "register_instance", and_stop)
    assert victim.id not in service.instances


def test_an_instance_of_another_user_stays(run: ExperimentRun, service: CountedService, lines: list[str]) -> None:
    """An instance that another user registered in place of the fault stays; one that was there is not overwritten."""
    with run.fault("registry.ghost", address="192.0.2.1"):
        service.instances["ghost"] = {"AWS_INSTANCE_IPV4": "10.0.0.1"}
    assert service.instances["ghost"] == {"AWS_INSTANCE_IPV4": "10.0.0.1"}
    assert "the instance ghost has the address 10.0.0.1, the fault set 192.0.2.1" in lines[-1]
    with pytest.raises(FaultFailed, match="the instance ghost exists already"), run.fault("registry.ghost"):
        raise AssertionError("it was overwritten")


def test_an_instance_without_a_task_is_left_behind(run: ExperimentRun, service: CountedService) -> None:
    """What faults have touched and stays without a task is named; other instances without a task are not."""
    service.instances["theirs"] = {}
    with run.fault("registry.ghost"):
        assert service.instances["ghost"]["AWS_INSTANCE_IPV4"] == "192.0.2.1", "no loopback address of the clients"
    run.check_leftovers()
    service.instances["ghost"] = {}
    with pytest.raises(LeftBehind, match=r"instances without a task: ghost in the registry srv-1; remove them with"):
        run.check_leftovers()


@pytest.mark.parametrize("what", ["count", "definition", "ttls", "instance", "registration"])
def test_a_restoration_survives_the_undo_log(what: str) -> None:
    """A restoration is the same after a round trip through JSON."""
    action = Restoration(what, {"service": "web", "before": {"A": 60}, "after": 300})
    assert load_action(json.loads(json.dumps(dump_action(action)))) == action
    assert all(":" in call for call in action.calls)


@pytest.mark.parametrize("fault", ["service.scale", "registry.ttl", "registry.ghost", "registry.deregister-live"])
def test_a_runner_that_is_killed_while_undoing_is_no_harm(
    run: ExperimentRun, service: CountedService, fault: str
) -> None:
    """What was undone, and not noted in the undo log any more, is undone again: all is as it was before."""
    before = (service.desired, dict(service.ttls), dict(service.instances))
    with run.fault(fault, run.pick(2) if fault == "registry.deregister-live" else ()):
        assert (service.desired, dict(service.ttls), dict(service.instances)) != before
        [entry] = open_entries(run.undo_log.path)
    for action in entry.undo:
        assert perform(action, run.context, undoing=True).left == ""
    assert (service.desired, dict(service.ttls), dict(service.instances)) == before


def test_a_service_that_is_gone_needs_no_undo(service: CountedService) -> None:
    """A service that was deleted meanwhile is not restored, and that is no failure."""
    context = ActionContext(service.client, None)
    service.describe_services = lambda **_: {"services": [{"status": "INACTIVE"}]}  # type: ignore[method-assign]  # as if it were deleted
    names = {"cluster": "shop", "service": "web", "before": 4, "after": 6}
    assert perform(Restoration("count", names), context, undoing=True).left == ""
    assert service.changes == []


class ShiftingEcs:
    """An ECS with a service whose deployments shift traffic; `in_progress`: the ARNs of those that are not over."""

    def __init__(self, *in_progress: str, strategy: str = "CANARY") -> None:
        self.in_progress, self.strategy, self.calls = in_progress, strategy, list[tuple[str, str]]()

    def describe_services(self, **_: Any) -> dict[str, Any]:
        """Describe the service, which deploys the task definition of the fault."""
        configuration = {"strategy": self.strategy}
        service = {"status": "ACTIVE", "taskDefinition": "web:2", "deploymentConfiguration": configuration}
        return {"services": [service]}

    def list_service_deployments(self, **_: Any) -> dict[str, Any]:
        """List the deployments that are in progress."""
        return {"serviceDeployments": [{"serviceDeploymentArn": arn} for arn in self.in_progress]}

    def stop_service_deployment(self, **params: str) -> None:
        """Note the call."""
        self.calls.append((params["serviceDeploymentArn"], params["stopType"]))

    def update_service(self, **params: str) -> dict[str, Any]:
        """Note the call."""
        self.calls.append(("update", params["taskDefinition"]))
        return {}


@pytest.mark.parametrize(
    ("ecs", "calls"),
    [
        (ShiftingEcs("arn"), [("arn", "ROLLBACK")]),
        (ShiftingEcs(), [("update", "web:1")]),
        (ShiftingEcs("arn", strategy="ROLLING"), [("update", "web:1")]),
    ],
)
def test_a_deployment_that_shifts_traffic_is_rolled_back(ecs: ShiftingEcs, calls: list[tuple[str, str]]) -> None:
    """The task definition of a fault is taken back by a rollback while its deployment shifts traffic, else deployed."""
    params = {"cluster": "shop", "service": "web", "before": "web:1", "after": "web:2"}
    assert RESTORATIONS["definition"].restore(lambda name: ecs, params).left == ""
    assert ecs.calls == calls

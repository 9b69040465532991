"""Faults that tasks inject into their network, as experiments and on a service that does not allow them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.chaos import Experiment, ExperimentRun, ServiceSetup, no_ghost
from surveyor.chaos.actions import FaultFailed
from surveyor.chaos.assembly import ExperimentSettings, run_experiment
from surveyor.checkers import read_judgement
from surveyor.errors import Inconclusive
from surveyor.history import Outcome, load_history
from surveyor.observers.existing_service import find_service
from surveyor.pytest_plugin.options import Chaos
from tests.chaos.shared_service import ACCOUNT, SharedService, shared_service
from tests.chaos.test_command import surveyor

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def shared() -> Iterator[SharedService]:
    """Yield a service of two tasks, whose definition does not enable fault injection."""
    with shared_service() as service:
        yield service


def test_a_task_that_does_not_enable_it_is_not_disturbed(shared: SharedService, tmp_path: Path) -> None:
    """The experiment ends with what the agent of the task says, and its history with the failed fault."""

    def delay(run: ExperimentRun) -> None:
        with run.fault("net.latency", run.pick(1)):
            run.wait(5)

    settings = ExperimentSettings(
        running=shared.running, client=shared.client, options=Chaos(max_error_rate=0.9), target="embedded",
        target_arguments=(), seed=7, run="r1", folder=tmp_path, worker="main", consumer_account=str,
        limited_credentials=lambda: dict,
    )  # fmt: skip
    service = find_service(shared.client, ACCOUNT, shared.running.target.region, "shop/web")
    experiment = Experiment(
        "slow", "It is slow.", ServiceSetup(warm_up=1), (no_ghost(after=15),), ("net.latency",), delay
    )
    # Inconclusive if this machine did not keep up meanwhile.
    with pytest.raises(
        (FaultFailed, Inconclusive),
        match=r"do=start.* its agent answered 400: .*enableFaultInjection is not enabled for task",
    ):
        run_experiment(experiment, service, settings)
    path = settings.history_of(experiment)
    assert "enableFaultInjection" in read_judgement(path).stopped
    assert [fault.outcome for fault in load_history(path).faults] == [Outcome.INFO]


def test_a_black_hole_ends_itself(tmp_path: Path) -> None:
    """Calls to the victim get no answer while the black hole lasts, and answers after it; the undo says when."""
    run = surveyor("chaos", "blackholed-port", "--out", str(tmp_path))
    assert run.returncode in (0, 1), run.stdout + run.stderr  # 1: a busy machine lets checks be inconclusive
    history = load_history(tmp_path / "histories" / "blackholed-port.jsonl")
    [fault], [undo] = history.faults, history.undos
    assert undo.outcome is Outcome.OK
    assert undo.end - fault.end >= 40
    silent = {call.address for call in history.calls if call.outcome is Outcome.INFO}
    assert len(silent) == 1
    after = [call for call in history.calls if call.begin > undo.end and call.address in silent]
    assert any(call.outcome is Outcome.OK for call in after)

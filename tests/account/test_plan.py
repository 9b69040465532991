"""What `--plan` says before a run, beside what the run does on an account in use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.claims.selection import Selection
from surveyor.conformance.plan import Plan, make_plan
from surveyor.conformance.pytest_run import RunConfig
from surveyor.conformance.rehearsal import rehearse
from surveyor.conformance.run import run_suites
from surveyor.layout import find_layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.targets import load_target
from surveyor.targets.options import TargetOptions
from surveyor.targets.process import start
from tests.account.conftest import ACCOUNT, TARGETS, EmulatorAccount

LAYOUT = find_layout()
SELECTION = Selection((), ("instances.register-again-updates",))


@contextmanager
def account_in_use(scale: int) -> Iterator[EmulatorAccount]:
    """Run the profile of an account in use with `scale` service seconds in each wall second."""
    command = load_target("staging", TARGETS).start
    assert command is not None
    argv = [str(scale) if word == "30" else word for word in command.argv]
    started = start("staging", replace(command, argv=tuple(argv)), seed=7)
    try:
        yield EmulatorAccount(started.endpoint, started.token)
    finally:
        started.stop()


def plan_of(selection: Selection, workers: int) -> Plan:
    """Return the plan of a run on AWS."""
    target = load_target("aws", TARGETS, TargetOptions(account=ACCOUNT))
    rehearsal = rehearse(target, selection, LAYOUT, Collector(), workers)
    return make_plan(rehearsal.results, (), workers)


@pytest.mark.soak
def test_a_plan_is_what_the_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls, minutes and dollars differ by less than a quarter."""
    with account_in_use(10) as account:
        for name, value in account.environment.items():
            monkeypatch.setenv(name, value)
        options = TargetOptions(account=ACCOUNT, endpoint=account.endpoint, dns="control")
        collector = Collector()
        run_suites(RunConfig(LAYOUT, "aws", tmp_path / "run", SELECTION, 1, target_options=options), collector)
    done, planned = make_plan(collector.finished(), (), 1), plan_of(SELECTION, 1)
    assert done.tests == planned.tests > 1
    assert sum(done.calls.values()) == pytest.approx(sum(planned.calls.values()), rel=0.25)
    assert done.minutes == pytest.approx(planned.minutes, rel=0.25)
    assert done.dollars == pytest.approx(planned.dollars, rel=0.25)


def test_an_interrupted_rehearsal_is_no_plan() -> None:
    """What a part of a run did is not taken for the whole."""
    target = load_target("aws", TARGETS, TargetOptions(account=ACCOUNT))
    with pytest.raises(KeyboardInterrupt):
        rehearse(target, SELECTION, LAYOUT, Collector(), perform=lambda *_: int(pytest.ExitCode.INTERRUPTED))


@pytest.mark.soak
def test_a_plan_has_the_calls_of_the_end() -> None:
    """One of the workers searches the account for what is in no ledger, as a run does once."""
    target = load_target("aws", TARGETS, TargetOptions(account=ACCOUNT))
    rehearsal = rehearse(target, SELECTION, LAYOUT, Collector(), 2)
    calls = make_plan(rehearsal.results, rehearsal.facts, 2).calls
    assert calls["ecs:ListClusters"] == calls["ram:GetResourceShares"] == 1
    assert "iam:ListRoles" not in calls

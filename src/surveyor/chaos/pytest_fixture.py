"""The pytest fixtures and hooks of experiments: they find the experiment and its service, and run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from surveyor.chaos.assembly import HISTORIES, ExperimentSettings, run_experiment
from surveyor.chaos.experiment import EXPERIMENT_MARK, Experiment
from surveyor.chaos.experiment_run import ExperimentRun
from surveyor.chaos.experiment_service import create_service
from surveyor.chaos.safety_limits import check_opt_in, permit_faults
from surveyor.observers.existing_service import find_service
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.pytest_plugin.options import SETTINGS, is_experiment
from surveyor.pytest_plugin.session import ledger_folder, worker_name
from surveyor.pytest_plugin.verdict import FEATURES, HISTORY
from surveyor.targets.running import RunningTarget

__all__: list[str] = []

API_FAULTS = ("registry.throttle", "registry.unavailable", "registry.stale", "registry.fail-once", "registry.partial",
              "registry.empty", "registry.expired-token", "permission.", "clock.")  # fmt: skip
"""Faults that only callers by API can notice."""


def _experiment_of(item: pytest.Item) -> Experiment:
    chaos, mark = item.config.stash[SETTINGS].chaos, item.get_closest_marker(EXPERIMENT_MARK)
    assert mark is not None, "a test of chaos/ without the marker is refused at collection"
    title, setup, checks, faults, name = mark.args
    faults = faults or chaos.faults
    if any(fault.startswith("proxy.") for fault in faults):
        setup = replace(setup, service_connect=True)
    if any(fault.startswith(API_FAULTS) for fault in faults):
        setup = replace(setup, resolve_by="api")
    if any(fault.startswith("net.") for fault in faults):
        setup = replace(setup, fault_injection=True)
    name = name or item.path.stem.replace("_", "-")
    return Experiment(name, title, setup.with_task_settings(chaos.task_settings), checks, faults, file=item.path)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Record the features that an experiment needs."""
    if is_experiment(item) and item.get_closest_marker(EXPERIMENT_MARK) is not None:
        setup = _experiment_of(item).setup
        proxies = {"service-connect"} if setup.service_connect or setup.resolve_by == "connect" else set()
        item.stash[FEATURES] = frozenset({"cloudmap", "ecs", "ecs-processes"} | proxies)


@pytest.fixture
def service_under_test(
    request: pytest.FixtureRequest, running_target: RunningTarget, client: Callable[..., Any], account: str
) -> ServiceUnderTest:
    """Return the service, with its tasks running. Raises UsageError if it does not exist or has not opted in."""
    options = request.config.stash[SETTINGS].chaos
    name = options.service
    if not name:
        return create_service(request.getfixturevalue, running_target, account, _experiment_of(request.node).setup)
    service = find_service(client, account, running_target.target.region, name, options.path)
    check_opt_in(client("ecs"), service, yes_production=options.yes_production)
    permit_faults(running_target.clients, service)
    return service


@pytest.fixture
def experiment_run(
    request: pytest.FixtureRequest,
    running_target: RunningTarget,
    client: Callable[..., Any],
    service_under_test: ServiceUnderTest,
) -> ExperimentSettings:
    """Return the settings of an experiment's run; the running experiment takes their place in the test's arguments."""
    settings = request.config.stash[SETTINGS]
    return ExperimentSettings(
        running=running_target,
        client=client,
        options=settings.chaos,
        target=settings.target,
        target_arguments=tuple(settings.target_options.arguments()),
        seed=settings.seed,
        run=settings.run,
        folder=ledger_folder(settings),
        worker=worker_name(request.config),
        consumer_account=partial(request.getfixturevalue, "consumer_account"),
        limited_credentials=partial(request.getfixturevalue, "credentials_limited_to"),
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run an experiment, whose steps are the test's own lines."""
    settings = pyfuncitem.funcargs.get("experiment_run") if is_experiment(pyfuncitem) else None
    service = pyfuncitem.funcargs.get("service_under_test")
    if not isinstance(settings, ExperimentSettings) or not isinstance(service, ServiceUnderTest):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}  # noqa: SLF001  # as pytest calls it

    def steps(run: ExperimentRun) -> None:
        if not run.dry_run:
            pyfuncitem.stash[HISTORY] = f"{HISTORIES}/{run.recorder.path.name}"
        pyfuncitem.obj(**{**arguments, "experiment_run": run})

    experiment = replace(_experiment_of(pyfuncitem), steps=steps)
    run_experiment(experiment, service, settings)
    return True

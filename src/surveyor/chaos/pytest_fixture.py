"""The pytest fixtures and hooks of experiments: they find the experiment, assemble its run, and conclude it."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from surveyor.chaos.assembly import HISTORIES, Parts, concluded
from surveyor.chaos.assembly import experiment_run as assembled_run
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

API_FAULTS = ("registry.throttle", "registry.unavailable", "registry.stale", "permission.", "clock.")
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
    name = name or item.path.stem.replace("_", "-")
    return Experiment(name, title, setup.with_task_settings(chaos.task_settings), checks, faults)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Record the features that an experiment needs."""
    if is_experiment(item) and item.get_closest_marker(EXPERIMENT_MARK) is not None:
        proxies = {"service-connect"} if _experiment_of(item).setup.service_connect else set()
        item.stash[FEATURES] = frozenset({"cloudmap", "ecs", "ecs-processes"} | proxies)


@pytest.fixture
def service_under_test(
    request: pytest.FixtureRequest, running_target: RunningTarget, client: Callable[..., Any], account: str
) -> ServiceUnderTest:
    """Return the service, with its tasks running. Raises UsageError if it does not exist or has not opted in."""
    name = request.config.stash[SETTINGS].chaos.service
    if not name:
        return create_service(request.getfixturevalue, running_target, account, _experiment_of(request.node).setup)
    service = find_service(client, account, running_target.target.region, name)
    check_opt_in(client("ecs"), service)
    permit_faults(running_target.clients, service)
    return service


@pytest.fixture
def experiment_run(
    request: pytest.FixtureRequest,
    running_target: RunningTarget,
    client: Callable[..., Any],
    service_under_test: ServiceUnderTest,
) -> Iterator[ExperimentRun]:
    """Yield the running experiment, after its warm-up."""
    settings = request.config.stash[SETTINGS]
    parts = Parts(
        experiment=_experiment_of(request.node),
        service=service_under_test,
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
    with assembled_run(parts) as run:
        yield run


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Run the experiment's own lines, and then judge its history."""
    run = pyfuncitem.funcargs.get("experiment_run") if is_experiment(pyfuncitem) else None
    if not isinstance(run, ExperimentRun):
        return (yield)
    if not run.dry_run:
        pyfuncitem.stash[HISTORY] = f"{HISTORIES}/{run.recorder.path.name}"
    with concluded(run):
        return (yield)

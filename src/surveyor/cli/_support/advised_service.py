"""Watch a deployment of a service, and print which settings would close its windows, as commands of the AWS CLI."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from surveyor.errors import SurveyorError, UsageError

if TYPE_CHECKING:
    from surveyor.advice.service_advice import ServiceAdvice, ServiceSettings
    from surveyor.advice.service_figures import ServiceFigures
    from surveyor.history import History
    from surveyor.observers.service_under_test import ServiceUnderTest
    from surveyor.targets.model import Target
    from surveyor.targets.running import RunningTarget
    from surveyor.watch.running import RunningWatch

__all__ = ["AdvisedService", "advise_service"]

BEFORE = 15.0
"""Service seconds for which the service is watched before a deployment is forced."""

STOPPED_WITHIN = 600.0
"""Service seconds after a deployment within which its old tasks have stopped."""

LOOK_EVERY = 5.0
CALLS, POLL = 5.0, 1.0  # calls of each client per wall second, and service seconds between two polls


@dataclass(frozen=True)
class AdvisedService:
    """The service CLUSTER/SERVICE, what is called, and whether a deployment is forced; `at`: options for a command."""

    name: str
    path: str
    deploy: bool
    seed: int
    at: str


def advise_service(target: Target, of: AdvisedService, folder: Path) -> int:
    """Watch a deployment of the service, print the advice, and return the exit code: 0 closed, 1 open."""
    from surveyor.cli._support.options import PLAIN_ACCOUNT, print_caller
    from surveyor.observers.existing_service import find_service
    from surveyor.targets.running import reach_target

    with reach_target(target, of.seed) as running:
        print_caller(target)
        account = target.account or PLAIN_ACCOUNT

        def client(kind: str) -> Any:
            return running.clients.client(kind, account, target.region)

        service = find_service(client, account, target.region, of.name, of.path)
        if service.controller != "ECS":
            raise UsageError(f"{of.name} is deployed by the controller {service.controller}: ECS lists no deployments")
        history, page = _watched(running, service, of, client, folder)
        figures = _measured(history, service)
        described = client("ecs").describe_services(cluster=service.cluster, services=[service.service])
        definition = client("ecs").describe_task_definition(taskDefinition=described["services"][0]["taskDefinition"])
        return _print(service, described["services"][0], definition["taskDefinition"], figures, client, of, target,
                      folder, page)  # fmt: skip


def _watched(
    running: RunningTarget, service: ServiceUnderTest, of: AdvisedService, client: Callable[[str], Any], folder: Path
) -> tuple[History, Path]:
    """Return the history of a watched deployment, and the page of its report."""
    from surveyor.callers import Request
    from surveyor.claims import load_claims
    from surveyor.layout import find_layout
    from surveyor.report.outputs import save_outputs
    from surveyor.watch.course import Course
    from surveyor.watch.outcome import conclude
    from surveyor.watch.running import running_watch
    from surveyor.watch.settings import GOOD, WatchSettings

    def ecs() -> Any:
        running.clients.permit(("ecs:UpdateService",), of.name)
        return client("ecs")

    request = Request(path=service.path, expected=GOOD)
    settings = WatchSettings(request=request, rate=CALLS, poll_period=POLL, seed=of.seed)
    course, started = Course(before=BEFORE, deploy=of.deploy), datetime.now(UTC)
    with running_watch(running, service, settings, folder, choice=course.choice, seconds=0.0, report=_report) as watch:
        course.follow(watch, ecs, _report)
        _wait_for_the_end(watch, client("ecs"))
        outcome = conclude(watch, running.target, folder, started)
    if outcome.doubt:
        _report(f"note: {outcome.doubt}")
    return outcome.history, save_outputs(outcome.report, load_claims(find_layout().claims), folder)


def _wait_for_the_end(watch: RunningWatch, ecs: Any) -> None:
    """Wait until every task that began to stop has stopped: a deployment may be complete before."""
    cluster, name = watch.service.cluster, watch.service.service

    def is_stopping() -> bool:
        arns = ecs.list_tasks(cluster=cluster, serviceName=name, desiredStatus="STOPPED")["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        return any(task["lastStatus"] != "STOPPED" for task in tasks)

    left = STOPPED_WITHIN
    while left > 0 and is_stopping():
        watch.wait(LOOK_EVERY)
        left -= LOOK_EVERY


def _measured(history: History, service: ServiceUnderTest) -> ServiceFigures:
    from surveyor.advice.service_figures import service_figures

    figures = service_figures(history, "names" if service.alias else "discover")
    if figures is None:
        raise SurveyorError("no task was stopped while the service was watched: watch a deployment that replaces tasks")
    return figures


def _print(
    service: ServiceUnderTest,
    described: Mapping[str, Any],
    definition: Mapping[str, Any],
    figures: ServiceFigures,
    client: Callable[[str], Any],
    of: AdvisedService,
    target: Target,
    folder: Path,
    page: Path,
) -> int:
    from surveyor.advice.service_advice import advise_service as recommend

    container = _container(described, definition)
    settings = _settings(service, described, definition, container, in_account=target.is_one_account)
    advice = recommend(figures, settings)
    names = ("TTL", "stopTimeout", "container check", "deployments")
    given = ", ".join(f"{name} {service.settings[name]}" for name in names if name in service.settings)
    stopped = "1 task was stopped" if figures.tasks == 1 else f"{figures.tasks} tasks were stopped"
    typer.echo(f"{of.name}: {given}; {stopped}; all in service seconds:")
    for line in advice.lines:
        typer.echo(line)
    if not advice.changes and figures.danger.high <= 0:
        typer.echo("Change nothing.")
    _print_changes(advice, service, definition, container, client, of, folder)
    typer.echo(f"page: {page}")
    return 0 if advice.is_closed and figures.gap.low <= 0 else 1


def _print_changes(
    advice: ServiceAdvice,
    service: ServiceUnderTest,
    definition: Mapping[str, Any],
    container: str,
    client: Callable[[str], Any],
    of: AdvisedService,
    folder: Path,
) -> None:
    from surveyor.advice.service_commands import ServicePlace, changed_definition, commands_of
    from surveyor.output_files import write_text

    registry = client("servicediscovery").get_service(Id=service.registry)["Service"]
    place = ServicePlace(service.region, service.cluster, service.service, service.family, container, registry)
    accepted = client("ecs").meta.service_model.operation_model("RegisterTaskDefinition").input_shape.members
    for number, change in enumerate(advice.changes, 1):
        typer.echo(f"{number}. {change.reason[:1].upper()}{change.reason[1:]}.")
        file = folder / f"task-definition-{number}.json"
        if change.drain is not None or change.without_check:
            write_text(file, json.dumps(changed_definition(definition, accepted, change, container), indent=2) + "\n")
        for command in commands_of(change, place, str(file.resolve())):
            typer.echo(f"   {command}")
    if advice.changes:
        typer.echo("The deployment that brings the change still stops tasks without it.")
        typer.echo(f"To verify the next one: surveyor advise --service {shlex.quote(of.name)} --deploy{of.at}")


def _settings(
    service: ServiceUnderTest,
    described: Mapping[str, Any],
    definition: Mapping[str, Any],
    container: str,
    *,
    in_account: bool,
) -> ServiceSettings:
    from surveyor.advice.service_advice import ServiceSettings
    from surveyor.advice.service_commands import drain_of

    percent = (described.get("deploymentConfiguration") or {}).get("minimumHealthyPercent")
    own = next(one for one in definition["containerDefinitions"] if one["name"] == container)
    needed = any(
        needs.get("containerName") == container and needs.get("condition") == "HEALTHY"
        for one in definition["containerDefinitions"]
        for needs in one.get("dependsOn") or ()
    )
    return ServiceSettings(
        ttl=int(service.ttl),
        has_check=bool(own.get("healthCheck")) and not needed,
        drain=drain_of(definition),
        minimum_percent=100 if percent is None else int(percent),
        in_account=in_account,
    )


def _container(described: Mapping[str, Any], definition: Mapping[str, Any]) -> str:
    """Return the name of the container that is registered, by default the first."""
    registered = described["serviceRegistries"][0].get("containerName")
    return str(registered or definition["containerDefinitions"][0]["name"])


def _report(line: str) -> None:
    typer.echo(line, err=True)

"""Run an experiment: assemble it from its parts, take its steps, and conclude it with a judgement."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from surveyor.callers import CallerThread, ServiceEndpoints, resolve_name
from surveyor.chaos.actions import ActionContext
from surveyor.chaos.caching_resolver import run_cache
from surveyor.chaos.conclusion import concluded, print_line
from surveyor.chaos.durations import describe_seconds, experiment_seconds
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.experiment_client import (
    ClientCredentials,
    endpoints_of,
    plan_client,
    resolver_of,
    start_fault_proxy,
)
from surveyor.chaos.experiment_run import ExperimentRun
from surveyor.chaos.faults import find_fault
from surveyor.chaos.gateway import envoy_binary, run_gateway
from surveyor.chaos.safety_limits import SafetyLimits, exclusive_run
from surveyor.chaos.service_guard import ServiceGuard
from surveyor.chaos.service_timing import ServiceTiming, fit_experiment, read_timing
from surveyor.chaos.stop_alarms import StopAlarms
from surveyor.chaos.undo_log import UndoLog, UndoTarget
from surveyor.chaos.watchdog import watched
from surveyor.checkers import CALLERS_ZONE, VERDICT_SUFFIX
from surveyor.clock import ServiceClock
from surveyor.dns import DnsAddress
from surveyor.errors import FeatureLacking
from surveyor.evidence import NullRecorder
from surveyor.history import Header, History, Outcome, Recorder, load_history
from surveyor.observers.flowing_clock import flowing_clock
from surveyor.observers.keeping_up import SPEED, ScaleChoice, choose_scale, measure_round
from surveyor.observers.observer import Observer
from surveyor.observers.polls import polls_of
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.observers.views import views_of
from surveyor.pytest_plugin.options import Chaos
from surveyor.targets.clients import Clients
from surveyor.targets.running import RunningTarget

__all__ = ["HISTORIES", "ExperimentSettings", "limits_of", "run_experiment"]

CALL_TIMEOUT = 5.0
"""Service seconds that a call may take, but at least MIN_TIMEOUT wall seconds."""

MIN_TIMEOUT = 0.4

HISTORIES = "histories"
"""The folder of the histories, in the folder of the run."""


@dataclass(frozen=True)
class ExperimentSettings:
    """Where and how an experiment runs.

    `client` creates a client of the service's account. `target` and `target_arguments`: the target as on the command
    line, for the undo log. `worker`: name of this process among those of the run. `consumer_account` and
    `limited_credentials` return the account and the credentials of callers, for experiments that need others.
    """

    running: RunningTarget
    client: Callable[[str], Any]
    options: Chaos
    target: str
    target_arguments: tuple[str, ...]
    seed: int
    run: str
    folder: Path
    worker: str
    consumer_account: Callable[[], str]
    limited_credentials: Callable[[], Callable[..., Any]]

    def history_of(self, experiment: Experiment) -> Path:
        """Return the file of an experiment's history."""
        return self.folder / HISTORIES / f"{experiment.name}.jsonl"


def run_experiment(experiment: Experiment, service: ServiceUnderTest, settings: ExperimentSettings) -> History:
    """Run an experiment, and return its history, which is judged; the judgement is in a file beside it.

    Raises what its steps raise, and Inconclusive after a dry run: then the history is judged too. FeatureLacking if
    the target lacks a fault, UsageError if another run holds the service.
    """
    with _assembled(experiment, service, settings) as run, concluded(run):
        experiment.steps(run)
    return load_history(settings.history_of(experiment))


@contextmanager
def _assembled(
    experiment: Experiment, service: ServiceUnderTest, settings: ExperimentSettings
) -> Iterator[ExperimentRun]:
    """Yield an experiment run whose observers and callers have been running for as long as its setup's warm-up.

    A dry run neither tags nor calls nor observes the service.
    """
    running, options = settings.running, settings.options
    for name in experiment.faults:
        if reason := find_fault(name).unavailable(running.features, service):
            raise FeatureLacking(reason)
    timing = read_timing(settings.client, service, experiment, in_account=running.target.is_one_account)
    say = _say_nothing if options.quiet else print_line
    if not service.temporary and experiment.file is not None:
        say(f"{experiment.name}: {_expected_time(experiment.file, service, settings, timing)}")
    experiment = fit_experiment(experiment, service, timing)
    alarms = StopAlarms(options.stop_alarms, settings.client)
    alarms.check_start()
    chance = random.Random(f"{settings.seed}/{experiment.name}")
    history = settings.history_of(experiment)
    with ExitStack() as stack:
        undo_log = UndoLog(
            history.with_name(f"undo-{settings.worker}.jsonl"),
            UndoTarget(
                settings.target, settings.target_arguments, service.account, running.target.region, settings.run
            ),
        )
        stack.callback(undo_log.close)
        if not options.dry_run:
            if running.target.start is None:
                stack.enter_context(watched(undo_log, settings.folder))
            stack.enter_context(exclusive_run(settings.client("ecs"), service, settings.run, undo_log))
        # Whatever takes time is created before the first event: an experiment begins with all observers polling.
        clients = Clients(running.target, running.endpoint if running.endpoint != "AWS" else None, NullRecorder())
        new_client = partial(clients.client, account=service.account, region=service.region)
        polls: dict[str, Callable[[], Any]] = {
            name: poll.ask for name, poll in polls_of(new_client, service, None).items()
        }
        choice = _choose_scale(experiment, settings, polls)
        if choice.note:
            say(f"{experiment.name}: {choice.note}")
        rate = experiment.setup.rate * choice.scale / options.scale  # as many calls in a service second
        clock = stack.enter_context(flowing_clock(running, choice.scale))
        proxy = start_fault_proxy(running, service, resolver_of(running, service), chance)
        stack.callback(proxy.close)
        if proxy.resolver is not None:
            polls["names"] = partial(resolve_name, DnsAddress(*proxy.resolver), service.alias, _timeout(clock))
        account = settings.consumer_account() if experiment.setup.shared else service.account
        local = running.target.is_local
        endpoints = endpoints_of(service, proxy, account, clock.scale, _timeout(clock), local=local)
        if experiment.setup.gateway and local and envoy_binary() is not None and not options.dry_run:
            endpoints = replace(endpoints, gateway=stack.enter_context(run_gateway(endpoints)))
        if experiment.setup.cache and proxy.names is not None and not options.dry_run:
            kept = experiment.setup.ttl / clock.scale
            cache = run_cache(experiment.setup.cache, endpoints.resolver, kept, scale=clock.scale)
            endpoints = replace(endpoints, resolver=stack.enter_context(cache))
        credentials = ClientCredentials(running.clients.credentials, settings.limited_credentials)
        make_client = plan_client(experiment, endpoints, proxy, credentials)
        context = ActionContext(settings.client, running.control)
        guard = _guard(experiment, service, settings, alarms, say)
        history.with_suffix(VERDICT_SUFFIX).unlink(missing_ok=True)
        header = _header(experiment, service, settings, endpoints, rate, timing, choice.note)
        recorder = Recorder(history, header, clock.now)
        stack.callback(recorder.close)
        proxy.on_injection = partial(_record_injection, recorder)
        run = ExperimentRun(
            experiment=experiment,
            service=service,
            endpoints=endpoints,
            clock=clock,
            context=context,
            recorder=recorder,
            undo_log=undo_log,
            proxy=proxy,
            guard=guard,
            features=running.features,
            seed=settings.seed,
            chance=chance,
            caller=CallerThread([make_client(recorder, random.Random(chance.random()))], recorder, rate),
            observers=[
                Observer(view, poll, recorder, clock, experiment.setup.poll_period) for view, poll in polls.items()
            ],
            print_line=say,
            timing=timing,
            duration=options.duration,
            dry_run=options.dry_run,
        )
        stack.callback(run.stop)
        if not options.dry_run:
            for thread in (*run.observers, *([run.caller] if rate else [])):
                thread.start()
            run.wait(experiment.setup.warm_up)
        yield run


def _guard(
    experiment: Experiment,
    service: ServiceUnderTest,
    settings: ExperimentSettings,
    alarms: StopAlarms,
    say: Callable[[str], object],
) -> ServiceGuard:
    """Return the guard of the service; say if the range of its autoscaling cannot be read."""
    denied = settings.running.clients.denied
    guard = ServiceGuard(limits_of(settings.options), service, settings.client, alarms)
    if not service.temporary and guard.scaling().unknown:
        settings.running.clients.denied = denied  # a refusal of this read says nothing about the service
        say(f"{experiment.name}: {guard.scaling().describe(service.service)}")
    return guard


def limits_of(options: Chaos) -> SafetyLimits:
    """Return the safety limits that the options of a run set."""
    return SafetyLimits(
        options.max_task_share, options.max_tasks, options.min_healthy, options.max_error_rate, options.kill_file
    )


def _expected_time(file: Path, service: ServiceUnderTest, settings: ExperimentSettings, timing: ServiceTiming) -> str:
    """Return how long an experiment takes on a service of others, with that service's own times."""
    control = settings.running.control
    scale = 1.0 if control is None else control.scale() or settings.options.scale
    seconds = experiment_seconds(file, duration=settings.options.duration, steady=timing.steady(service))
    seconds = (seconds + timing.more_ttl) / scale
    speed = "in real time" if scale == 1 else f"at {scale:g} service seconds per second"
    return f"{describe_seconds(seconds, seconds)} {speed}"


def _say_nothing(line: str) -> None:
    """Print nothing: a list of what can be done says it all at its end."""


def _header(
    experiment: Experiment,
    service: ServiceUnderTest,
    settings: ExperimentSettings,
    endpoints: ServiceEndpoints,
    rate: float,
    timing: ServiceTiming,
    note: str,
) -> Header:
    target = settings.running.target
    calls = {
        "calls per wall second": f"{rate:g}",
        "call timeout": f"{endpoints.timeout:g} s (wall)",
        "resolved by": experiment.setup.resolve_by,
    }
    found = {"start of a task": f"{timing.start:.0f} s (measured)"} if timing.start else {}
    placed = {CALLERS_ZONE: service.client_zone} if experiment.setup.resolve_by == "connect" else {}
    called = {} if service.temporary else {"called": f":{service.port}{service.path}"}
    return Header(
        experiment=experiment.name,
        title=experiment.title,
        target=f"{target.name} {target.version()}".strip(),
        seed=settings.seed,
        scale=endpoints.scale,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service={
            **service.settings,
            **found,
            **placed,
            **called,
            **(calls if rate else {}),
            **({SPEED: note} if note else {}),
        },
        machines={},
        views=views_of(service),
        checks=experiment.checks,
    )


def _record_injection(recorder: Recorder, fault: str, call: str) -> None:
    recorder.end(recorder.invoke("faults", "injection", fault=fault, call=call), Outcome.OK)


def _timeout(clock: ServiceClock) -> float:
    return max(MIN_TIMEOUT, clock.wall(CALL_TIMEOUT))


def _choose_scale(
    experiment: Experiment, settings: ExperimentSettings, polls: Mapping[str, Callable[[], object]]
) -> ScaleChoice:
    """Return the scale at which time will flow: the requested one, or less if this machine is too slow for it now."""
    requested, control = settings.options.scale, settings.running.control
    if settings.options.dry_run or control is None or control.scale() is not None:
        return ScaleChoice(requested)
    return choose_scale(requested, measure_round(tuple(polls.values())), experiment.setup.poll_period)

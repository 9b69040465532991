"""Assemble an experiment run from its parts, and conclude it with a judgement."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from surveyor.chaos.actions import ActionContext, FaultFailed
from surveyor.chaos.callers import AddressCache, CallerThread
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.experiment_run import DryRun, ExperimentRun
from surveyor.chaos.fault_proxy import FaultProxy, Forward
from surveyor.chaos.faults import find_fault
from surveyor.chaos.safety_limits import SafetyLimits, exclusive_run
from surveyor.chaos.undo_log import UndoLog, UndoTarget
from surveyor.chaos.watchdog import watched
from surveyor.checkers import judge_history
from surveyor.clock import ServiceClock
from surveyor.dns import DnsAddress
from surveyor.errors import FeatureLacking, Inconclusive, WrongAnswer
from surveyor.evidence import NullRecorder
from surveyor.history import Header, Recorder, load_history
from surveyor.observers.flowing_clock import flowing_clock
from surveyor.observers.keeping_up import SPEED, ScaleChoice, choose_scale, measure_round
from surveyor.observers.observer import Observer
from surveyor.observers.service_under_test import ServiceTask, ServiceUnderTest
from surveyor.observers.tasks import describe_tasks
from surveyor.observers.views import ViewContents, discover_instances, list_instances, resolve_name, views_of
from surveyor.output_files import write_text
from surveyor.proxies import SigningUpstream, Upstream
from surveyor.pytest_plugin.options import Chaos
from surveyor.report.experiments import VERDICT_SUFFIX
from surveyor.targets.clients import Clients
from surveyor.targets.running import RunningTarget
from surveyor.terminal import guard
from surveyor.typed_json import dump_json
from surveyor.verdicts import Verdict

__all__ = ["HISTORIES", "Parts", "concluded", "experiment_run"]

API_CACHE_LIFETIME = 5.0
"""Service seconds for which a caller keeps a response of DiscoverInstances."""

CALL_TIMEOUT = 5.0
"""Service seconds that a call may take, but at least MIN_TIMEOUT wall seconds."""

MIN_TIMEOUT = 0.4
SKEW = 1_200.0
"""Seconds; AWS rejects a signature from five minutes on (IAM User Guide, Signature Version 4), some services later."""

HISTORIES = "histories"
"""The folder of the histories, in the folder of the run."""


@dataclass(frozen=True)
class Parts:
    """What an experiment run is assembled from.

    `client` creates a client of the service's account. `target` and `target_arguments`: the target as on the command
    line, for the undo log. `worker`: name of this process among those of the run. `consumer_account` and
    `limited_credentials` return the account and the credentials of callers, for experiments that need others.
    """

    experiment: Experiment
    service: ServiceUnderTest
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


@contextmanager
def experiment_run(parts: Parts) -> Iterator[ExperimentRun]:
    """Yield an experiment run whose observers and callers have been running for as long as its setup's warm-up.

    A dry run neither tags nor calls nor observes the service. Raises FeatureLacking, and UsageError if another run
    holds the service.
    """
    experiment, service, running, options = parts.experiment, parts.service, parts.running, parts.options
    for name in experiment.faults:
        fault = find_fault(name)
        if fault.implementation_for(running.features, workload=service.workload) is None:
            raise FeatureLacking(f"{name} needs {fault.missing(running.features)}")
    chance = random.Random(f"{parts.seed}/{experiment.name}")
    folder = parts.folder / HISTORIES
    with ExitStack() as stack:
        undo_log = UndoLog(
            folder / f"undo-{parts.worker}.jsonl",
            UndoTarget(parts.target, parts.target_arguments, service.account, running.target.region),
        )
        stack.callback(undo_log.close)
        if not options.dry_run:
            if running.target.start is None:
                stack.enter_context(watched(undo_log.path, parts.folder))
            stack.enter_context(exclusive_run(parts.client("ecs"), service, parts.run, undo_log))
        # Whatever takes time is created before the first event: an experiment begins with all observers polling.
        clients = Clients(running.target, running.endpoint if running.endpoint != "AWS" else None, NullRecorder())
        polls = _polls(clients, service)
        choice = _choose_scale(parts, polls)
        if choice.note:
            _print_line(f"{experiment.name}: {choice.note}")
        rate = experiment.setup.rate * choice.scale / options.scale  # as many calls in a service second
        clock = stack.enter_context(flowing_clock(running, choice.scale))
        resolver = _resolver(running, service)
        forward, skewed = _forward(running, service), _forward(running, service, skew=SKEW)
        proxy = FaultProxy.start(forward, resolver, random.Random(chance.random()), skewed)
        stack.callback(proxy.close)
        if resolver is not None:
            polls["names"] = partial(resolve_name, DnsAddress(*resolver), service.alias, _timeout(clock))
        new_cache = _address_cache(parts, clients, proxy, clock)
        context = ActionContext(parts.client, running.control)
        history = folder / f"{experiment.name}.jsonl"
        history.with_suffix(VERDICT_SUFFIX).unlink(missing_ok=True)
        recorder = Recorder(history, _header(parts, clock, rate, choice.note), clock.now)
        stack.callback(recorder.close)
        cache = new_cache(recorder)
        run = ExperimentRun(
            experiment=experiment,
            service=service,
            clock=clock,
            context=context,
            recorder=recorder,
            undo_log=undo_log,
            proxy=proxy,
            limits=SafetyLimits(options.max_task_share, options.min_healthy, options.max_error_rate, options.kill_file),
            features=running.features,
            seed=parts.seed,
            chance=chance,
            caller=CallerThread(
                service,
                cache,
                recorder,
                rate,
                _timeout(clock),
                random.Random(chance.random()),
                local=running.target.is_local,
            ),
            observers=[
                Observer(view, poll, recorder, clock, experiment.setup.poll_period) for view, poll in polls.items()
            ],
            print_line=_print_line,
            duration=options.duration,
            dry_run=options.dry_run,
        )
        stack.callback(run.stop)
        if not options.dry_run:
            for thread in (*run.observers, *([run.caller] if rate else [])):
                thread.start()
            run.wait(experiment.setup.warm_up)
        yield run


@contextmanager
def concluded(run: ExperimentRun) -> Iterator[None]:
    """Stop the run when the block ends, and write the judgement on its history beside it.

    Raises WrongAnswer or Inconclusive if the judgement is not a pass, and Inconclusive after a dry run. What failed on
    a machine that did not keep up is inconclusive, too.
    """
    try:
        yield
    except DryRun:
        run.stop()
        run.recorder.close("dry run")
        raise Inconclusive("dry run: no fault was injected") from None
    except BaseException as error:
        if not run.service.temporary and not run.dry_run and isinstance(error, Exception):
            problem = run.recover()
            _print_line(
                f"{run.experiment.name}: stopped; {problem or 'all faults are undone, and the service is steady'}"
            )
        run.stop()
        run.recorder.close(f"{type(error).__name__}: {error}".splitlines()[0][:300])
        if isinstance(error, WrongAnswer | FaultFailed) and (lag := run.lag()):
            raise Inconclusive(f"{lag}; {error}") from error
        raise
    run.stop()
    run.check_progress()
    run.recorder.close()
    path = run.recorder.path
    judgement = judge_history(load_history(path))
    write_text(path.with_suffix(VERDICT_SUFFIX), dump_json(judgement, indent=1))
    if judgement.verdict is Verdict.FAIL and (lag := run.lag()):
        raise Inconclusive(f"{lag}; {judgement.detail}")
    if judgement.verdict is Verdict.FAIL:
        failed = ", ".join(check.check for check in judgement.checks if check.verdict is Verdict.FAIL)
        raise WrongAnswer(judgement.detail, actual=failed)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        raise Inconclusive(judgement.detail)


def _print_line(line: str) -> None:
    """Print to the terminal itself, since pytest captures standard output while a test runs."""
    if sys.__stderr__ is not None:
        guard(sys.__stderr__).write(line + "\n")
        sys.__stderr__.flush()


def _resolver(running: RunningTarget, service: ServiceUnderTest) -> tuple[str, int] | None:
    if not service.alias or "dns" not in running.features:
        return None
    server = running.resolver(service.account, service.region, service.vpc)
    return server.address, server.port


def _forward(running: RunningTarget, service: ServiceUnderTest, skew: float = 0.0) -> Forward:
    """Return what forwards callers' requests to the registry.

    AWS rejects a request whose signature is for the proxy's address, so requests to AWS are signed again.
    """
    if running.target.is_local and not skew:
        return Upstream(running.endpoint)
    aws = f"https://servicediscovery.{service.region}.amazonaws.com"
    endpoint = running.endpoint if running.target.is_local else aws
    credentials = partial(running.clients.credentials, service.account)
    return SigningUpstream(endpoint, "servicediscovery", service.region, credentials, skew=skew)


def _header(parts: Parts, clock: ServiceClock, rate: float, note: str) -> Header:
    setup, target = parts.experiment.setup, parts.running.target
    calls = {
        "calls per wall second": f"{rate:g}",
        "call timeout": f"{_timeout(clock):g} s (wall)",
        "resolved by": setup.resolve_by,
    }
    return Header(
        experiment=parts.experiment.name,
        title=parts.experiment.title,
        target=f"{target.name} {target.version()}".strip(),
        seed=parts.seed,
        scale=clock.scale,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service={**parts.service.settings, **(calls if rate else {}), **({SPEED: note} if note else {})},
        machines={},
        views=views_of(parts.service),
        checks=parts.experiment.checks,
    )


def _timeout(clock: ServiceClock) -> float:
    return max(MIN_TIMEOUT, clock.wall(CALL_TIMEOUT))


def _choose_scale(parts: Parts, polls: Mapping[str, Callable[[], object]]) -> ScaleChoice:
    """Return the scale at which time will flow: the requested one, or less if this machine is too slow for it now."""
    requested, control = parts.options.scale, parts.running.control
    if parts.options.dry_run or control is None or control.scale() is not None:
        return ScaleChoice(requested)
    return choose_scale(requested, measure_round(tuple(polls.values())), parts.experiment.setup.poll_period)


def _polls(
    clients: Clients, service: ServiceUnderTest
) -> dict[str, Callable[[], ViewContents | Mapping[str, ServiceTask]]]:
    """Return how each view of the registry and of the tasks is polled; each has its own client."""

    def new_client(name: str) -> Any:
        return clients.client(name, service.account, service.region)

    return {
        "tasks": partial(describe_tasks, new_client("ecs"), service, {}),
        "list": partial(list_instances, new_client("servicediscovery"), service),
        "discover": partial(discover_instances, new_client("servicediscovery"), service),
        "healthy": partial(discover_instances, new_client("servicediscovery"), service, "HEALTHY"),
    }


def _address_cache(
    parts: Parts, clients: Clients, proxy: FaultProxy, clock: ServiceClock
) -> Callable[[Recorder], AddressCache]:
    """Return what creates the callers' address cache for a recorder."""
    if parts.experiment.setup.resolve_by == "dns" and proxy.names is not None:
        resolve = partial(resolve_name, DnsAddress(*proxy.names.address), parts.service.alias, _timeout(clock))
        return lambda recorder: AddressCache("names", resolve, recorder, clock, None, serves_stale=False)
    discover = _discover_by_api(parts, clients, proxy)
    return lambda recorder: AddressCache("healthy", discover, recorder, clock, API_CACHE_LIFETIME, serves_stale=True)


def _discover_by_api(parts: Parts, clients: Clients, proxy: FaultProxy) -> Callable[[], ViewContents]:
    assert proxy.registry is not None
    service, account = parts.service, parts.service.account
    if parts.experiment.setup.shared:
        account, service = parts.consumer_account(), replace(service, owner=service.account)
    new_client = partial(clients.client, "servicediscovery", account, service.region, endpoint=proxy.registry.url)
    if "permission.revoke" not in parts.experiment.faults:
        return partial(discover_instances, new_client(), service, "HEALTHY")
    credentials = parts.limited_credentials()
    everything = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"}
    permitted = new_client(session=credentials(everything))
    denied = new_client(session=credentials({**everything, "Action": "ecs:*"}))
    return lambda: discover_instances(denied if proxy.hits("permission.revoke") else permitted, service, "HEALTHY")

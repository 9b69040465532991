"""A running watch: observers and client models work in threads, and what they saw can be read at any time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import dns.resolver

from surveyor.callers import CallerThread, ServiceEndpoints, ViewContents, data_endpoint
from surveyor.clock import ServiceClock
from surveyor.errors import FeatureLacking, TargetUnavailable
from surveyor.evidence import NullRecorder
from surveyor.history import GrowingHistory, History, JoinedAttempt, Outcome, Recorder, joined_attempts
from surveyor.observers.deployments import DeploymentReader
from surveyor.observers.flowing_clock import flowing_clock
from surveyor.observers.keeping_up import POLL_SHARE, RecentLag, Work, describe_calls, describe_lag, measure_round
from surveyor.observers.observer import Observer
from surveyor.observers.polls import Poll, poll_period, polls_of
from surveyor.observers.service_under_test import ServiceUnderTest
from surveyor.targets.clients import Clients
from surveyor.targets.running import RunningTarget
from surveyor.watch.client_faults import ClientFaults, client_faults
from surveyor.watch.clients import (
    DIRECT,
    WATCH_MODELS,
    WatchedClients,
    longest_cache,
    make_clients,
    require_permission,
    require_questions,
    try_clients,
)
from surveyor.watch.deployment import Choice, WatchedDeployment
from surveyor.watch.header import header_of
from surveyor.watch.settings import WatchSettings
from surveyor.watch.worker_link import WORKERS, ModelOnWorkers, WorkerLink, connected_workers

__all__ = ["HISTORY", "RunningWatch", "running_watch"]

HERE = "here"
"""This machine, beside that of workers, in a history."""

HISTORY = "histories/watch.jsonl"
"""The history of a watch, in the folder of its run."""

STEP = 1.0
"""Service seconds after which a wait looks whether all still work."""

LAG_SECONDS, LAG_WALL_SECONDS = 20.0, 5.0
"""Service seconds, and at least wall seconds, after which a machine that did not keep up is trusted again.

Ten polls of each view; and by then a call that it delayed has ended, at the default limits of time.
"""

SILENT = 5
"""Polls in a row without an answer after which an observer has nothing to observe."""

_ESSENTIAL = frozenset({"tasks", "deployments"})
"""The observers without which nothing can be judged."""


@dataclass
class RunningWatch:
    """What `surveyor watch` and `surveyor gate --watch` work with. All seconds are service seconds.

    `notes`: why client models do not call. `callers`: by client model. `cache`: for how long a client may use what it
    found. `faults`: of its clients.
    """

    service: ServiceUnderTest
    clock: ServiceClock
    recorder: Recorder
    observers: Sequence[Observer]
    callers: Mapping[str, CallerThread | ModelOnWorkers]
    watched: WatchedDeployment
    notes: Sequence[str] = ()
    cache: float = 0.0
    local: bool = False
    workers: WorkerLink | None = None
    faults: ClientFaults | None = None
    _growing: GrowingHistory = field(init=False)
    _never: threading.Event = field(default_factory=threading.Event)
    _recent: RecentLag = field(init=False)

    def __post_init__(self) -> None:
        self._growing = GrowingHistory(self.path)
        self._recent = RecentLag(max(LAG_SECONDS, LAG_WALL_SECONDS * self.clock.scale))

    @property
    def path(self) -> Path:
        """Return the file of the history."""
        return self.recorder.path

    @property
    def clients(self) -> list[str]:
        """Return the names of the client models that call."""
        return list(self.callers)

    def history(self) -> History:
        """Return what has been recorded until now."""
        return self._growing.read()

    def attempts_since(self, cursor: int) -> list[JoinedAttempt]:
        """Return the attempts from number `cursor` on: pass how many were returned before, at first 0.

        An attempt is returned once the tasks were observed after its end, since only then it is known which task had
        the address. The order is that of their ends, so that no later one is inserted before.
        """
        history = self.history()
        observed = max((shot.number for shot in history.task_snapshots if shot.outcome is Outcome.OK), default=0)
        settled = [call for call in history.calls if 0 < call.end_event < observed]
        settled.sort(key=lambda call: call.end_event)
        return joined_attempts(history, settled[cursor:])

    def deployment(self) -> Mapping[str, Any] | None:
        """Return the watched deployment as DescribeServiceDeployments described it last; None before it began.

        It is a ServiceDeployment of the API: serviceDeploymentArn, status, lifecycleStage, lifecycleHookDetails …
        """
        return self.watched.described

    def pin(self, arn: str) -> None:
        """Watch the deployment with this ARN."""
        self.watched.pin(arn)

    def wait(self, seconds: float) -> None:
        """Return when `seconds` have passed. Raises TargetUnavailable if the watch cannot continue."""
        self.wait_until(lambda: False, seconds)

    def wait_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until a condition is true, for `seconds` at most, and return whether it became true.

        Raises TargetUnavailable if the watch cannot continue.
        """
        end = self.clock.now() + seconds
        while not condition():
            now = self.clock.now()
            if now >= end:
                return False
            self.clock.wait(min(end, now + STEP), self._never)
            if self.faults is not None:
                self.faults.advance(self.clock.now())
            self.recent_lag()
            self.require_progress()
        return True

    def begin_faults(self, report: Callable[[str], object]) -> None:
        """Begin the faults of the clients, if there are any and they have not begun; they end by themselves."""
        if self.faults is not None and self.faults.begin(self.clock.now()):
            report(f"{', '.join(self.faults.names)} for {self.faults.seconds:g} s, to the clients of this watch alone")

    def require_progress(self) -> None:
        """Raise what ended a thread, and TargetUnavailable if nothing is observed any more."""
        for thread in self._threads():
            if thread.error is not None:
                raise thread.error
        silent = next((one for one in self.observers if one.view in _ESSENTIAL and one.failed >= SILENT), None)
        if silent is not None:
            raise TargetUnavailable(f"the {silent.view} of the service cannot be read any more: {silent.reason}")

    def lag(self) -> str:
        """Return that a worker, or this machine where the tasks run on it as well, did not keep up; "" if all did."""
        if self.workers is not None and (problem := self.workers.problem()):
            return problem
        if not self.local:
            return ""
        work = self._work()
        return describe_calls(work.calls, work.dropped) or describe_lag(self.observers)

    def recent_lag(self) -> str:
        """Return that the machine or a worker did not keep up lately, "" if all did. It is asked while waiting, too."""
        if self.workers is not None and (problem := self.workers.problem()):
            return problem
        return self._recent.describe(self.clock.now(), self._work()) if self.local else ""

    def was_late(self, attempt: JoinedAttempt) -> bool:
        """Return whether the machine did not keep up while an attempt was in progress."""
        began = self.recorder.start + attempt.time
        return self._recent.covers(began, began + attempt.seconds * self.clock.scale)

    def _work(self) -> Work:
        callers, observers = self.callers.values(), self.observers
        return Work(
            sum(one.made for one in callers),
            sum(one.dropped for one in callers),
            sum(one.made for one in observers),
            sum(one.skipped for one in observers),
        )

    def _threads(self) -> list[Observer | CallerThread | ModelOnWorkers]:
        return [*self.observers, *self.callers.values()]

    def stop(self, reason: str = "") -> None:
        """Stop observers and callers, wait for their last polls and calls, and end the history; `reason`: why early."""
        threads = self._threads()
        if self.faults is not None:
            self.faults.end()
        for thread in threads:
            thread.stop()
        for thread in threads:
            if thread.ident is not None:
                thread.join()
        self.watched.close()
        self.recorder.close(reason)
        self._growing.close()


@dataclass
class _Latest:
    """What a poll found last, for clients that call what it found."""

    poll: Callable[[], Any]
    found: ViewContents | None = None

    def read(self) -> Any:
        self.found = self.poll()
        return self.found

    def ask(self) -> ViewContents:
        return self.found or self.read()


@contextmanager
def running_watch(
    target: RunningTarget,
    service: ServiceUnderTest,
    settings: WatchSettings,
    folder: Path,
    *,
    choice: Choice = "current",
    seconds: float = 0.0,
    report: Callable[[str], object] = lambda line: None,
) -> Iterator[RunningWatch]:
    """Yield a watch whose observers and callers work; it is stopped when the block ends.

    `folder`: of the run; `choice`: which deployment is watched; `seconds`: how long the watch will last, 0 until a
    deployment is over, which is judged then. `report` gets lines for people. Each client makes one call before. Raises
    UsageError and TargetUnavailable.
    """
    clients = Clients(target.target, target.endpoint if target.endpoint != "AWS" else None, NullRecorder())
    new_client = partial(clients.client, account=service.account, region=service.region)
    resolver = _resolver(target, service)
    polls = polls_of(new_client, service, resolver)
    serving = _follow_serving(polls)
    with ExitStack() as stack:
        clock = stack.enter_context(flowing_clock(target, settings.scale))
        faults = stack.enter_context(
            client_faults(settings.faults, settings.fault_seconds, target, service, resolver, settings.seed)
        )
        cloudmap = (lambda: new_client("servicediscovery")) if faults is None else (lambda: faults.client)
        made = make_clients(
            service,
            settings,
            cloudmap,
            serving,
            resolver if faults is None else faults.resolver,
            clock.scale,
            local=target.target.is_local,
            **({"wrap": faults.question} if faults is not None else {}),
        )
        if faults is not None:
            faults.require_effect([WATCH_MODELS[name].source for name in made.by_model])
        if settings.workers is None:  # they have separate credentials
            require_questions(made, cloudmap)
        made = _tried(made, settings, report)
        link = None
        if settings.workers is not None:
            profile = target.target.credentials.profile
            link = stack.enter_context(connected_workers(settings.workers, report, profile))
        plan = {name: _for_workers(made.endpoints[name], target, new_client) for name in made.by_model} if link else {}
        asks: dict[str, Callable[[], Any]] = {name: poll.ask for name, poll in polls.items()}
        # A round of polls may take half of the period, as in experiments.
        reader = DeploymentReader(new_client("ecs"), service)
        seconds_of_round = _measure((*asks.values(), reader.read)) * clock.scale
        period = max(poll_period(service, settings.poll_period), seconds_of_round / POLL_SHARE)
        header = header_of(target, service, settings, made, polls, period, clock.scale, seconds)
        if link is not None:
            header = replace(header, machines={HERE: 0.0, WORKERS: round(link.seconds * clock.scale, 4)})
        recorder = Recorder(folder / HISTORY, header, clock.now)
        stack.callback(recorder.close)
        if faults is not None:
            faults.record_in(recorder)
        watched = WatchedDeployment(reader, recorder, choice)
        watch = RunningWatch(
            service,
            clock,
            recorder,
            [Observer(v, ask, recorder, clock, period) for v, ask in ({"deployments": watched.read} | asks).items()],
            {
                name: ModelOnWorkers(name, link, settings.timeout)
                if link is not None
                else CallerThread(one, recorder, settings.rate, client=name)
                for name, one in made.by_model.items()
            },
            watched,
            notes=[f"{name}: {why}" for name, why in made.left_out.items()],
            cache=longest_cache(made, service.ttl),
            local=target.target.is_local,
            workers=link,
            faults=faults,
        )
        stack.callback(watch.stop)
        if link is not None:
            link.begin(recorder, plan, settings.seed, serving if DIRECT.name in made.by_model else None)
        for thread in (*watch.observers, *watch.callers.values()):
            thread.start()
        yield watch


def _tried(made: WatchedClients, settings: WatchSettings, report: Callable[[str], object]) -> WatchedClients:
    """Return the clients that reach the service, after a first call of each.

    Where workers of other machines call, this one need not reach it.
    """
    try:
        reached, trials = try_clients(made)
    except TargetUnavailable as error:
        if settings.workers is None or not settings.workers.listen[1]:
            raise
        report(f"no first call from here: {error}")
        return made
    for trial in trials:
        report(str(trial))
    return reached


def _for_workers(
    endpoints: ServiceEndpoints, target: RunningTarget, new_client: Callable[[str], Any]
) -> ServiceEndpoints:
    """Return the endpoints with what workers need to discover instances; they find credentials by themselves."""
    credentials = target.target.credentials
    registry = target.endpoint
    if registry == "AWS":
        registry = data_endpoint(new_client("servicediscovery").meta.endpoint_url)
    return replace(endpoints, registry=registry, secret=credentials.secret if credentials.kind == "per-test" else "")


def _measure(asks: Iterable[Callable[[], Any]]) -> float:
    """Return the wall seconds of a round of polls. Raises SurveyorError for one that is not permitted."""
    return measure_round([partial(require_permission, ask) for ask in asks])


def _follow_serving(polls: dict[str, Poll]) -> Callable[[], ViewContents] | None:
    """Return what gives the addresses that a load balancer or Service Connect uses, as last polled; None without."""
    for name in ("targets", "connect"):
        if name in polls:
            latest = _Latest(polls[name].ask)
            polls[name] = Poll(latest.read, polls[name].view)
            return latest.ask
    return None


def _resolver(target: RunningTarget, service: ServiceUnderTest) -> tuple[str, int] | None:
    """Return the DNS server for the names of the service, None if there is none.

    Without --dns it is that of this machine, which is the VPC's if this machine is in it.
    """
    if not service.alias and not service.load_balancer[0]:
        return None
    try:
        server = target.resolver(service.account, service.region, service.vpc)
    except FeatureLacking:
        if target.target.is_local:
            return None
        try:
            return str(dns.resolver.get_default_resolver().nameservers[0]), 53
        except (dns.resolver.NoResolverConfiguration, IndexError):
            return None
    return server.address, server.port

"""The fixture `stage`: an experiment with its observers, callers, brakes and history; and its verdict at the end."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from surveyor.chaos.actions import ActionContext
from surveyor.chaos.callers import Caller, Finder
from surveyor.chaos.experiment import Experiment
from surveyor.chaos.experiment_clock import Flow, flowing
from surveyor.chaos.experiment_run import DryRun, ExperimentRun
from surveyor.chaos.fault_proxy import FaultProxy, Forward
from surveyor.chaos.faults import fault_of
from surveyor.chaos.observers import Observer, Seen, discovered, listed, named, roll, views_of
from surveyor.chaos.safety_limits import SafetyLimits, one_at_a_time
from surveyor.chaos.service_under_test import ServiceUnderTest, Task
from surveyor.chaos.undo_log import Place, UndoLog
from surveyor.chaos.watchdog import watched
from surveyor.checkers import judge_history
from surveyor.errors import FeatureLacking, Inconclusive, WrongAnswer
from surveyor.evidence import NullRecorder
from surveyor.fixtures.account import ClientFactory
from surveyor.history import Header, Recorder, load_history
from surveyor.proxies import SigningUpstream, Upstream
from surveyor.pytest_plugin.options import SETTINGS, is_experiment
from surveyor.pytest_plugin.session import SESSION, ledger_folder, worker_name
from surveyor.pytest_plugin.verdict import HISTORY
from surveyor.targets.clients import Clients
from surveyor.targets.control import DnsAddress
from surveyor.targets.running import RunningTarget
from surveyor.verdicts import Verdict

__all__: list[str] = []

API_KEEPS = 5.0
"""Service seconds for which a caller of DiscoverInstances keeps what it was told."""

CALL_WITHIN = 5.0
"""Service seconds that a call may take, but never less than SHORTEST wall seconds."""

SHORTEST = 0.4
SKEW = 1_200.0
"""Seconds; AWS takes a signature for wrong from five minutes on (IAM User Guide, Signature Version 4), some later."""

HISTORIES = "histories"

Look = Callable[[], Seen | Mapping[str, Task]]


@pytest.fixture
def stage(
    request: pytest.FixtureRequest,
    running: RunningTarget,
    client: ClientFactory,
    account: str,
    declared: Experiment,
    scene: ServiceUnderTest,
) -> Iterator[ExperimentRun]:
    """An experiment whose observers and callers are at work; it has been quiet for as long as its setting says."""
    settings, session = request.config.stash[SETTINGS], request.config.stash[SESSION]
    chance = random.Random(f"{settings.seed}/{declared.name}")
    folder = ledger_folder(settings) / HISTORIES
    quiet = Clients(session.target, running.endpoint if running.endpoint != "AWS" else None, NullRecorder())
    for name in declared.faults:
        fault = fault_of(name)
        if fault.way(running.features, workload=scene.workload) is None:
            raise FeatureLacking(
                f"{name} needs {fault.lacking(running.features) or 'tasks that run surveyor_agents.workload'}"
            )
    with ExitStack() as stack:
        journal = UndoLog(
            folder / f"undo-{worker_name(request.config)}.jsonl",
            Place(settings.target, tuple(settings.given.arguments()), account, running.target.region),
        )
        stack.callback(journal.close)
        if running.target.start is None:
            stack.enter_context(watched(journal.path, folder.parent))
        stack.enter_context(one_at_a_time(client("ecs"), scene, settings.run, journal))
        flow = stack.enter_context(flowing(running, settings.chaos.scale))
        resolver = _resolver(running, scene)
        forward, late = _forward(running, scene), _forward(running, scene, skew=SKEW)
        front = FaultProxy.before(forward, resolver, random.Random(chance.random()), late)
        stack.callback(front.close)
        # Whatever takes time is made before the first event: an experiment begins with everybody looking.
        looks = _looks(quiet, scene, resolver, flow)
        finding = _finding(request, quiet, scene, declared, front, flow)
        hands = ActionContext(client, running.control)
        header = _header(request, declared, scene, flow, running)
        recorder = Recorder(folder / f"{declared.name}.jsonl", header, flow.now)
        stack.callback(recorder.close)
        finder = finding(recorder)
        within, callers = _within(flow), random.Random(chance.random())
        built = ExperimentRun(
            experiment=declared,
            scene=scene,
            flow=flow,
            hands=hands,
            recorder=recorder,
            journal=journal,
            front=front,
            brakes=_brakes(request),
            features=running.features,
            seed=settings.seed,
            chance=chance,
            caller=Caller(
                scene, finder, recorder, declared.setting.rate, within, callers, local=running.target.is_local
            ),
            observers=[Observer(view, look, recorder, flow, declared.setting.period) for view, look in looks.items()],
            tell=_tell,
            lasts=settings.chaos.lasts,
            dry_run=settings.chaos.dry_run,
        )
        stack.callback(built.stop)
        for one in (*built.observers, *([built.caller] if declared.setting.rate else [])):
            one.start()
        built.wait(declared.setting.before)
        yield built


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """An experiment's own lines, and then the verdict on its history."""
    stage = pyfuncitem.funcargs.get("stage") if is_experiment(pyfuncitem) else None
    if not isinstance(stage, ExperimentRun):
        return (yield)
    try:
        result = yield
    except DryRun:
        stage.stop()
        stage.recorder.close("dry run")
        raise Inconclusive("dry run: nothing was done") from None
    except BaseException as wrong:
        if not stage.scene.own and isinstance(wrong, Exception):
            left = stage.verify()
            _tell(
                f"{stage.experiment.name}: stopped; {left or 'all that was done is undone, and the service is whole'}"
            )
        stage.stop()
        stage.recorder.close(f"{type(wrong).__name__}: {wrong}".splitlines()[0][:300])
        pyfuncitem.stash[HISTORY] = _relative(stage)
        raise
    stage.stop()
    stage.look()
    stage.recorder.close()
    pyfuncitem.stash[HISTORY] = _relative(stage)
    judged = judge_history(load_history(stage.recorder.path))
    if judged.verdict is Verdict.FAIL:
        wrong_checks = ", ".join(one.check for one in judged.checks if one.verdict is Verdict.FAIL)
        raise WrongAnswer(judged.detail, actual=wrong_checks)
    if judged.verdict is Verdict.INCONCLUSIVE:
        raise Inconclusive(judged.detail)
    return result


def _relative(stage: ExperimentRun) -> str:
    return f"{HISTORIES}/{stage.recorder.path.name}"


def _tell(line: str) -> None:
    """To the terminal itself: pytest keeps standard output to itself while a test runs."""
    if sys.__stderr__ is not None:
        sys.__stderr__.write(line + "\n")
        sys.__stderr__.flush()


def _brakes(request: pytest.FixtureRequest) -> SafetyLimits:
    chaos = request.config.stash[SETTINGS].chaos
    return SafetyLimits(chaos.share, chaos.survivors, chaos.errors, chaos.kill_file)


def _resolver(running: RunningTarget, scene: ServiceUnderTest) -> tuple[str, int] | None:
    if not scene.alias or "dns" not in running.features:
        return None
    found = running.resolver(scene.account, scene.region, scene.vpc)
    return found.address, found.port


def _forward(running: RunningTarget, scene: ServiceUnderTest, skew: float = 0.0) -> Forward:
    """The way from callers to the registry. With a signature for the proxy AWS itself would answer nobody."""
    if running.target.is_local and not skew:
        return Upstream(running.endpoint)
    aws = f"https://servicediscovery.{scene.region}.amazonaws.com"
    endpoint = running.endpoint if running.target.is_local else aws
    credentials = partial(running.clients.credentials, scene.account)
    return SigningUpstream(endpoint, "servicediscovery", scene.region, credentials, skew=skew)


def _header(
    request: pytest.FixtureRequest, declared: Experiment, scene: ServiceUnderTest, flow: Flow, running: RunningTarget
) -> Header:
    setting = declared.setting
    target = running.target
    calls = {
        "calls a wall second": f"{setting.rate:g}",
        "each for at most": f"{_within(flow):g} s (wall)",
        "found by": setting.by,
    }
    return Header(
        experiment=declared.name,
        title=declared.title,
        target=f"{target.name} {target.version()}".strip(),
        seed=request.config.stash[SETTINGS].seed,
        scale=flow.scale,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        service={
            "tasks": str(setting.count),
            "TTL": f"{setting.ttl} s",
            "stopTimeout": f"{setting.stop_timeout} s",
            "drain": f"{setting.drain} s",
            "container check": f"each {setting.check_interval} s" if setting.check else "none",
            **(calls if setting.rate else {}),
        },
        machines={},
        views=views_of(scene),
        checks=declared.holds,
    )


def _within(flow: Flow) -> float:
    return max(SHORTEST, flow.wall(CALL_WITHIN))


def _looks(quiet: Clients, scene: ServiceUnderTest, resolver: tuple[str, int] | None, flow: Flow) -> dict[str, Look]:
    """What each observer does, by its view; each has a client of its own."""

    def new(service: str) -> Any:
        return quiet.client(service, scene.account, scene.region)

    looks: dict[str, Look] = {
        "tasks": partial(roll, new("ecs"), scene, {}),
        "list": partial(listed, new("servicediscovery"), scene),
        "discover": partial(discovered, new("servicediscovery"), scene),
        "healthy": partial(discovered, new("servicediscovery"), scene, "HEALTHY"),
    }
    if resolver is not None:
        looks["names"] = partial(named, DnsAddress(*resolver), scene.alias, _within(flow))
    return looks


def _finding(
    request: pytest.FixtureRequest,
    quiet: Clients,
    scene: ServiceUnderTest,
    declared: Experiment,
    front: FaultProxy,
    flow: Flow,
) -> Callable[[Recorder], Finder]:
    """How callers find tasks, for the history that it is written to."""
    if declared.setting.by == "dns" and front.names is not None:
        look = partial(named, DnsAddress(*front.names.address), scene.alias, _within(flow))
        return lambda recorder: Finder("names", look, recorder, flow, None, serves_stale=False)
    ask = _by_api(request, quiet, scene, declared, front)
    return lambda recorder: Finder("healthy", ask, recorder, flow, API_KEEPS, serves_stale=True)


def _by_api(
    request: pytest.FixtureRequest, quiet: Clients, scene: ServiceUnderTest, declared: Experiment, front: FaultProxy
) -> Callable[[], Seen]:
    assert front.registry is not None
    account, owned = scene.account, scene
    if declared.setting.shared:
        account, owned = request.getfixturevalue("consumer_account"), replace(scene, owner=scene.account)
    new = partial(quiet.client, "servicediscovery", account, scene.region, endpoint=front.registry.url)
    if "permission.revoke" not in declared.faults:
        return partial(discovered, new(), owned, "HEALTHY")
    session = request.getfixturevalue("narrowed_session")
    everything = {"Effect": "Allow", "Action": "servicediscovery:*", "Resource": "*"}
    may, may_not = new(session=session(everything)), new(session=session({**everything, "Action": "ecs:*"}))
    return lambda: discovered(may_not if front.hits("permission.revoke") else may, owned, "HEALTHY")

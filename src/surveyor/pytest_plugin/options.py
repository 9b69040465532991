"""The command-line options of the plugin: what to run, against which target."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from pathlib import Path

import pytest

from surveyor.layout import Layout, find_layout
from surveyor.pytest_plugin.task_settings import DEFAULT, TaskSettings, task_settings_of
from surveyor.targets.options import TargetOptions, split_features

__all__ = ["REPLAY_TEST", "SETTINGS", "Chaos", "Settings", "is_experiment", "is_judged", "is_replay", "is_suite"]


@dataclass(frozen=True)
class Chaos:
    """The options of experiments.

    `scale`: service seconds in a wall second, where the target's clock can be controlled. `service`: CLUSTER/SERVICE
    to disrupt, "" to create a temporary one, to which `task_settings` apply. `faults` and `duration` (service
    seconds): of the experiment any-fault. `quiet`: print no victims and no limits. The others are safety limits (see
    surveyor.chaos.safety_limits).
    """

    scale: float = 10.0
    service: str = ""
    dry_run: bool = False
    task_settings: TaskSettings | None = None
    max_task_share: float = 0.5
    max_tasks: int | None = None
    min_healthy: int = 1
    max_error_rate: float = 0.2
    kill_file: Path | None = None
    stop_alarms: tuple[str, ...] = ()
    yes_production: bool = False
    path: str = ""
    faults: tuple[str, ...] = ("task.pause",)
    duration: float = 30.0
    quiet: bool = False

    def arguments(self) -> list[str]:
        """Return these as pytest options."""
        words = ["--scale", f"{self.scale:g}", "--max-task-share", f"{self.max_task_share:g}"]
        words += ["--min-healthy", str(self.min_healthy), "--max-error-rate", f"{self.max_error_rate:g}"]
        words += [] if self.max_tasks is None else ["--max-tasks", str(self.max_tasks)]
        words += ["--service", self.service] if self.service else []
        words += [word for name in self.stop_alarms for word in ("--stop-on-alarm", name)]
        words += ["--yes-production"] if self.yes_production else []
        words += ["--path", self.path] if self.path else []
        words += ["--dry-run"] if self.dry_run else []
        words += ["--quiet-experiments"] if self.quiet else []
        words += ["--kill-file", str(self.kill_file)] if self.kill_file else []
        words += ["--duration", f"{self.duration:g}", *(word for fault in self.faults for word in ("--fault", fault))]
        return words + (self.task_settings.arguments() if self.task_settings else [])


@dataclass(frozen=True)
class Settings:
    """The options of a run. `out` is None if no report is written.

    `resume`: leave out the tests that have a verdict in the report that is in `out`. `command`: of Surveyor, by whose
    policy the run may do what it does.
    """

    target: str
    areas: tuple[str, ...]
    claims: tuple[str, ...]
    out: Path | None
    seed: int
    layout: Layout
    target_options: TargetOptions
    run: str
    task_settings: TaskSettings
    chaos: Chaos = Chaos()
    resume: bool = False
    command: str = "conform"


SCENARIO_TEST = Path(__file__).parents[1] / "load" / "pytest_scenario.py"
"""The test that runs a load scenario."""

REPLAY_TEST = Path(__file__).parents[1] / "conformance" / "replay" / "pytest_replay.py"
"""The test that repeats recordings."""

SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("surveyor", "Surveyor: suites against a target")
    group.addoption("--target", default="embedded", metavar="NAME|URL|PATH", help="target to run against (embedded)")
    group.addoption("--area", action="append", default=[], help="only the suites of this area; may be repeated")
    group.addoption("--claim", action="append", default=[], help="only the tests of this claim; may be repeated")
    group.addoption("--out", default=None, metavar="DIR", help="write report.json to this folder")
    group.addoption("--account", default=None, metavar="ID", help="expected account id of the credentials")
    group.addoption("--profile", default=None, metavar="NAME", help="profile of the AWS CLI with the credentials")
    group.addoption("--service-role", default=None, metavar="ARN", help="role that services of AWS may be given")
    group.addoption("--consumer-profile", default=None, metavar="NAME", help="profile of a second account")
    group.addoption("--region", default=None, metavar="REGION", help="region to use; the target must allow it")
    group.addoption("--endpoint", default=None, metavar="URL", help="endpoint of the target aws, if not AWS itself")
    group.addoption("--dns", default=None, metavar="WHERE", help="resolver: control, none or ADDRESS:PORT")
    group.addoption("--vpc", default=None, metavar="ID", help="VPC of the account that private namespaces may use")
    group.addoption("--role", default=None, metavar="ARN", help="role of the account that the IAM tests may assume")
    group.addoption("--from-vpc", default=None, metavar="SUBNETS", help="subnets of a task that asks for this run")
    group.addoption(
        "--enable", action="append", default=[], metavar="FEATURE", help="also test this feature: quotas, throttling"
    )
    group.addoption("--tag", action="append", default=[], metavar="KEY=VALUE", help="tag of all that is created")
    group.addoption("--budget", default=None, metavar="LIMITS", help="calls=N,minutes=N,dollars=N,tasks=N,…")
    group.addoption("--ttl", type=int, default=None, metavar="SECONDS", help="TTL of the service's DNS records (60)")
    group.addoption(
        "--stop-timeout", type=int, default=None, metavar="SECONDS", help="stopTimeout of the container (30)"
    )
    group.addoption("--drain", type=int, default=None, metavar="SECONDS", help="seconds it answers after SIGTERM (0)")
    group.addoption("--no-check", action="store_true", help="create the container without a health check")
    group.addoption("--scale", type=float, default=10.0, metavar="N", help="service seconds per second in experiments")
    group.addoption("--service", default="", metavar="CLUSTER/SERVICE", help="service to disrupt in experiments")
    group.addoption("--dry-run", action="store_true", help="choose the victims of experiments, and stop there")
    group.addoption("--quiet-experiments", action="store_true", help="print neither victims nor limits of experiments")
    group.addoption(
        "--max-task-share", type=float, default=0.5, metavar="SHARE", help="share of tasks to disrupt at most"
    )
    group.addoption("--max-tasks", type=int, default=None, metavar="N", help="tasks to disrupt at most")
    group.addoption("--min-healthy", type=int, default=1, metavar="N", help="healthy tasks to keep at least")
    group.addoption(
        "--max-error-rate",
        type=float,
        default=0.2,
        metavar="SHARE",
        help="stop when a larger share of the last 100 calls fails",
    )
    group.addoption("--fault", action="append", default=[], metavar="NAME", help="fault of any-fault (task.pause)")
    group.addoption(
        "--duration", type=float, default=30.0, metavar="SECONDS", help="service seconds that any-fault lasts"
    )
    group.addoption("--kill-file", default=None, metavar="FILE", help="stop experiments when this file exists")
    group.addoption("--stop-on-alarm", action="append", default=[], metavar="NAME", help="stop when it is in ALARM")
    group.addoption("--yes-production", action="store_true", help="disrupt a service that seems to be production")
    group.addoption("--path", default="", metavar="PATH", help="what experiments with a user's service call")
    group.addoption("--run-id", default=None, metavar="ID", help="id of the run (a new one)")
    group.addoption("--policy-of", default="conform", metavar="COMMAND", help="whose policy the run has (conform)")
    group.addoption("--resume", action="store_true", help="keep the verdicts in the report.json that is in --out")
    group.addoption("--seed", type=int, default=7, help="seed of all random choices (7)")


@pytest.hookimpl(tryfirst=True)  # the other modules read the settings when they configure themselves
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "experiment(title, setting, holds, faults, name): describes an experiment of chaos/"
    )
    config.addinivalue_line("markers", "proves(*claims): the ids of the claims that a suite's test proves")
    config.addinivalue_line("markers", "slow: takes seconds on any machine; runs first, so that no worker ends with it")
    root = config.rootpath
    layout = Layout(root) if (root / "suites").is_dir() else find_layout()
    out = config.getoption("--out")
    if config.getoption("--resume") and not out:
        raise pytest.UsageError("--resume needs --out: the folder with the report of the run")
    # Workers get the options of the process that starts them, and so share its run id.
    config.option.run_id = config.getoption("--run-id") or secrets.token_hex(4)
    names = ("--ttl", "--stop-timeout", "--drain")
    try:
        task_settings = task_settings_of(*map(config.getoption, names), check=not config.getoption("--no-check"))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[SETTINGS] = Settings(
        target=config.getoption("--target"),
        areas=tuple(config.getoption("--area")),
        claims=tuple(config.getoption("--claim")),
        out=Path(out) if out else None,
        seed=config.getoption("--seed"),
        layout=layout,
        target_options=TargetOptions(
            account=config.getoption("--account"),
            region=config.getoption("--region"),
            endpoint=config.getoption("--endpoint"),
            dns=config.getoption("--dns"),
            vpc=config.getoption("--vpc"),
            role=config.getoption("--role"),
            enable=split_features(config.getoption("--enable")),
            budget=config.getoption("--budget"),
            profile=config.getoption("--profile"),
            service_role=config.getoption("--service-role"),
            consumer_profile=config.getoption("--consumer-profile"),
            tag=tuple(config.getoption("--tag")),
            from_vpc=config.getoption("--from-vpc"),
        ),
        run=config.option.run_id,
        task_settings=task_settings or DEFAULT,
        chaos=_chaos(config, task_settings),
        resume=config.getoption("--resume"),
        command=config.getoption("--policy-of"),
    )


def _chaos(config: pytest.Config, task_settings: TaskSettings | None) -> Chaos:
    scale, share, errors = (config.getoption(name) for name in ("--scale", "--max-task-share", "--max-error-rate"))
    kill_file = config.getoption("--kill-file")
    for name, value, limit in (
        ("--scale", scale, 100),
        ("--max-task-share", share, 1),
        ("--max-error-rate", errors, 1),
    ):
        if not 0 < value <= limit:
            raise pytest.UsageError(f"{name} must be above 0 and at most {limit}, got {value:g}")
    service = config.getoption("--service")
    if service and (service.count("/") != 1 or not all(service.split("/"))):
        raise pytest.UsageError(f"expected --service CLUSTER/SERVICE, got {service!r}")
    return Chaos(
        scale=scale,
        service=service,
        dry_run=config.getoption("--dry-run"),
        task_settings=task_settings,
        max_task_share=share,
        max_tasks=config.getoption("--max-tasks"),
        min_healthy=config.getoption("--min-healthy"),
        max_error_rate=errors,
        kill_file=Path(kill_file) if kill_file else None,
        stop_alarms=tuple(config.getoption("--stop-on-alarm")),
        yes_production=config.getoption("--yes-production"),
        path=config.getoption("--path"),
        quiet=config.getoption("--quiet-experiments"),
        faults=tuple(config.getoption("--fault")) or ("task.pause",),
        duration=config.getoption("--duration"),
    )


def is_experiment(node: pytest.Item) -> bool:
    """Return whether a test is an experiment, or the test that runs a load scenario.

    All tests of chaos/ are experiments; in files elsewhere, those with the marker of `@experiment` are.
    """
    return _kind_of(node) is _Kind.EXPERIMENT or node.get_closest_marker("experiment") is not None


def is_judged(node: pytest.Item) -> bool:
    """Return whether a test belongs to a suite, is an experiment or repeats a recording; others are not judged."""
    return _kind_of(node) is not _Kind.OTHER or is_experiment(node)


def is_replay(node: pytest.Item) -> bool:
    """Return whether a test repeats a recording."""
    return _kind_of(node) is _Kind.REPLAY


def is_suite(node: pytest.Item) -> bool:
    """Return whether a test belongs to a suite, and so proves claims."""
    return _kind_of(node) is _Kind.SUITE


class _Kind(Enum):
    """What the tests of a file are."""

    SUITE = auto()
    EXPERIMENT = auto()
    REPLAY = auto()
    OTHER = auto()


def _kind_of(node: pytest.Item) -> _Kind:
    return _kind_of_file(node.path, node.config.stash[SETTINGS].layout)


@lru_cache(4096)  # each of thousands of tests is asked a dozen times
def _kind_of_file(path: Path, layout: Layout) -> _Kind:
    if path.is_relative_to(layout.suites):
        return _Kind.SUITE
    if path == SCENARIO_TEST or path.is_relative_to(layout.chaos):
        return _Kind.EXPERIMENT
    return _Kind.REPLAY if path == REPLAY_TEST else _Kind.OTHER

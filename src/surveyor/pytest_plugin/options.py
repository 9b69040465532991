"""The options that choose what is run against which target."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest

from surveyor.advice.figures import TaskSettings, parse_task_settings
from surveyor.layout import Layout, find_layout
from surveyor.targets.options import TargetOptions, allowed_words

__all__ = ["SETTINGS", "Chaos", "Settings", "is_experiment", "is_judged", "is_suite"]


@dataclass(frozen=True)
class Chaos:
    """What the command line says about experiments.

    `scale`: service seconds a wall second, where the target's clock can be told. `service`: CLUSTER/SERVICE to do them
    to, "" for one of their own, which `tuning` is of. `faults` and `lasts` (service seconds): of the experiment
    any-fault. The others are the brakes' (see surveyor.chaos.safety_limits).
    """

    scale: float = 10.0
    service: str = ""
    dry_run: bool = False
    tuning: TaskSettings | None = None
    share: float = 0.5
    survivors: int = 1
    errors: float = 0.9
    kill_file: Path | None = None
    faults: tuple[str, ...] = ("task.pause",)
    lasts: float = 30.0

    def arguments(self) -> list[str]:
        """As options of pytest."""
        words = ["--scale", f"{self.scale:g}", "--most-share", f"{self.share:g}", "--survivors", str(self.survivors)]
        words += ["--most-errors", f"{self.errors:g}"]
        words += ["--service", self.service] if self.service else []
        words += ["--dry-run"] if self.dry_run else []
        words += ["--kill-file", str(self.kill_file)] if self.kill_file else []
        words += ["--lasts", f"{self.lasts:g}", *(word for fault in self.faults for word in ("--fault", fault))]
        return words


@dataclass(frozen=True)
class Settings:
    """What the command line asked for. `out` None: nothing is written."""

    target: str
    areas: tuple[str, ...]
    claims: tuple[str, ...]
    out: Path | None
    seed: int
    layout: Layout
    given: TargetOptions
    run: str
    tuning: TaskSettings
    chaos: Chaos = Chaos()


CONDUCTED = Path(__file__).parents[1] / "load" / "pytest_scenario.py"
"""The test that conducts a load scenario."""

SETTINGS = pytest.StashKey[Settings]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("surveyor", "Surveyor: suites against a target")
    group.addoption("--target", default="embedded", metavar="NAME|URL|PATH", help="what is tested (default embedded)")
    group.addoption("--area", action="append", default=[], help="only this area's suites; may be repeated")
    group.addoption("--claim", action="append", default=[], help="only the tests of this claim; may be repeated")
    group.addoption("--out", default=None, metavar="DIR", help="write report.json there")
    group.addoption("--account", default=None, metavar="ID", help="the account that the credentials must be of")
    group.addoption("--region", default=None, metavar="REGION", help="where the target is surveyed")
    group.addoption("--endpoint", default=None, metavar="URL", help="where aws is reached, if not at AWS")
    group.addoption("--dns", default=None, metavar="WHERE", help="where names are asked: control, none, ADDRESS:PORT")
    group.addoption("--vpc", default=None, metavar="ID", help="a VPC of the account that private namespaces may use")
    group.addoption("--role", default=None, metavar="ARN", help="a role of the account that claims of IAM may narrow")
    group.addoption("--allow", action="append", default=[], metavar="FEATURE", help="test this too: quotas, throttling")
    group.addoption("--budget", default=None, metavar="LIMITS", help="calls=N,resources=N,minutes=N,dollars=N")
    group.addoption("--tuning", default="", metavar="ttl=N,stop=N,drain=N", help="of the task whose life is measured")
    group.addoption("--scale", type=float, default=10.0, metavar="N", help="service seconds a second of experiments")
    group.addoption("--service", default="", metavar="CLUSTER/SERVICE", help="do experiments to this service")
    group.addoption("--dry-run", action="store_true", help="choose victims, and do nothing to them")
    group.addoption("--most-share", type=float, default=0.5, metavar="S", help="share of tasks that may be taken")
    group.addoption("--survivors", type=int, default=1, metavar="N", help="tasks that have to be left")
    group.addoption("--most-errors", type=float, default=0.9, metavar="S", help="share of calls that may fail")
    group.addoption("--fault", action="append", default=[], metavar="NAME", help="what any-fault does (task.pause)")
    group.addoption("--lasts", type=float, default=30.0, metavar="S", help="service seconds for which it does so")
    group.addoption("--kill-file", default=None, metavar="FILE", help="experiments stop when this file is there")
    group.addoption("--run-id", default=None, metavar="ID", help="what the run is called (a new name)")
    group.addoption("--seed", type=int, default=7, help="seed of everything random (default 7)")


@pytest.hookimpl(tryfirst=True)  # the other rooms read the settings when they configure themselves
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "experiment(title, setting, holds, faults, name): what a test of chaos/ is about"
    )
    config.addinivalue_line("markers", "proves(*claims): the ids of the claims that a suite's test proves")
    root = config.rootpath
    layout = Layout(root) if (root / "suites").is_dir() else find_layout()
    out = config.getoption("--out")
    # Workers get the options of the process that starts them, and so are of the same run.
    config.option.run_id = config.getoption("--run-id") or secrets.token_hex(4)
    config.stash[SETTINGS] = Settings(
        target=config.getoption("--target"),
        areas=tuple(config.getoption("--area")),
        claims=tuple(config.getoption("--claim")),
        out=Path(out) if out else None,
        seed=config.getoption("--seed"),
        layout=layout,
        given=TargetOptions(
            account=config.getoption("--account"),
            region=config.getoption("--region"),
            endpoint=config.getoption("--endpoint"),
            dns=config.getoption("--dns"),
            vpc=config.getoption("--vpc"),
            role=config.getoption("--role"),
            allow=allowed_words(config.getoption("--allow")),
            budget=config.getoption("--budget"),
        ),
        run=config.option.run_id,
        tuning=parse_task_settings(config.getoption("--tuning")),
        chaos=_chaos(config),
    )


def _chaos(config: pytest.Config) -> Chaos:
    scale, share, errors = (config.getoption(name) for name in ("--scale", "--most-share", "--most-errors"))
    kill = config.getoption("--kill-file")
    for name, value, most in (("--scale", scale, 100), ("--most-share", share, 1), ("--most-errors", errors, 1)):
        if not 0 < value <= most:
            raise pytest.UsageError(f"{name} is to be above 0 and at most {most}, not {value:g}")
    service = config.getoption("--service")
    if service and (service.count("/") != 1 or not all(service.split("/"))):
        raise pytest.UsageError(f"--service is CLUSTER/SERVICE, not {service!r}")
    return Chaos(
        scale=scale,
        service=service,
        dry_run=config.getoption("--dry-run"),
        tuning=parse_task_settings(config.getoption("--tuning")) if config.getoption("--tuning") else None,
        share=share,
        survivors=config.getoption("--survivors"),
        errors=errors,
        kill_file=Path(kill) if kill else None,
        faults=tuple(config.getoption("--fault")) or ("task.pause",),
        lasts=config.getoption("--lasts"),
    )


def is_experiment(node: pytest.Item) -> bool:
    """Whether a test is an experiment, or the one that conducts a load scenario."""
    return node.path == CONDUCTED or node.path.is_relative_to(node.config.stash[SETTINGS].layout.chaos)


def is_judged(node: pytest.Item) -> bool:
    """Whether a test is a suite's or an experiment: all others are left alone."""
    return is_suite(node) or is_experiment(node)


def is_suite(node: pytest.Item) -> bool:
    """Whether a test is one of the suites, which prove claims."""
    return node.path.is_relative_to(node.config.stash[SETTINGS].layout.suites)

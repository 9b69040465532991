"""Run suites with pytest, in this process or in workers.

pytest is used as a library here: its terminal output is off, and the user's own pytest settings and plugins are
ignored. A run imports no reports (`conformance/run.py` writes them), so that one of few claims begins soon.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from dataclasses import replace as replace_target
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from surveyor.account.run_ids import new_run
from surveyor.claims.selection import Selection
from surveyor.layout import Layout
from surveyor.pytest_plugin.collector import Collector
from surveyor.pytest_plugin.options import Chaos
from surveyor.pytest_plugin.session import LaunchedTarget
from surveyor.pytest_plugin.task_settings import DEFAULT, TaskSettings
from surveyor.targets import load_target
from surveyor.targets.credentials import hand_over
from surveyor.targets.model import Target
from surveyor.targets.options import NO_OPTIONS, TargetOptions
from surveyor.targets.process import StartedProcess, launch

if TYPE_CHECKING:
    from surveyor.report.model import ConformanceReport

__all__ = ["Earlier", "RunConfig", "run_pytest"]


@dataclass(frozen=True)
class Earlier:
    """What is resumed: the report in `out`, and the ids of the runs that it is of."""

    report: ConformanceReport
    runs: tuple[str, ...]


@dataclass(frozen=True)
class RunConfig:
    """What to run. `out` is the directory that the report is written to; `workers` 1 means in this process.

    `experiments` are files of chaos/ to run instead of suites, with the options in `chaos`. `earlier`: keep the
    verdicts of that run, and judge the rest. `command`: whose policy allows what the run does. `quick`: claims
    that need no VPC.
    """

    layout: Layout
    target: str
    out: Path
    selection: Selection = field(default_factory=Selection)
    workers: int = 1
    seed: int = 7
    target_options: TargetOptions = NO_OPTIONS
    task_settings: TaskSettings = DEFAULT
    experiments: tuple[Path, ...] = ()
    chaos: Chaos = field(default_factory=Chaos)
    run: str = field(default_factory=new_run)
    earlier: Earlier | None = None
    command: str = "conform"
    quick: bool = False


def run_pytest(
    config: RunConfig,
    collector: Collector,
    *plugins: object,
    options: Sequence[str] = (),
    launched: StartedProcess | None = None,
) -> int:
    """Run the chosen suites with further plugins (modules by name, or objects); fill the collector.

    Return pytest's status. `options` are further options of pytest, such as those that the plugins add. `launched`:
    the process of the target, if the caller launched it and stops it.
    """
    root = config.layout.root
    arguments = [
        *(map(str, config.experiments) if config.experiments else (str(config.layout.suites),)),
        *("--rootdir", str(root), "-c", os.devnull, "--import-mode=importlib"),
        *("-p", "surveyor.pytest_plugin", "-p", "no:terminal", "-p", "no:cacheprovider", "-p", "no:logging"),
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),  # they collect garbage five times at the end
        "--capture=sys",  # progress is printed between the tests, to the standard output that was there before
        *("--strict-markers", "--target", config.target, "--seed", str(config.seed), "--out", str(config.out)),
        *("--run-id", config.run, "--policy-of", config.command, *config.target_options.arguments()),
    ]
    if config.experiments:
        arguments += config.chaos.arguments()
        # An experiment of a user may import modules beside it; pytest splits the value as a shell does.
        folders = {str(path.parent): None for path in config.experiments if not path.is_relative_to(root)}
        arguments += ["-o", f"pythonpath={shlex.join(folders)}"]
    else:
        arguments += config.task_settings.arguments()
    if config.earlier:
        arguments += ["--resume"]
    for area in config.selection.areas:
        arguments += ["--area", area]
    for claim in config.selection.claims:
        arguments += ["--claim", claim]
    if config.workers > 1:
        arguments += ["-p", "xdist.plugin", "-n", str(config.workers), "--dist", "worksteal"]
    objects = [plugin for plugin in plugins if not isinstance(plugin, str)]
    for plugin in plugins:
        arguments += ["-p", plugin] if isinstance(plugin, str) else []
    arguments += options
    target = load_target(config.target, config.layout.targets, config.target_options)
    # Other processes than this one: workers, and the watchdog of an experiment.
    second = [replace_target(target, credentials=target.consumer)] if target.consumer else []
    handed_over = hand_over(target, *second) if config.workers > 1 or config.experiments else nullcontext()
    own_process = _launched(config, target) if launched is None else nullcontext(launched)
    with _isolated_pytest(), _fresh_modules(config.layout.suites), handed_over, own_process as process:
        objects += [LaunchedTarget(process)] if process is not None else []
        try:
            return int(pytest.main(arguments, plugins=[collector, *objects]))
        except KeyboardInterrupt:  # pytest was starting or ending
            return int(pytest.ExitCode.INTERRUPTED)


@contextmanager
def _launched(config: RunConfig, target: Target) -> Iterator[StartedProcess | None]:
    """Let a target that this process will use start while pytest collects the tests."""
    if config.workers > 1 or config.experiments or target.start is None or target.start.environment is not None:
        yield None
        return
    process = launch(target.label, target.start, config.seed)
    try:
        yield process
    finally:
        process.stop()


@contextmanager
def _fresh_modules(folder: Path) -> Iterator[None]:
    """Let pytest import the modules below a folder anew: it would escape the ids of their parameters a second time."""
    before = _take_modules(folder)
    try:
        yield
    finally:
        _take_modules(folder)
        sys.modules.update(before)


def _take_modules(folder: Path) -> dict[str, ModuleType]:
    below = os.path.join(folder, "")  # noqa: PTH118  # compared as text: a run has a thousand modules
    files = {name: getattr(module, "__file__", None) for name, module in list(sys.modules.items())}
    names = [name for name, file in files.items() if file and file.startswith(below)]
    return {name: sys.modules.pop(name) for name in names}


@contextmanager
def _isolated_pytest() -> Iterator[None]:
    """Switch off PYTEST_ADDOPTS and the plugins that happen to be installed."""
    variables = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", "PYTEST_PLUGINS": ""}
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

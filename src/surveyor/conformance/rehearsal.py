"""Rehearse a run in an account on the embedded target, with the delays, call rates and late reads of an account.

The clock is advanced, so that nothing is waited for: a day of an account takes minutes here. Each call takes the time
that one takes over a network.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.errors import SurveyorError
from surveyor.layout import Layout
from surveyor.machine import default_workers
from surveyor.output_files import write_text
from surveyor.pytest_plugin.collector import Collector
from surveyor.report.test_results import TestResult, WorkerFacts
from surveyor.targets import Target
from surveyor.targets.loading import find_target
from surveyor.targets.options import TargetOptions

__all__ = ["Perform", "Rehearsal", "rehearsal_target", "rehearse"]

_PROFILE = "staging"
_FLOWING = ("--clock", "flow", "--scale", "30")
_ADVANCED = ("--clock", "advance")
_ANSWERED = ("--set", "stopped_addresses=refuse")
"""Calls to stopped tasks are refused: without an answer each waits for its time-out on the wall, not on the clock."""

_ROOM_FOR_VPC = ("--set", "quotas.vpcs=6")
"""One more than in an account: the rehearsal creates the VPC that such a run brings along."""


@dataclass(frozen=True)
class Rehearsal:
    """What the tests of a run did: their results, the facts of the workers, and what this machine lacks.

    `missing`: each feature that could not be rehearsed, with the package that it needs.
    """

    results: tuple[TestResult, ...]
    facts: tuple[WorkerFacts, ...]
    missing: dict[str, str]


Perform = Callable[[RunConfig, Collector], int]
"""Runs something with pytest on the target of a config, fills the collector, and returns the status of pytest."""


def rehearse(
    target: Target,
    selection: Selection,
    layout: Layout,
    collector: Collector,
    workers: int = 1,
    seed: int = 7,
    perform: Perform = run_pytest,
) -> Rehearsal:
    """Return what a run of `target` with `workers` would do; nothing is sent to the target itself. `perform` runs it.

    Raises SurveyorError if the rehearsal fails, KeyboardInterrupt if it is interrupted.
    """
    selection.select(load_claims(layout.claims))
    with rehearsal_target(target, layout) as (file, options):
        processes = min(workers, default_workers())
        config = RunConfig(layout, str(file), file.parent / "out", selection, processes, seed, target_options=options)
        status = perform(config, collector)
    if status == pytest.ExitCode.INTERRUPTED:  # a part of a run says nothing about the whole
        raise KeyboardInterrupt
    if collector.internal or collector.broken or not collector.results:
        raise SurveyorError(f"the rehearsal failed: {[collector.internal, *collector.broken, 'no test ran'][0] or ''}")
    profile = find_target(_PROFILE, layout.targets)
    missing = {
        feature: package
        for feature, package in profile.optional.items()
        if feature in _features(target, profile) and not _is_installed(package)
    }
    return Rehearsal(tuple(collector.finished()), tuple(collector.facts), missing)


@contextmanager
def rehearsal_target(target: Target, layout: Layout) -> Iterator[tuple[Path, TargetOptions]]:
    """Yield the file and the options of a target that stands for an account, in a folder that may be written to."""
    profile = find_target(_PROFILE, layout.targets)
    with tempfile.TemporaryDirectory(prefix="surveyor-") as scratch:
        file = Path(scratch) / "rehearsal.toml"
        write_text(file, "\n".join(_target_file(target, profile)) + "\n")
        yield file, TargetOptions(account=target.account, region=target.region)


def _features(target: Target, profile: Target) -> frozenset[str]:
    """Return the features of the account; those of the profile where it declares none."""
    return (profile.features or frozenset()) if target.features is None else target.features


def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None or shutil.which(package) is not None


def _target_file(target: Target, profile: Target) -> Iterator[str]:
    """Yield the lines of a target file: the profile with an advanced clock, and the features of the account."""
    start = profile.start
    if start is None or " ".join(_FLOWING) not in " ".join(start.argv):
        raise SurveyorError(f"the target {_PROFILE} must start the emulator with {' '.join(_FLOWING)}")
    at = start.argv.index("--clock")
    argv = [*start.argv[:at], *_ADVANCED, *start.argv[at + len(_FLOWING) :], *_ANSWERED]
    if target.vpc or target.from_vpc is not None:
        argv += _ROOM_FOR_VPC
    yield f"region = {json.dumps(target.region)}"
    yield 'clock = "control"'
    yield 'dns = "control"'
    yield "rehearsal = true"
    yield f"features = {json.dumps(sorted(_features(target, profile)))}"
    yield "[optional]"
    yield from (f"{name} = {json.dumps(package)}" for name, package in profile.optional.items())
    yield "[start]"
    yield f"argv = {json.dumps(argv)}"
    yield 'ready = "json-line"'
    yield "[credentials]"
    yield 'kind = "per-test"'
    yield f"secret = {json.dumps(profile.credentials.secret)}"

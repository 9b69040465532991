"""A complete search: start or reach the target, search, clean up where needed, and write the report's files."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from surveyor import __version__
from surveyor.account.tags import run_prefix
from surveyor.claims import load_claims
from surveyor.claims.model import Claim
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.model_testing.cleanup import SearchCleanup
from surveyor.model_testing.report import MODEL_FILE, DivergenceReport, ModelReport, save_model_report
from surveyor.model_testing.script import DivergenceContext, format_program
from surveyor.model_testing.search import FoundDivergence, Search, SearchBudget, SearchProgress
from surveyor.model_testing.state_machine import OPTIONAL_FEATURES
from surveyor.model_testing.steps import describe_step
from surveyor.output_files import write_text
from surveyor.targets.expectations import Expectations, expectations_file, load_expectations
from surveyor.targets.loading import load_target
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target

__all__ = ["ModelRun", "ModelRunConfig", "run_model"]


@dataclass(frozen=True)
class ModelRunConfig:
    """What to search, how far, and where to write the files: model.json and model/*.py in `out`."""

    layout: Layout
    target: str
    target_options: TargetOptions
    out: Path
    budget: SearchBudget


@dataclass(frozen=True)
class ModelRun:
    """The result: the report, the programs in the order of its divergences, and what was left in the account.

    `calls`: the number of calls of each `service:Operation`; `service_seconds`: how long the search took the target.
    """

    report: ModelReport
    scripts: tuple[str, ...]
    left_behind: tuple[str, ...]
    calls: Mapping[str, int]
    service_seconds: float


def run_model(config: ModelRunConfig, report_progress: Callable[[SearchProgress], None]) -> ModelRun:
    """Search, and write the files; Ctrl-C ends the search early and keeps what was found.

    Raises UsageError if `out` is not writable, TargetUnavailable if the target cannot be reached or has died.
    """
    target = load_target(config.target, config.layout.targets, config.target_options)
    claims = load_claims(config.layout.claims).by_id
    expected = load_expectations(expectations_file(target, config.layout.targets))
    folder = _folder(config.out)
    run, started = secrets.token_hex(4), time.perf_counter()
    cleanup = (
        SearchCleanup(target, config.target, run, config.out, config.target_options.dns)
        if target.is_one_account
        else None
    )
    left: tuple[str, ...] = ()
    interrupted = False
    with run_target(target, config.budget.seed, cleanup.ledger if cleanup else None) as running:
        began = running.clock.now()
        names = run_prefix(run) if cleanup else "model-"
        clean = partial(_delete_all, cleanup, running) if cleanup else _keep
        search = Search(running, config.budget, names, report_progress, clean)
        try:
            search.run()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            left = cleanup.delete_all(running) if cleanup else ()
        scripts = tuple(
            format_program(found, _context(found, claims, target, config), running) for found in search.result.found
        )
        reports = _reports(search.result.found, claims, expected)
        features = running.features
        calls, seconds = dict(running.spending.all()), running.clock.now() - began
    for divergence, text in zip(reports, scripts, strict=True):
        write_text(folder / divergence.script, text)
    progress = search.result
    report = ModelReport(
        target=target.name, version=target.version(), surveyor=__version__, seed=config.budget.seed,
        steps=config.budget.steps, wanted=config.budget.histories, histories=progress.histories, calls=progress.calls,
        shortening=progress.shortening, wall_seconds=round(time.perf_counter() - started, 3),
        left_out=tuple(sorted(progress.left_out)),
        lacking=tuple(name for name in OPTIONAL_FEATURES if name not in features),
        interrupted=interrupted, divergences=reports,
    )  # fmt: skip
    save_model_report(report, folder / MODEL_FILE)
    return ModelRun(report, scripts, left, calls, seconds)


def _folder(out: Path) -> Path:
    """Return the folder `out`/model, without the programs of an earlier search."""
    folder = out / "model"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("divergence-*.py"):
            old.unlink()
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None
    return folder


def _delete_all(cleanup: SearchCleanup, running: RunningTarget) -> None:
    cleanup.delete_all(running)


def _keep() -> None:
    """Delete nothing: each history has a separate account."""


def _context(
    found: FoundDivergence, claims: Mapping[str, Claim], target: Target, config: ModelRunConfig
) -> DivergenceContext:
    claim = claims[found.divergence.promise.claim]
    budget = config.budget
    command = f"surveyor model --target {config.target} --seed {budget.seed} --examples {budget.histories}"
    command += f" --steps {budget.steps}" + " --keep-going" * budget.keep_going
    command += "".join(f" --claim {claim_id}" for claim_id in sorted(budget.claims))
    return DivergenceContext(claim.statement, str(claim.source), f"{target.name} {target.version()}".strip(), command)


def _reports(
    divergences: list[FoundDivergence], claims: Mapping[str, Claim], expected: Expectations
) -> tuple[DivergenceReport, ...]:
    return tuple(
        DivergenceReport(
            claim=found.divergence.promise.claim,
            statement=claims[found.divergence.promise.claim].statement,
            source=str(claims[found.divergence.promise.claim].source),
            symptom=found.divergence.symptom,
            demanded=found.divergence.promise.check.expected,
            actual=found.divergence.actual,
            steps=tuple(describe_step(step) for step in found.history),
            known=found.divergence.promise.claim in expected.entries,
            again=found.again,
            script=f"divergence-{number}-{re.sub(r'[^a-z0-9]+', '-', found.divergence.promise.claim)}.py",
            evidence=found.evidence,
        )
        for number, found in enumerate(divergences, 1)
    )

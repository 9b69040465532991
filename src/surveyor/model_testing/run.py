"""A whole search: the target started or reached, searched, cleared where it must be, and the files of the report."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor import __version__
from surveyor.account.tags import prefix
from surveyor.claims import load_claims
from surveyor.claims.model import Claim
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.model_testing.cleanup import Keeping
from surveyor.model_testing.report import MODEL_FILE, DivergenceReport, ModelReport, save_model_report
from surveyor.model_testing.script import Told, program
from surveyor.model_testing.search import Budget, Found, Search, Searched
from surveyor.model_testing.state_machine import LEFT_TO_FEATURES
from surveyor.model_testing.steps import told
from surveyor.targets.expectations import Expectations, expectations_file, load_expectations
from surveyor.targets.loading import load_target
from surveyor.targets.model import Target
from surveyor.targets.options import TargetOptions
from surveyor.targets.running import RunningTarget, run_target

__all__ = ["ModelOrder", "ModelRun", "run_model"]


@dataclass(frozen=True)
class ModelOrder:
    """What is to be searched, how far, and where the files go: model.json and model/*.py in `out`."""

    layout: Layout
    target: str
    given: TargetOptions
    out: Path
    budget: Budget


@dataclass(frozen=True)
class ModelRun:
    """What came: the report, the programs in the order of its divergences, and what still stands in the account."""

    report: ModelReport
    scripts: tuple[str, ...]
    left_behind: tuple[str, ...]


def run_model(order: ModelOrder, tell: Callable[[Searched], None]) -> ModelRun:
    """Search, and write the files; Ctrl-C ends the search early and keeps what was found.

    Raises UsageError for an unwritable `out`, TargetUnavailable where the target cannot be reached or is gone.
    """
    target = load_target(order.target, order.layout.targets, order.given)
    claims = load_claims(order.layout.claims).by_id
    expected = load_expectations(expectations_file(target, order.layout.targets))
    folder = _folder(order.out)
    run, began = secrets.token_hex(4), time.perf_counter()
    keeping = Keeping(target, order.target, run, order.out, order.given.dns) if target.is_one_account else None
    left: tuple[str, ...] = ()
    interrupted = False
    with run_target(target, order.budget.seed, keeping.ledger if keeping else None) as running:
        names = prefix(run) if keeping else "model-"
        search = Search(running, order.budget, names, tell, (lambda: _clear(keeping, running)) if keeping else _nothing)
        try:
            search.go()
        except KeyboardInterrupt:
            interrupted = True
        finally:
            left = keeping.clear(running) if keeping else ()
        scripts = tuple(program(one, _told(one, claims, target, order), running) for one in search.result.found)
        reports = _reports(search.result.found, claims, expected)
        features = running.features
    for one, text in zip(reports, scripts, strict=True):
        (folder / one.script).write_text(text, encoding="utf-8")
    found = search.result
    report = ModelReport(
        target=target.name, version=target.version(), surveyor=__version__, seed=order.budget.seed,
        steps=order.budget.steps, wanted=order.budget.histories, histories=found.histories, calls=found.calls,
        shortening=found.shortening, wall_seconds=round(time.perf_counter() - began, 3),
        left_out=tuple(sorted(found.left_out)),
        lacking=tuple(name for name in LEFT_TO_FEATURES if name not in features),
        interrupted=interrupted, divergences=reports,
    )  # fmt: skip
    save_model_report(report, folder / MODEL_FILE)
    return ModelRun(report, scripts, left)


def _folder(out: Path) -> Path:
    """`out`/model, without the programs of an earlier search."""
    folder = out / "model"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("divergence-*.py"):
            old.unlink()
    except OSError as wrong:
        raise UsageError(f"{folder} cannot be written: {wrong.strerror}") from None
    return folder


def _clear(keeping: Keeping, running: RunningTarget) -> None:
    keeping.clear(running)


def _nothing() -> None:
    """Each history is in an account of its own."""


def _told(found: Found, claims: Mapping[str, Claim], target: Target, order: ModelOrder) -> Told:
    claim = claims[found.divergence.promise.claim]
    budget = order.budget
    command = f"surveyor model --target {order.target} --seed {budget.seed} --examples {budget.histories}"
    command += f" --steps {budget.steps}" + " --keep-going" * budget.keep_going
    command += "".join(f" --claim {one}" for one in sorted(budget.claims))
    return Told(claim.statement, str(claim.source), f"{target.name} {target.version()}".strip(), command)


def _reports(found: list[Found], claims: Mapping[str, Claim], expected: Expectations) -> tuple[DivergenceReport, ...]:
    return tuple(
        DivergenceReport(
            claim=one.divergence.promise.claim,
            statement=claims[one.divergence.promise.claim].statement,
            source=str(claims[one.divergence.promise.claim].source),
            symptom=one.divergence.symptom,
            demanded=one.divergence.promise.check.demands,
            actual=one.divergence.actual,
            steps=tuple(told(step) for step in one.history),
            known=one.divergence.promise.claim in expected.entries,
            again=one.again,
            script=f"divergence-{number}-{re.sub(r'[^a-z0-9]+', '-', one.divergence.promise.claim)}.py",
            evidence=one.evidence,
        )
        for number, one in enumerate(found, 1)
    )

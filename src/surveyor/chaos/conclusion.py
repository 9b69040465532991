"""Conclude an experiment run: stop it, close its history, and judge the history once."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from surveyor.account.refusals import describe_denial
from surveyor.chaos.actions import FaultFailed
from surveyor.chaos.experiment_run import DryRun, ExperimentRun
from surveyor.chaos.leftovers import LeftBehind
from surveyor.checkers import Judgement, judge_file
from surveyor.errors import FeatureLacking, Inconclusive, WrongAnswer
from surveyor.terminal import guard
from surveyor.verdicts import Verdict

__all__ = ["check_judgement", "concluded", "print_line"]


@contextmanager
def concluded(run: ExperimentRun) -> Iterator[None]:
    """Stop the run when the block ends, however it ends, and write the judgement on its history beside it.

    Raises what the block raises, Inconclusive after a dry run, and WrongAnswer or Inconclusive if the judgement is not
    a pass. What failed on a machine that did not keep up is inconclusive, too.
    """
    try:
        yield
        run.stop()
        run.check_progress()
        run.check_leftovers()
    except DryRun:
        run.stop()
        run.recorder.close("dry run")
        raise Inconclusive("dry run: no fault was injected") from None
    except BaseException as error:
        _recover(run, error)
        run.stop()
        run.recorder.close(_reason(error).splitlines()[0][:300])
        judge_file(run.recorder.path)
        if isinstance(error, WrongAnswer | FaultFailed) and (lag := run.lag()):
            raise Inconclusive(f"{lag}; {error}") from error
        raise
    run.recorder.close()
    check_judgement(judge_file(run.recorder.path), run.lag())


def check_judgement(judgement: Judgement, lag: str = "") -> None:
    """Raise WrongAnswer or Inconclusive unless a judgement is a pass; `lag`: why a failed check proves nothing."""
    if judgement.verdict is Verdict.FAIL and lag:
        raise Inconclusive(f"{lag}; {judgement.detail}")
    if judgement.verdict is Verdict.FAIL:
        failed = ", ".join(check.check for check in judgement.checks if check.verdict is Verdict.FAIL)
        raise WrongAnswer(judgement.detail, actual=failed)
    if judgement.verdict is Verdict.INCONCLUSIVE:
        raise Inconclusive(judgement.detail)


def print_line(line: str) -> None:
    """Print to the terminal itself, since standard output may be captured while an experiment runs."""
    if sys.__stderr__ is not None:
        guard(sys.__stderr__).write(line + "\n")
        sys.__stderr__.flush()


def _reason(error: BaseException) -> str:
    """Return why an experiment stopped; of a denied call the action that is missing, and what to do."""
    text = str(error)
    denial = describe_denial(text) if isinstance(error, ClientError) else text
    return f"{type(error).__name__}: {text}" if denial == text else denial


def _recover(run: ExperimentRun, error: BaseException) -> None:
    """Wait until the service of others is steady again, and say whether it is, if an experiment with it stopped."""
    if run.service.temporary or run.dry_run or not isinstance(error, Exception) or isinstance(error, FeatureLacking):
        return
    problem = run.recover()
    if not isinstance(error, LeftBehind):
        try:
            run.check_leftovers()
        except LeftBehind as left:
            problem = "; ".join(filter(None, (problem, str(left))))
    print_line(f"{run.experiment.name}: stopped; {problem or 'all faults are undone, and the service is steady'}")

"""Puts a program together: what it is about, its head, the history, and the check that fails."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from surveyor.model_testing.checks import ANSWERED, Outcome
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.promises import promises
from surveyor.model_testing.registry import Registry, after
from surveyor.model_testing.script.assertions import asserting
from surveyor.model_testing.script.calls import before, expression, literal, names_in, statements
from surveyor.model_testing.script.helpers import head
from surveyor.model_testing.search import Found
from surveyor.model_testing.steps import Discover, Look, Step
from surveyor.report.text import one_line
from surveyor.targets.running import RunningTarget

__all__ = ["Told", "program"]

_WIDTH = 118


@dataclass(frozen=True)
class Told:
    """What is told beside a divergence: the claim's statement and source, which target it was, how it was found."""

    statement: str
    source: str
    target: str
    command: str


def program(found: Found, told: Told, running: RunningTarget) -> str:
    """The program. It ends in an AssertionError where the target diverges, and says so where it does not."""
    body = "\n".join(_body(found))
    return f"{_comments(found, told, running)}\n{head(body, running)}{body}\n"


def _comments(found: Found, told: Told, running: RunningTarget) -> str:
    broken = found.divergence
    lines = [
        f"{told.target} does here what AWS's documents rule out.",
        f"documented: {told.statement} [{broken.promise.claim}]",
        f"source: {told.source}",
        f"so: {broken.promise.check.demands}",
        f"came: {broken.symptom}: {broken.actual}",
        f"found by: {told.command}",
    ]
    if running.target.start is not None or running.target.endpoint is not None:
        lines.append("run it: python FILE [ENDPOINT]")
    wrapped = (textwrap.wrap(one_line(line), _WIDTH - 4, subsequent_indent="    ") for line in lines)
    return "".join(f"# {line}\n" for some in wrapped for line in some)


def _body(found: Found) -> Iterator[str]:
    *first, last = found.history
    names, registry = names_in(found.history), Registry()
    answers: dict[str, str] = {}  # service -> the variable of the last answer that told its revision
    promise = found.divergence.promise
    yield f"DOCUMENTED = {literal(f'{promise.check.demands} [{promise.claim}]')}\n"
    for number, step in enumerate(first, 1):
        if isinstance(step, Discover):
            answers[step.service] = f"answer_{number}"
            yield f"answer_{number} = {expression(step, names)}"
        else:
            yield from statements(step, names, refused=_is_refused(registry, step))
        registry = after(registry, step, Moment(0.0, 0.0))
    yield from before(last, names)
    if isinstance(last, Look) and last.settle:
        yield f"wait({math.ceil(found.waited * 100) / 100:g})"
    yield from asserting(promise.check, last, expression(last, names), answers.get(getattr(last, "service", ""), ""))
    yield 'print("as documented")'


def _is_refused(registry: Registry, step: Step) -> bool:
    """Whether the documents say that the call is refused."""
    first = next(promises(registry, step, Moment(0.0, 0.0)))
    return isinstance(first.check, Outcome) and ANSWERED not in first.check.permitted

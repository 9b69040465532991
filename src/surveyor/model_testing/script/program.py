"""Compose a program: comments, head, the history, and the check that fails."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from surveyor.model_testing.checks import ANSWERED, PermittedOutcome
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.promises import promises_for
from surveyor.model_testing.registry import ModelRegistry, apply_step
from surveyor.model_testing.script.assertions import assertion_lines
from surveyor.model_testing.script.calls import expression, literal, names_in, preparation, statements
from surveyor.model_testing.script.helpers import head
from surveyor.model_testing.search import FoundDivergence
from surveyor.model_testing.steps import DiscoverInstances, ReadStep, Step
from surveyor.targets.model import TOKEN_VARIABLE
from surveyor.targets.running import RunningTarget
from surveyor.visible_text import one_line

__all__ = ["DivergenceContext", "format_program"]

_WIDTH = 118


@dataclass(frozen=True)
class DivergenceContext:
    """The comments beside a divergence: the claim's statement and source, the target, the command that found it."""

    statement: str
    source: str
    target: str
    command: str


def format_program(found: FoundDivergence, context: DivergenceContext, running: RunningTarget) -> str:
    """Return the program. It ends in an AssertionError if the target diverges, or prints "as documented"."""
    body = "\n".join(_body(found))
    return f"{_comments(found, context, running)}\n{head(body, running)}{body}\n"


def _comments(found: FoundDivergence, context: DivergenceContext, running: RunningTarget) -> str:
    divergence = found.divergence
    lines = [
        f"{context.target} differs from the AWS documentation.",
        f"documented: {context.statement} [{divergence.promise.claim}]",
        f"source: {context.source}",
        f"expected: {divergence.promise.check.expected}",
        f"actual: {divergence.symptom}: {divergence.actual}",
        f"found by: {context.command}",
    ]
    if running.target.start is not None or running.target.endpoint is not None:
        with_token = f", with {TOKEN_VARIABLE} of that emulator" if running.control is not None else ""
        lines.append(f"run it: python FILE [ENDPOINT]{with_token}")
    wrapped = (textwrap.wrap(one_line(line), _WIDTH - 4, subsequent_indent="    ") for line in lines)
    return "".join(f"# {line}\n" for paragraph in wrapped for line in paragraph)


def _body(found: FoundDivergence) -> Iterator[str]:
    *first, last = found.history
    names, registry = names_in(found.history), ModelRegistry()
    answers: dict[str, str] = {}  # service -> the variable of the last answer with its revision
    promise = found.divergence.promise
    yield f"DOCUMENTED = {literal(f'{promise.check.expected} [{promise.claim}]')}\n"
    for number, step in enumerate(first, 1):
        if isinstance(step, DiscoverInstances):
            answers[step.service] = f"answer_{number}"
            yield f"answer_{number} = {expression(step, names)}"
        else:
            yield from statements(step, names, refused=_is_refused(registry, step))
        registry = apply_step(registry, step, Moment(0.0, 0.0))
    yield from preparation(last, names)
    if isinstance(last, ReadStep) and last.settle:
        yield f"wait({math.ceil(found.waited * 100) / 100:g})"
    yield from assertion_lines(
        promise.check, last, expression(last, names), answers.get(getattr(last, "service", ""), "")
    )
    yield 'print("as documented")'


def _is_refused(registry: ModelRegistry, step: Step) -> bool:
    """Return whether the documents say that the call is refused."""
    first = next(promises_for(registry, step, Moment(0.0, 0.0)))
    return isinstance(first.check, PermittedOutcome) and ANSWERED not in first.check.permitted

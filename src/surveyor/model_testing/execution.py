"""Run one history on a target and in the model, step by step, until it ends or the two diverge."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from surveyor import timeouts
from surveyor.clock import Clock, ControlledClock
from surveyor.errors import FeatureLacking, NotOffered, WrongAnswer
from surveyor.model_testing.checks import Observation, ObservedError
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.driver import Driver
from surveyor.model_testing.promises import Divergence, find_divergence, record_revision, settles_at
from surveyor.model_testing.registry import ModelRegistry, apply_step
from surveyor.model_testing.steps import DeleteNamespace, DeleteService, History, ReadStep, Step

__all__ = ["HistoryResult", "run_history"]


@dataclass(frozen=True)
class HistoryResult:
    """The result of a history: the number of steps `done`; the last of them diverged, if there is a divergence.

    `left_out`: operations that the target does not offer. `waited`: service seconds from the start of the last step to
    the call whose answer diverged.
    """

    done: int
    divergence: Divergence | None = None
    left_out: frozenset[str] = frozenset()
    waited: float = 0.0


class _PromiseBroken(Exception):
    """The last answer breaks a promise."""

    def __init__(self, divergence: Divergence, at: Moment) -> None:
        super().__init__(divergence.symptom)
        self.divergence, self.at = divergence, at


def run_history(
    driver: Driver, clock: Clock, history: History, known: Callable[[Divergence], bool] = lambda _: False
) -> HistoryResult:
    """Execute the steps until a promise is broken, or up to a step that the target does not offer.

    A read step that breaks a `known` broken promise is ignored. Any other call that breaks one ends the history, since
    from then on the state of the target differs from that of the model.

    Raises TargetUnavailable if the target has died.
    """
    registry = ModelRegistry()
    tolerance = timeouts.TOLERANCE_ADVANCED if isinstance(clock, ControlledClock) else timeouts.TOLERANCE_FLOWING
    for number, step in enumerate(history):
        started = clock.now()
        try:
            observed, at = _observe(driver, clock, registry, step, known)
        except _PromiseBroken as broken:
            return HistoryResult(number + 1, broken.divergence, waited=broken.at.start - started)
        except NotOffered as error:
            return HistoryResult(number, left_out=frozenset({error.operation}))
        except FeatureLacking as error:
            return HistoryResult(number, left_out=frozenset({str(error)}))
        if not isinstance(step, ReadStep) and find_divergence(registry, step, observed, at):
            return HistoryResult(number + 1)
        registry = record_revision(apply_step(registry, step, at, tolerance), step, observed, at)
    return HistoryResult(len(history))


def _observe(
    driver: Driver, clock: Clock, registry: ModelRegistry, step: Step, known: Callable[[Divergence], bool]
) -> tuple[Observation, Moment]:
    """Execute the step and return the answer and its time. Raises _PromiseBroken at the first broken promise."""

    def execute() -> tuple[Observation, Moment]:
        start = clock.now()
        observed = driver.execute(step)
        return observed, Moment(start, clock.now())

    def judge(answer: tuple[Observation, Moment]) -> tuple[Observation, Moment]:
        divergence = find_divergence(registry, step, *answer, known)
        if divergence:
            raise _PromiseBroken(divergence, answer[1])
        return answer

    if isinstance(step, ReadStep) and step.settle:
        deadline = settles_at(registry, step)

        def settled() -> tuple[Observation, Moment] | None:
            answer = judge(execute())
            final = find_divergence(registry, step, answer[0], Moment(deadline, deadline), known) is None
            return answer if final else None

        # Slightly longer, so that the last call is at a time when only the final values are permitted.
        answer = clock.eventually(settled, within=max(0.0, deadline - clock.now()) + 0.01)
        if isinstance(clock, ControlledClock) and answer[1].end < deadline:
            # Waiting costs nothing here, and an answer that settled early must still be the same at the deadline.
            clock.wait(deadline - answer[1].end + 0.01)
            answer = judge(execute())
        return answer
    if isinstance(step, (DeleteService, DeleteNamespace)) and not _is_in_use(registry, step):
        # servicediscovery/Service.InstanceCount need not reflect operations in progress: call again until it does.
        def not_in_use() -> tuple[Observation, Moment] | None:
            answer = execute()
            return answer if answer[0] != _IN_USE else None

        with suppress(WrongAnswer):
            return judge(clock.eventually(not_in_use, within=timeouts.OPERATION))
    return judge(execute())


def _is_in_use(registry: ModelRegistry, step: DeleteService | DeleteNamespace) -> bool:
    if isinstance(step, DeleteService):
        return bool(registry.services[step.service].registered)
    return bool(registry.services_of(step.namespace))


_IN_USE = ObservedError("ResourceInUse")

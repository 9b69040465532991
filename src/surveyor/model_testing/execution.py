"""Runs one history on a target beside the model, step by step, until it ends or the two part."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from surveyor import timeouts
from surveyor.clock import Clock, ControlledClock
from surveyor.errors import FeatureLacking, NotOffered, WrongAnswer
from surveyor.model_testing.checks import Observation, Refused
from surveyor.model_testing.consistency import Moment
from surveyor.model_testing.driver import Driver
from surveyor.model_testing.promises import Divergence, diverges, revision_seen, settles
from surveyor.model_testing.registry import Registry, after
from surveyor.model_testing.steps import DeleteNamespace, DeleteService, History, Look, Step

__all__ = ["Ran", "run_history"]


@dataclass(frozen=True)
class Ran:
    """What came of a history: `done` steps of it were done; the last of them diverged, if there is a divergence.

    `left_out`: operations that the target does not offer. `waited`: service seconds from the beginning of the last step
    to the call whose answer diverged.
    """

    done: int
    divergence: Divergence | None = None
    left_out: frozenset[str] = frozenset()
    waited: float = 0.0


class _Parted(Exception):
    """The answer just looked at breaks a promise."""

    def __init__(self, divergence: Divergence, at: Moment) -> None:
        super().__init__(divergence.symptom)
        self.divergence, self.at = divergence, at


def run_history(
    driver: Driver, clock: Clock, history: History, known: Callable[[Divergence], bool] = lambda _: False
) -> Ran:
    """Do the steps until a promise is broken. A step that the target does not offer ends the history before it.

    Looks are passed over where they break a promise that is `known` to be broken; a call that does ends the history,
    since what the target holds from there on is not what the model holds.

    Raises TargetUnavailable where the target is gone.
    """
    registry = Registry()
    tolerance = timeouts.TOLERANCE_ADVANCED if isinstance(clock, ControlledClock) else timeouts.TOLERANCE_FLOWING
    for number, step in enumerate(history):
        began = clock.now()
        try:
            seen, at = _seen(driver, clock, registry, step, known)
        except _Parted as parted:
            return Ran(number + 1, parted.divergence, waited=parted.at.start - began)
        except NotOffered as lacking:
            return Ran(number, left_out=frozenset({lacking.operation}))
        except FeatureLacking as lacking:
            return Ran(number, left_out=frozenset({str(lacking)}))
        if not isinstance(step, Look) and diverges(registry, step, seen, at):
            return Ran(number + 1)
        registry = revision_seen(after(registry, step, at, tolerance), step, seen, at)
    return Ran(len(history))


def _seen(
    driver: Driver, clock: Clock, registry: Registry, step: Step, known: Callable[[Divergence], bool]
) -> tuple[Observation, Moment]:
    """What came of the step, and when it was asked. Raises _Parted at the first broken promise."""

    def ask() -> tuple[Observation, Moment]:
        start = clock.now()
        seen = driver.do(step)
        return seen, Moment(start, clock.now())

    def judged(found: tuple[Observation, Moment]) -> tuple[Observation, Moment]:
        broken = diverges(registry, step, *found, known)
        if broken:
            raise _Parted(broken, found[1])
        return found

    if isinstance(step, Look) and step.settle:
        by = settles(registry, step)

        def comes_to_rest() -> tuple[Observation, Moment] | None:
            found = judged(ask())
            return found if diverges(registry, step, found[0], Moment(by, by), known) is None else None

        # A hair longer, so that the last look is at a time when nothing but the end is permitted.
        found = clock.eventually(comes_to_rest, within=max(0.0, by - clock.now()) + 0.01)
        if isinstance(clock, ControlledClock) and found[1].end < by:
            # Waiting costs nothing here, and what has come to rest early must be so still.
            clock.wait(by - found[1].end + 0.01)
            found = judged(ask())
        return found
    if isinstance(step, (DeleteService, DeleteNamespace)) and not _is_in_use(registry, step):
        # servicediscovery/Service.InstanceCount need not reflect what is under way: asked until it does.
        def is_free() -> tuple[Observation, Moment] | None:
            found = ask()
            return found if found[0] != _IN_USE else None

        with suppress(WrongAnswer):
            return judged(clock.eventually(is_free, within=timeouts.OPERATION))
    return judged(ask())


def _is_in_use(registry: Registry, step: DeleteService | DeleteNamespace) -> bool:
    if isinstance(step, DeleteService):
        return bool(registry.services[step.service].registered)
    return bool(registry.services_of(step.namespace))


_IN_USE = Refused("ResourceInUse")

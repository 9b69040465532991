"""Injected faults beside the retries of the client that met them, as a history has both."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from surveyor.history import History, InjectionRecord, Outcome, ViewSnapshot

__all__ = ["InjectedFault", "injected_faults"]

_CLIENT, _NAMES, _DNS = "client", "names", "dns:"
LATE = 1.0
"""Service seconds."""


class InjectedFault(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One request that a fault changed the answer of, `at` a service second; `call`: its operation.

    `answer`: what the client got, "" if the history does not have its question. `retry`: service seconds until it asked
    again, None if it never did; `retry_answer`: what it got then, and `also`: the fault that hit this one, too.
    """

    at: float
    fault: str
    call: str
    answer: str = ""
    retry: float | None = None
    retry_answer: str = ""
    also: str = ""


def injected_faults(history: History) -> tuple[InjectedFault, ...]:
    """Return all injected faults of a history, in the order of their times."""
    looks = [look for look in history.view_snapshots if look.actor == _CLIENT]
    return tuple(_injected(injection, looks, history.injections) for injection in history.injections)


def _injected(
    injection: InjectionRecord, looks: Sequence[ViewSnapshot], all_injections: Sequence[InjectionRecord]
) -> InjectedFault:
    at = round(injection.begin, 1)
    of_names = injection.call.startswith(_DNS)  # clients of both kinds may ask at the same time
    hit = next(
        (
            look for look in looks
            if look.begin <= injection.begin <= look.end and (look.view == _NAMES) is of_names
        ),
        None,
    )  # fmt: skip
    if hit is None:
        return InjectedFault(at, injection.fault, injection.call)
    again = next((look for look in looks if look.view == hit.view and look.begin >= hit.end), None)
    if again is None:
        return InjectedFault(at, injection.fault, injection.call, _answer(hit))
    also = next((each.fault for each in all_injections if again.begin <= each.begin <= again.end), "")
    waited = round(again.begin - hit.end, 1)
    return InjectedFault(at, injection.fault, injection.call, _answer(hit), waited, _answer(again), also)


def _answer(look: ViewSnapshot) -> str:
    """Return what a question got, and when if that was late: a resolver asks again within one question."""
    count, seconds = len(look.members), look.end - look.begin
    if look.outcome is Outcome.OK:
        what = ("address" if count == 1 else "addresses") if look.view == _NAMES else "instances"
        found = f"{count} {what}"
    else:
        found = look.error or ("no answer" if look.outcome is Outcome.INFO else "refused")
    return f"{found} after {seconds:.1f} s" if seconds >= LATE else found

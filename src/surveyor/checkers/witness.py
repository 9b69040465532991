"""An event of a history in words, for whoever reads a witness."""

from __future__ import annotations

from surveyor.history import Call, Change, Fault, History, Look, Operation, TaskSnapshot, Undo

__all__ = ["told_of"]

SHOWN = 4


def told_of(history: History, number: int) -> str:
    """What happened in the operation that has this event; "" for a number that no event has."""
    for one in (*history.looks, *history.rolls, *history.calls, *history.changes, *history.faults, *history.undos):
        if number in (one.number, one.ended):
            return f"{one.begin:.1f} to {one.end:.1f} s: {_told(one)}"
    return ""


def _told(one: Operation) -> str:
    match one:
        case Look():
            who = one.view if one.who == one.view else f"{one.view}, asked by {one.who},"
            return f"{who} showed {_listed(sorted(one.members)) or one.error or 'nobody'}"
        case TaskSnapshot():
            states = sorted(f"{task[:8]} {seen.status}" for task, seen in one.tasks.items())
            return f"ECS told of {_listed(states) or 'no task'}"
        case Call():
            actual = f"{one.status} from {one.task[:8] or 'somebody'}" if one.status else one.error
            return f"a call to {one.address or 'nobody'}: {actual}"
        case Fault():
            return f"{one.fault} of {_listed([victim[:8] for victim in one.victims]) or 'the service'}"
        case Undo():
            return "the fault was undone"
        case Change():
            return f"{one.call} {', '.join(f'{name}={value}' for name, value in one.told.items())}"
        case _:
            return type(one).__name__


def _listed(all_: list[str]) -> str:
    short = [one if len(one) < 24 else one[:8] for one in all_[:SHOWN]]
    return ", ".join(short) + (f" and {len(all_) - SHOWN} more" if len(all_) > SHOWN else "")

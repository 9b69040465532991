"""What each view showed of each task, put in order: what the checkers of membership have in common."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.history import History, Life, Look, Outcome, View

__all__ = ["looks_by_observer", "names", "shows", "tells_absence", "view_of"]


def looks_by_observer(history: History, view: str | None = None) -> Iterator[tuple[str, Sequence[Look]]]:
    """The answered looks of each observer of each view, or of one view; those of a kind are in order of time."""
    found: dict[tuple[str, str], list[Look]] = {}
    for look in history.looks:
        if look.outcome is Outcome.OK and view in (None, look.view):
            found.setdefault((look.view, look.who), []).append(look)
    for (name, who), looks in found.items():
        yield (name if name == who else f"{name}, asked by {who}"), looks


def view_of(history: History, look: Look) -> View:
    """The view that was looked at."""
    return history.header.views.get(look.view, View())


def names(life: Life, view: View) -> str:
    """What a task is called in a view: its id, or its address; "" while it has none."""
    return life.task if view.of == "instances" else life.address


def shows(look: Look, life: Life, view: View) -> bool:
    """Whether the task is in the answer."""
    return bool(name := names(life, view)) and name in look.members


def tells_absence(look: Look, view: View) -> bool:
    """Whether who is not in the answer is not in the registry: with a full answer nobody knows."""
    return not view.most or len(look.members) < view.most

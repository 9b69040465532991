"""Look up tasks in view snapshots: the functions that the membership checkers share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from surveyor.history import History, Outcome, TaskLifetime, View, ViewSnapshot

__all__ = ["contains_task", "name_in_view", "proves_absence", "snapshots_by_observer", "view_of"]


def snapshots_by_observer(history: History, view: str | None = None) -> Iterator[tuple[str, Sequence[ViewSnapshot]]]:
    """Yield the answered snapshots of each observer of each view, or of one view, in order of time."""
    found: dict[tuple[str, str], list[ViewSnapshot]] = {}
    for snapshot in history.view_snapshots:
        if snapshot.outcome is Outcome.OK and view in (None, snapshot.view):
            found.setdefault((snapshot.view, snapshot.actor), []).append(snapshot)
    for (name, actor), snapshots in found.items():
        yield (name if name == actor else f"{name}, asked by {actor}"), snapshots


def view_of(history: History, snapshot: ViewSnapshot) -> View:
    """Return the view that a snapshot shows."""
    return history.header.views.get(snapshot.view, View())


def name_in_view(lifetime: TaskLifetime, view: View) -> str:
    """Return the name of a task in a view: its id or its address; "" while it has none."""
    return lifetime.task if view.of == "instances" else lifetime.address


def contains_task(snapshot: ViewSnapshot, lifetime: TaskLifetime, view: View) -> bool:
    """Return whether the task is in the snapshot."""
    return bool(name := name_in_view(lifetime, view)) and name in snapshot.members


def proves_absence(snapshot: ViewSnapshot, view: View) -> bool:
    """Return whether a member missing from the snapshot is not in the registry; a full answer proves nothing."""
    return not view.max_members or len(snapshot.members) < view.max_members

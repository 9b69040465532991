"""Launch the target of mutants before pytest is imported, so that both start at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from surveyor.layout import Layout
from surveyor.targets import load_target
from surveyor.targets.process import StartedProcess, launch

__all__ = ["SEED", "TARGET", "launched_target"]

TARGET = "mutant"
SEED = 7


@contextmanager
def launched_target(layout: Layout, workers: int) -> Iterator[StartedProcess | None]:
    """Yield the launched target of a run in this process; None for several workers, which start their targets."""
    target = load_target(TARGET, layout.targets)
    if workers > 1 or target.start is None:
        yield None
        return
    process = launch(target.label, target.start, SEED)
    try:
        yield process
    finally:
        process.stop()

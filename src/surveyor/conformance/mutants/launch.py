"""Launch the targets of mutants: the first before claims and pytest are loaded, so that all start at the same time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain

from surveyor.layout import Layout
from surveyor.targets import load_target
from surveyor.targets.process import StartedProcess, launch

__all__ = ["SEED", "TARGET", "mutant_targets"]

TARGET = "mutant"
SEED = 7


@contextmanager
def mutant_targets(layout: Layout, areas: Collection[str]) -> Iterator[Iterator[StartedProcess]]:
    """Yield targets that know the mutants of these areas; at the end all are stopped.

    The first is launched at once, each other one when it is asked for.
    """
    target = load_target(TARGET, layout.targets)
    assert target.start is not None
    start = replace(target.start, argv=(*target.start.argv, *areas))
    with ExitStack() as stack:

        def launch_target() -> StartedProcess:
            process = launch(target.label, start, SEED)
            stack.callback(process.stop)
            return process

        yield chain([launch_target()], iter(launch_target, None))

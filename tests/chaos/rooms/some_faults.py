"""Not one of chaos/: the faults that FAULTS names, all at once and for long, so that their runner can be killed."""

from __future__ import annotations

import os
from contextlib import ExitStack

from surveyor.chaos import Setting, Stage, experiment, no_resurrection

FAULTS = tuple(os.environ.get("FAULTS", "task.pause").split(","))
ABOUT_TASKS = ("task.", "az.", "registry.deregister-live")


@experiment(
    "Some faults, and long enough.", faults=FAULTS, setting=Setting(count=2, before=1), holds=(no_resurrection(),)
)
def test_some_faults(stage: Stage) -> None:
    """All on, until somebody ends it."""
    with ExitStack() as stack:
        for fault in FAULTS:
            victims = stage.pick(1) if fault.startswith(ABOUT_TASKS) else ()
            stack.enter_context(stage.fault(fault, victims, count=4))
        stage.wait(3_000)

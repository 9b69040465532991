"""The faults by their names: what each does to whom, and what undoes it."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.chaos.faults.names import NAMES
from surveyor.chaos.faults.registry import REGISTRY
from surveyor.chaos.faults.services import SERVICES
from surveyor.chaos.faults.tasks import TASKS
from surveyor.errors import UsageError
from surveyor.messages import nearest

__all__ = ["FAULTS", "Fault", "FaultImplementation", "FaultPlan", "Victims", "fault_of"]

FAULTS: Mapping[str, Fault] = {one.name: one for one in (*TASKS, *SERVICES, *REGISTRY, *NAMES)}


def fault_of(name: str) -> Fault:
    """The fault of that name. Raises UsageError, with the nearest known one."""
    if name not in FAULTS:
        raise UsageError(f"there is no fault {name!r}{nearest(name, FAULTS)}; known are {', '.join(FAULTS)}")
    return FAULTS[name]

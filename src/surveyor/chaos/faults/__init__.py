"""The faults by their names: what each does, and what undoes it."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor.chaos.faults.hosts import HOST_FAULTS
from surveyor.chaos.faults.model import Fault, FaultImplementation, FaultPlan, Victims
from surveyor.chaos.faults.names import NAME_FAULTS
from surveyor.chaos.faults.network import NETWORK_FAULTS
from surveyor.chaos.faults.registry import REGISTRY_FAULTS
from surveyor.chaos.faults.services import SERVICE_FAULTS
from surveyor.chaos.faults.tasks import TASK_FAULTS
from surveyor.errors import UsageError
from surveyor.messages import nearest

__all__ = ["FAULTS", "Fault", "FaultImplementation", "FaultPlan", "Victims", "find_fault"]

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        *TASK_FAULTS,
        *NETWORK_FAULTS,
        *SERVICE_FAULTS,
        *REGISTRY_FAULTS,
        *NAME_FAULTS,
        *HOST_FAULTS,
    )
}


def find_fault(name: str) -> Fault:
    """Return the fault of that name. Raises UsageError that suggests the nearest known name."""
    if name not in FAULTS:
        raise UsageError(f"there is no fault {name!r}{nearest(name, FAULTS)}; known are {', '.join(FAULTS)}")
    return FAULTS[name]

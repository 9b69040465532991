"""A load scenario: a service, phases with faults, and the rate at which it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from surveyor.callers import EVERYWHERE, MODELS
from surveyor.chaos.experiment import ServiceSetup
from surveyor.errors import UsageError
from surveyor.history import Check
from surveyor.messages import nearest

__all__ = ["VANISHED", "ConductorInput", "Phase", "Scenario", "VictimChoice"]

VANISHED = "-vanished"
"""The end of a scenario's name when the addresses of its stopped tasks vanish."""

_VANISH = "address.vanish"

VictimChoice = Literal["none", "one", "half", "all"]


@dataclass(frozen=True)
class Phase:
    """A named period of `seconds` service seconds. `fault`: what starts with it, with its victims and parameters.

    `keep`: the fault lasts until the scenario ends, or a phase that names it in `ends` begins; otherwise until the
    phase ends. `until_steady`: the phase lasts until the desired number of tasks is running, and at least `seconds`.
    """

    name: str
    seconds: float
    fault: str = ""
    victims: VictimChoice = "none"
    parameters: Mapping[str, float] = field(default_factory=dict)
    keep: bool = False
    ends: tuple[str, ...] = ()
    until_steady: bool = False


@dataclass(frozen=True)
class Scenario:
    """`rate`: arrivals of each client model per wall second; `scale`: service seconds per wall second, if the target's
    clock can be controlled; `checks`: the checks of its history; `clients`: the client models that call, those of
    EVERYWHERE if none. `vanish`: calls to stopped tasks hang, as on Fargate, where their network interface is gone,
    instead of being refused.
    """

    name: str
    title: str
    setup: ServiceSetup
    phases: tuple[Phase, ...]
    rate: float = 20.0
    scale: float = 10.0
    checks: tuple[Check, ...] = ()
    clients: tuple[str, ...] = ()
    vanish: bool = False

    @property
    def share(self) -> float:
        """Return the number of models that call, weighted by how often each does."""
        return sum(MODELS[name].share for name in self.clients or EVERYWHERE)

    @property
    def faults(self) -> tuple[str, ...]:
        """Return the names of the faults of the scenario and of all phases."""
        return tuple(dict.fromkeys((*self.throughout, *(phase.fault for phase in self.phases if phase.fault))))

    @property
    def throughout(self) -> tuple[str, ...]:
        """Return the names of the faults that last from the first phase to the last."""
        return (_VANISH,) if self.vanish else ()

    def vanished(self) -> Scenario:
        """Return this scenario with addresses of stopped tasks that vanish, under a name that says so."""
        title = f"{self.title.removesuffix('.')}; the addresses of stopped tasks vanish."
        return replace(self, name=f"{self.name}{VANISHED}", title=title, vanish=True)

    def check(self) -> None:
        """Raise UsageError for an unknown client model, and for a phase that ends a fault which none keeps."""
        for name in self.clients:
            if name not in MODELS:
                raise UsageError(f"there is no client model {name!r} (scenario {self.name}){nearest(name, MODELS)}")
        kept: set[str] = set()
        for phase in self.phases:
            for fault in phase.ends:
                if fault not in kept:
                    known = ", ".join(sorted(kept)) or "none"
                    raise UsageError(
                        f"the phase {phase.name!r} of the scenario {self.name} ends {fault!r}; expected one that an "
                        f"earlier phase keeps: {known}"
                    )
                kept.discard(fault)
            kept |= {phase.fault} if phase.keep else set()


@dataclass(frozen=True)
class ConductorInput:
    """What the conductor of a scenario needs: the scenario, the target, and the folder of the report.

    `target_options`: the members of TargetOptions that were given. `note`: a sentence about the callers for the report.
    """

    scenario: Scenario
    target: str
    out: str
    seed: int
    scale: float
    target_options: Mapping[str, Any]
    note: str = ""

"""What a load scenario is: a service, phases in which something is done to it, and how often it is called meanwhile."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from surveyor.chaos.experiment import Setting
from surveyor.history import Check

__all__ = ["Conducting", "Phase", "Scenario"]

Victims = Literal["nobody", "one", "half", "all"]


@dataclass(frozen=True)
class Phase:
    """So many service seconds under one name. `fault`: what begins with it, to whom, with what else is `given`.

    `kept`: what was begun stays until the scenario ends; else it is undone with the phase. `whole`: the phase goes on
    until all wanted tasks run, for `seconds` at least.
    """

    name: str
    seconds: float
    fault: str = ""
    victims: Victims = "nobody"
    given: Mapping[str, float] = field(default_factory=dict)
    kept: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Scenario:
    """`rate`: arrivals of each client model in a wall second; `scale`: service seconds in one, where the target's clock
    flows; `holds`: what checkers are to say of its history.
    """

    name: str
    title: str
    setting: Setting
    phases: tuple[Phase, ...]
    rate: float = 20.0
    scale: float = 10.0
    holds: tuple[Check, ...] = ()

    @property
    def faults(self) -> tuple[str, ...]:
        """The names of all that is done."""
        return tuple(dict.fromkeys(phase.fault for phase in self.phases if phase.fault))

    def dumps(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Scenario:
        """The inverse of dumps. Raises ValueError, KeyError or TypeError for what is none."""
        value: Mapping[str, Any] = json.loads(text)
        return cls(
            name=value["name"],
            title=value["title"],
            setting=Setting(**value["setting"]),
            phases=tuple(Phase(**one) for one in value["phases"]),
            rate=value["rate"],
            scale=value["scale"],
            holds=tuple(Check(one["name"], one["limits"]) for one in value["holds"]),
        )


@dataclass(frozen=True)
class Conducting:
    """What is to be conducted where: the words of the command line, and where the report goes."""

    scenario: str
    target: str
    out: str
    seed: int
    scale: float
    given: Mapping[str, Any]

    def dumps(self) -> str:
        """As a line of JSON."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def loads(cls, text: str) -> Conducting:
        """The inverse of dumps."""
        return cls(**json.loads(text))

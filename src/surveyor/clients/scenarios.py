"""The scenarios of the client runtimes, as data: steps in which names and tasks change, and what is measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from surveyor.clients.runtimes import NEVER, Expected

__all__ = ["DEFAULT", "SCENARIOS", "Behaviour", "ClientScenario", "Step", "kill_gap_drain"]

Ending = Literal["kill", "stop"]
"""`kill`: the process ends at once; `stop`: by StopTask, so that it may drain."""


@dataclass(frozen=True)
class Step:
    """A step of one client; `seconds`: its wall seconds. Tasks are named by their number.

    `leads_to`: those to which the name leads from then on, None if that does not change; `ends`: those that end then,
    once the name has changed.
    """

    name: str
    meaning: str
    seconds: float
    leads_to: tuple[int, ...] | None = None
    ends: tuple[int, ...] = ()
    ending: Ending = "kill"


@dataclass(frozen=True)
class Behaviour:
    """What is measured from the beginning of the step `since` to that of `until`: calls are right at the tasks `right`.

    `meaning`: the moment from which it is measured, and that at which it ends; `head`: of its column. `lasting`: it
    ends after the last wrong call, and not with the first right ones. `counts`: what is of interest is how many of
    these tasks get calls, not when.
    """

    name: str
    head: str
    meaning: str
    since: str
    until: str
    right: tuple[int, ...]
    lasting: bool = False
    counts: bool = False


@dataclass(frozen=True)
class ClientScenario:
    """What each client is put through. The first step begins with its first call, the last one has no length.

    `tasks`: of each client, or of all of them together if `shared`; those of the first step are registered before it.
    `ttl`: of the records; `negative_ttl`: for which "no such name" may be kept; both in seconds. `ipv6`: the name has
    IPv6 addresses as well, at which nothing answers. `vanish`: calls to ended tasks hang, instead of being refused.
    `drain`: seconds for which a stopped task still answers. `cache`: the program of a caching resolver between clients
    and the resolver of the VPC. `with_models`: models are played beside their runtimes.
    """

    name: str
    description: str
    steps: tuple[Step, ...]
    behaviours: tuple[Behaviour, ...]
    tasks: int
    ttl: int = 5
    negative_ttl: int = 60
    shared: bool = False
    ipv6: bool = False
    vanish: bool = False
    drain: float = 0.0
    cache: Literal["", "dnsmasq"] = ""
    with_models: bool = False

    @property
    def seconds(self) -> float:
        """Return its wall seconds, without those in which clients start."""
        return sum(step.seconds for step in self.steps)

    def observed(self, behaviour: Behaviour) -> float:
        """Return for how long a behaviour is observed."""
        names = [step.name for step in self.steps]
        steps = self.steps[names.index(behaviour.since) : names.index(behaviour.until)]
        return sum(step.seconds for step in steps)

    def bounds(self, behaviour: str, documented: Mapping[str, Expected]) -> Expected | None:
        """Return the seconds within which a behaviour lies in this scenario by the documents of a runtime, if any do.

        A cache in between adds the time for which it may keep an answer.
        """
        expected = documented.get(behaviour)
        if expected is None:
            return None
        more = expected.ttls * self.ttl
        if self.cache:
            more += self.negative_ttl if behaviour == "gap" else self.ttl
        return expected if expected.high == NEVER else Expected(expected.low, expected.high + more)


_KILL = Behaviour("kill", "killed", "a task dies, its name leads to another: until the client has left it",
                  "kill", "gone", (1,))  # fmt: skip
_GAP = Behaviour("gap", "name back", "the name is back after 10 s of NXDOMAIN: until the client calls again",
                 "back", "drain", (2,))  # fmt: skip
_DRAIN = Behaviour(
    "drain", "drained", "the name leads to another task, the old one still answers: until the client has left it",
    "drain", "end", (3,),
)  # fmt: skip
_BEGIN, _END = Step("begin", "the clients begin to call", 15.0, (0,)), Step("end", "the end", 0.0)


def kill_gap_drain(
    name: str,
    description: str,
    *,
    steady: float = 15.0,
    kill: float = 68.0,
    gap: float = 10.0,
    back: float = 62.0,
    drain: float = 45.0,
    ttl: int = 5,
    negative_ttl: int = 60,
    cache: Literal["", "dnsmasq"] = "",
) -> ClientScenario:
    """Return a scenario in which a task is killed, a name is away for a while, and a task is drained.

    The lengths are wall seconds, such that no documented cache time ends at the same moment as a step.
    """
    steps = (
        Step("begin", _BEGIN.meaning, steady, (0,)),
        Step("kill", "a task dies, and its name leads to another", kill, (1,), (0,)),
        Step("gone", "the name does not exist", gap, (), (1,)),
        Step("back", "the name leads to a new task", back, (2,)),
        Step("drain", "the name leads to another task, and the old one still answers", drain, (3,)),
        _END,
    )
    return ClientScenario(
        name, description, steps, (_KILL, _GAP, _DRAIN), 4, ttl, negative_ttl, cache=cache, with_models=True
    )


DEFAULT = kill_gap_drain("default", "a task is killed, the name is away for 10 s, a task is drained")

_STOPPED = ClientScenario(
    "stop",
    "a task is stopped, and answers for another 20 s with Connection: close",
    (
        _BEGIN,
        Step("stop", "a task is stopped and drains for 20 s, and its name leads to another", 68.0, (1,), (0,), "stop"),
        _END,
    ),
    (
        Behaviour(
            "stop", "stopped", "a task is stopped and drains for 20 s, its name leads to another: until the client has "
            "left it", "stop", "end", (1,),
        ),
    ),
    2,
    drain=20.0,
)  # fmt: skip


def _deployment(tasks: int, every: float, last: float) -> ClientScenario:
    """Return a scenario in which old tasks are replaced one by one: one is new, and one is stopped, every so often."""
    rounds = tuple(
        Step(
            f"round-{number}", f"new task {number} of {tasks} is there, and an old one is stopped",
            every if number < tasks else last,
            (*range(number, tasks), *range(tasks, tasks + number)), (number - 1,), "stop",
        )
        for number in range(1, tasks + 1)
    )  # fmt: skip
    behaviour = Behaviour(
        "deploy", "deployed", f"{tasks} old tasks are replaced by new ones, one every {every:g} s: until the client "
        "calls new ones only", "round-1", "end", tuple(range(tasks, 2 * tasks)), lasting=True,
    )  # fmt: skip
    begin = Step("begin", _BEGIN.meaning, 15.0, tuple(range(tasks)))
    return ClientScenario(
        "deployment", f"{tasks} tasks are replaced one by one; each old one answers for another 10 s",
        (begin, *rounds, _END), (behaviour,), 2 * tasks, drain=10.0,
    )  # fmt: skip


_VANISHED = ClientScenario(
    "vanished",
    "a task dies, and calls to its address hang instead of being refused",
    (_BEGIN, Step("vanish", "a task and its address vanish, and its name leads to another", 75.0, (1,), (0,)), _END),
    (
        Behaviour(
            "vanish", "vanished", "a task and its address vanish, its name leads to another: until the client has left "
            "it", "vanish", "end", (1,),
        ),
    ),
    2,
    vanish=True,
)  # fmt: skip

_IPV6 = ClientScenario(
    "ipv6-first",
    "the name has IPv6 addresses as well, at which nothing answers",
    (Step("begin", _BEGIN.meaning, 30.0, (0,)), _END),
    (Behaviour("ipv6", "reached", "the first call: until a task is reached", "begin", "end", (0,)),),
    1,
    ipv6=True,
)

_MANY = ClientScenario(
    "eight-of-twenty",
    "20 tasks, of which an answer holds eight at random",
    (Step("begin", _BEGIN.meaning, 60.0, tuple(range(20))), _END),
    (
        Behaviour(
            "spread",
            "tasks",
            "the first 60 s: tasks that got calls, of 20",
            "begin",
            "end",
            tuple(range(20)),
            counts=True,
        ),
    ),
    20,
    shared=True,
)

_ALL = (
    DEFAULT,
    _STOPPED,
    _deployment(3, 12.0, 60.0),
    _VANISHED,
    _IPV6,
    _MANY,
    kill_gap_drain("ttl-0", "as the default one, with a TTL of 0", ttl=0),
    kill_gap_drain("ttl-60", "as the default one, with a TTL of 60 s", drain=68.0, ttl=60),
    kill_gap_drain(
        "caching-resolver", "as the default one, with dnsmasq between clients and resolver", cache="dnsmasq"
    ),
)
SCENARIOS: Mapping[str, ClientScenario] = {scenario.name: scenario for scenario in _ALL}

"""The world of one embedded target: its clock, its settings, its chance, and every account's state.

State is plain data in one place per service; this module knows none of those services. A service asks for its own state
with ``world.regional(MyState, account, region)`` and finds it empty the first time.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from .clock import Clock
from .events import Event, EventLog
from .settings import Delay, Settings

if TYPE_CHECKING:
    from surveyor_emulator.aws.iam.caller import Caller

__all__ = ["Call", "World"]

State = TypeVar("State")
_ID_ALPHABET = string.ascii_lowercase + string.digits


class World:
    """All state of one embedded target."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.chance = random.Random(settings.seed)
        # Apart from the other, so that how often somebody polls does not change what happens.
        self.chance_of_requests = random.Random(settings.seed + 1)
        self.events = EventLog()
        # Where tasks reach the target, and the resolver of each (account, region, VPC), once it listens.
        self.endpoint = ""
        self.resolver: Callable[[str, str, str], tuple[str, int]] | None = None
        # The address at which that resolver answers at port 53, where this process may listen there.
        self.resolver_at_53: Callable[[str, str, str], str | None] | None = None
        # What is to be done when the target ends.
        self.at_end: list[Callable[[], object]] = []
        self._regional: dict[tuple[type[object], str, str], object] = {}

    def regional(self, kind: type[State], account: str, region: str) -> State:
        """The state of one service in one account and region."""
        key = (kind, account, region)
        state = self._regional.get(key)
        if state is None:
            state = self._regional[key] = kind()
        return cast(State, state)

    def in_account(self, kind: type[State], account: str) -> State:
        """The state of a service that has no regions (Route 53, IAM)."""
        return self.regional(kind, account, "")

    def everywhere(self, kind: type[State]) -> list[tuple[str, str, State]]:
        """Each (account, region, state) of one kind that exists so far."""
        return [(key[1], key[2], cast(State, state)) for key, state in self._regional.items() if key[0] is kind]

    def later(self, delay: Delay, action: Callable[..., object], *args: object) -> None:
        """Call ``action(*args)`` after a span picked by the seeded generator."""
        self.clock.call_later(self.chance.uniform(delay.least, delay.most), action, *args)

    def new_id(self, length: int, alphabet: str = _ID_ALPHABET) -> str:
        """Random characters for a resource's id."""
        return "".join(self.chance.choices(alphabet, k=length))


@dataclass(frozen=True, slots=True)
class Call:
    """Who calls, and in which account and region: what a handler gets beside its request.

    ``caller`` is None for the owner of the account, who may do everything. ``consumer`` is the account that calls where
    ``account`` is another, which shares a namespace with it.
    """

    world: World
    account: str
    region: str
    principal: str
    service: str
    operation: str
    caller: Caller | None = None
    consumer: str | None = None

    @property
    def creator(self) -> str:
        """The account that calls: the one whose things are at stake, or one that they are shared with."""
        return self.consumer or self.account

    @property
    def now(self) -> float:
        """Service seconds since the epoch."""
        return self.world.clock.now()

    def note(self, kind: str, subject: str, detail: str = "") -> None:
        """Write to the event log."""
        self.world.events.add(Event(self.now, kind, self.account, self.region, subject, detail))

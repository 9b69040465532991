"""The state of one embedded target: its clock, its settings, its random numbers, and the state of every account.

State is plain data in one place per service; this module knows none of the services. A service gets its own state with
``world.regional(MyState, account, region)``, which is empty the first time.
"""

from __future__ import annotations

import random
import secrets
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, cast
from uuid import UUID

from .caller import Caller
from .clock import Clock
from .events import Event, EventLog
from .settings import Delay, Settings

__all__ = ["Call", "Conditions", "TrafficRules", "World"]

State = TypeVar("State")
_ID_ALPHABET = string.ascii_lowercase + string.digits


class Conditions(Protocol):
    """What calls meet in an account that is in use."""

    def admit(self, call: Call) -> None:
        """Refuse a call with ServiceError or ConnectionCut, or return."""

    def perform(self, call: Call, params: Mapping[str, Any], perform: Callable[[str, Mapping[str, Any]], Any]) -> Any:
        """Return the answer of a call; `perform` carries out an operation of the same service."""


class TrafficRules(Protocol):
    """What decides which connections pass between tasks, load balancers and this machine."""

    def admits(self, source: str, address: str, port: int) -> bool:
        """Return whether a connection of what has the address `source` passes."""

    def admits_machine(self, address: str, port: int) -> bool:
        """Return whether this machine reaches an address."""

    def is_known(self, address: str) -> bool:
        """Return whether an address is that of a task, a load balancer or a host."""

    def is_endpoint(self, address: str, port: int) -> bool:
        """Return whether the endpoint of this target is there, which decides by the source for itself."""


class InboundServers(Protocol):
    """Opens the addresses of inbound endpoints of Route 53 Resolver."""

    def open_inbound(self, account: str, region: str, vpc_id: str, ip: str) -> tuple[str, int]:
        """Answer as the resolver of a VPC at a further address of this machine, which is returned."""

    def close_inbound(self, address: tuple[str, int]) -> None:
        """Stop answering there."""


class World:
    """All state of one embedded target."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.random = random.Random(settings.seed)
        # Of codes that only this target can compute, since its settings may be public: a random one for each start.
        self.secret_key = secrets.token_bytes(32)
        # Separate, so that the number of requests does not change what happens to resources.
        self.request_random = random.Random(settings.seed + 1)
        self.events = EventLog()
        self.conditions: Conditions | None = None
        # Set at start if traffic is ruled.
        self.traffic: TrafficRules | None = None
        # The URL at which tasks reach the target, and the resolver of each (account, region, VPC); set at start.
        self.endpoint = ""
        self.resolver: Callable[[str, str, str], tuple[str, int]] | None = None
        # The address at which that resolver answers on port 53, where this process may listen on it.
        self.resolver_at_53: Callable[[str, str, str], str | None] | None = None
        self.inbound: InboundServers | None = None
        # Called when the target ends.
        self.at_end: list[Callable[[], object]] = []
        self._regional: dict[tuple[type[object], str, str], object] = {}

    def regional(self, kind: type[State], account: str, region: str) -> State:
        """Return the state of one service in one account and region."""
        key = (kind, account, region)
        state = self._regional.get(key)
        if state is None:
            state = self._regional[key] = kind()
        return cast(State, state)

    def peek(self, kind: type[State], account: str, region: str) -> State:
        """Return the same to read from it only, where a request names any account: what is empty is not kept."""
        state = self._regional.get((kind, account, region))
        return cast(State, state) if state is not None else kind()

    def in_account(self, kind: type[State], account: str) -> State:
        """Return the state of a service without regions (Route 53, IAM)."""
        return self.regional(kind, account, "")

    def everywhere(self, kind: type[State]) -> list[tuple[str, str, State]]:
        """Return (account, region, state) of each state of one kind that exists so far."""
        return [(key[1], key[2], cast(State, state)) for key, state in self._regional.items() if key[0] is kind]

    def later(self, delay: Delay, action: Callable[..., object], *args: object) -> None:
        """Call ``action(*args)`` after a random delay within ``delay``."""
        self.clock.call_later(self.random.uniform(delay.minimum, delay.maximum), action, *args)

    def new_id(self, length: int, alphabet: str = _ID_ALPHABET) -> str:
        """Return random characters for the id of a resource."""
        return "".join(self.random.choices(alphabet, k=length))

    def new_uuid(self) -> str:
        """Return a random UUID for the id of a resource."""
        return str(UUID(int=self.random.getrandbits(128), version=4))


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its principal, account and region. Handlers get it beside the parameters of the request.

    ``caller`` is None for the owner of the account, which may do everything. ``consumer`` is the calling account where
    ``account`` is another one, which shares a namespace with it.
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
        """Return the calling account: the owner of the resources, or the one that they are shared with."""
        return self.consumer or self.account

    @property
    def now(self) -> float:
        """Return the service time in seconds since the epoch."""
        return self.world.clock.now()

    def note(self, kind: str, subject: str, detail: str = "") -> None:
        """Write an entry to the event log."""
        self.world.events.add(Event(self.now, kind, self.account, self.region, subject, detail))

"""The conditions under which the calls of an account in use are answered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from surveyor_emulator.core.errors import ConnectionCut, ServiceError
from surveyor_emulator.core.world import Call, World

from .call_rates import limit_call
from .late_reads import LateReads, is_read
from .residents import Residents

__all__ = ["AccountInUse"]


_LATE = ("ecs", "ec2")
"""Services whose documents say that reads may lag writes; those of Cloud Map say that CreateService is synchronous."""

# How services answer when they fail (Common Errors of each API reference).
_FAILURES: Mapping[str, tuple[str, str, int]] = {
    "ecs": ("ServerException", "Service Unavailable. Please try again later.", 500),
    "ec2": ("InternalError", "An internal error has occurred", 500),
    "route53": ("InternalFailure", "We encountered an internal error. Please try again.", 500),
}
_FAILURE = ("ServiceUnavailable", "Service is unable to handle request.", 503)


class AccountInUse:
    """Throttling, failures, late reads and other teams' resources, as the settings say."""

    def __init__(self, world: World) -> None:
        settings = world.settings
        self._world = world
        self._random = Random(settings.seed + 2)
        self._late = LateReads(settings.read_lag, settings.seed + 3) if settings.read_lag else None
        self._residents = Residents(world) if settings.residents == "some" else None

    def admit(self, call: Call) -> None:
        """Refuse a call that comes too soon, or fail in place of its service; the resources of others exist then."""
        settings = self._world.settings
        if self._residents is not None:
            self._residents.settle(call.creator, call.region)
        if settings.call_rates == "all":
            limit_call(call)
        chance = self._random.random()
        if chance < settings.failures:
            code, message, status = _FAILURES.get(call.service, _FAILURE)
            raise ServiceError(code, message, status=status)
        if chance < settings.failures + settings.resets / 2:
            raise ConnectionCut

    def perform(self, call: Call, params: Mapping[str, Any], perform: Callable[[str, Mapping[str, Any]], Any]) -> Any:
        """Return the answer of a call that `perform` carries out. Half of all resets come after a call is done."""
        late = self._late if call.service in _LATE else None
        answer = late.perform(call, params, perform) if late is not None else perform(call.operation, params)
        if not is_read(call.operation) and self._random.random() < self._world.settings.resets / 2:
            raise ConnectionCut
        return answer

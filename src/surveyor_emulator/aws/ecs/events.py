"""The events of a service: the latest hundred messages (ecs Service.events)."""

from __future__ import annotations

from surveyor_emulator.core.world import Call

from .state import Service

__all__ = ["add_event"]

MAX_EVENTS = 100


def add_event(call: Call, service: Service, message: str) -> None:
    """Add a message to the events of a service."""
    bits = f"{call.world.random.getrandbits(128):032x}"
    identity = f"{bits[:8]}-{bits[8:12]}-{bits[12:16]}-{bits[16:20]}-{bits[20:]}"
    service.events.append({"id": identity, "createdAt": call.now, "message": message})
    del service.events[:-MAX_EVENTS]

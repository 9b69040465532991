"""What a service tells of itself: the latest hundred events (ecs Service.events)."""

from __future__ import annotations

from surveyor_emulator.core.world import Call

from .state import Service

__all__ = ["add_event"]

KEPT = 100


def add_event(call: Call, service: Service, message: str) -> None:
    """Add one."""
    text = f"{call.world.random.getrandbits(128):032x}"
    identity = f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
    service.events.append({"id": identity, "createdAt": call.now, "message": message})
    del service.events[:-KEPT]

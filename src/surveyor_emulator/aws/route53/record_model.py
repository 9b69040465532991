"""The values that describe a resource record set: its key, its alias target and the set itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["AliasTarget", "RecordKey", "RecordSet"]


class RecordKey(NamedTuple):
    """The unique key of a resource record set within its zone."""

    name: str
    type: str
    set_identifier: str | None = None


@dataclass(frozen=True, slots=True)
class AliasTarget:
    """The target of an alias: a zone and a name in it (route53/AliasTarget)."""

    zone_id: str
    name: str
    evaluate_target_health: bool


@dataclass(frozen=True, slots=True)
class RecordSet:
    """A resource record set; ``name`` and ``alias.name`` are canonical, ``values`` are in presentation form.

    ``healthy`` is custom health; ``health_check_id`` names a Route 53 health check. Both must be healthy.
    """

    name: str
    type: str
    ttl: int | None = None
    values: tuple[str, ...] = ()
    set_identifier: str | None = None
    multivalue: bool = False
    weight: int | None = None
    health_check_id: str | None = None
    alias: AliasTarget | None = None
    healthy: bool = True
    failover: str | None = None

    @property
    def key(self) -> RecordKey:
        """Return the key, which is unique within the zone."""
        return RecordKey(self.name, self.type, self.set_identifier)

"""What the name servers know: it follows what the API shows, each change after its propagation delay.

One for the whole world, since a private zone of one account may be associated with a VPC of another, and public zones
of all accounts are answered at the same place. ``generation`` rises with every difference that an answer could show,
``layout`` when there are other zones or other VPCs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from surveyor_emulator.core.world import World

from .records import RecordTable
from .state import HostedZone, RecordKey, RecordSet, VpcKey

__all__ = ["Published", "PublishedZone", "published"]


@dataclass(slots=True)
class PublishedZone:
    """A zone as the name servers have it."""

    zone: HostedZone
    records: RecordTable = field(default_factory=RecordTable)


class Published:
    """All zones that name servers answer for."""

    def __init__(self) -> None:
        self.generation = 0
        self.layout = 0
        self._zones: dict[str, PublishedZone] = {}

    def public(self, account: str | None = None) -> Mapping[str, PublishedZone]:
        """Public zones by name. Of several with one name the newest counts, and before it one of ``account``."""
        zones = [zone for zone in self._zones.values() if not zone.zone.private]
        zones.sort(key=lambda zone: zone.zone.account == account)
        return {zone.zone.name: zone for zone in zones}

    def private(self, vpc: VpcKey) -> Mapping[str, PublishedZone]:
        """Private zones associated with a VPC, by name."""
        return {zone.zone.name: zone for zone in self._zones.values() if vpc in zone.zone.vpcs}

    def get(self, zone_id: str) -> PublishedZone | None:
        """One zone; None before it has propagated."""
        return self._zones.get(zone_id)

    def put(self, zone: HostedZone) -> None:
        """Begin to answer for a zone, or for another set of VPCs."""
        self.generation += 1
        self.layout += 1
        known = self._zones.get(zone.id)
        if known is None:
            self._zones[zone.id] = PublishedZone(zone)
        else:
            known.zone = zone

    def remove(self, zone_id: str) -> None:
        """Answer for it no longer."""
        self.generation += 1
        self.layout += 1
        self._zones.pop(zone_id, None)

    def change(self, zone_id: str, upserts: Iterable[RecordSet], deletes: Iterable[RecordKey]) -> None:
        """Apply a batch of record changes; of a zone that is gone, none."""
        zone = self._zones.get(zone_id)
        if zone is None:
            return
        self.generation += 1
        for key in deletes:
            zone.records.remove(key)
        for record in upserts:
            zone.records.put(record)

    def set_health(self, zone_id: str, key: RecordKey, healthy: bool) -> None:
        """Custom health does not wait for propagation."""
        zone = self._zones.get(zone_id)
        record = zone.records.get(key) if zone else None
        if zone and record and record.healthy is not healthy:
            self.generation += 1
            zone.records.put(replace(record, healthy=healthy))

    def touch(self) -> None:
        """Something that answers depend on has changed elsewhere: a health check, a VPC's settings."""
        self.generation += 1


def published(world: World) -> Published:
    """The world's own."""
    return world.regional(Published, "", "")

"""The zones of the name servers, which follow the API's state: each change after its propagation delay.

There is one set for the whole world, since a private zone of one account may be associated with a VPC of another, and
the same servers answer for public zones of all accounts. ``generation`` rises with every change that may alter an
answer, ``layout`` when the set of zones or of VPCs changes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from surveyor_emulator.core.world import World

from . import names
from .record_model import RecordKey, RecordSet
from .record_table import RecordTable
from .state import HostedZone, VpcKey

__all__ = ["PublishedZone", "PublishedZones", "published_zones"]


@dataclass(slots=True)
class PublishedZone:
    """A zone on the name servers."""

    zone: HostedZone
    records: RecordTable = field(default_factory=RecordTable)


class PublishedZones:
    """All zones that the name servers answer for."""

    def __init__(self) -> None:
        self.generation = 0
        self.layout = 0
        self._zones: dict[str, PublishedZone] = {}

    def public(self, account: str | None = None) -> Mapping[str, PublishedZone]:
        """Return public zones by name. Of several with one name, one of ``account`` wins, else the newest."""
        zones = [zone for zone in self._zones.values() if not zone.zone.private]
        zones.sort(key=lambda zone: zone.zone.account == account)
        return {zone.zone.name: zone for zone in zones}

    def delegated(self, name: str, servers: Collection[str]) -> PublishedZone | None:
        """Return the public zone of a name that one of these name servers answers for."""
        wanted = {names.canonical(server) for server in servers}
        zones = (zone for zone in self._zones.values() if zone.zone.name == name and not zone.zone.private)
        return next((zone for zone in zones if not wanted.isdisjoint(zone.zone.name_servers)), None)

    def private(self, vpc: VpcKey) -> Mapping[str, PublishedZone]:
        """Return private zones associated with a VPC, by name."""
        return {zone.zone.name: zone for zone in self._zones.values() if vpc in zone.zone.vpcs}

    def get(self, zone_id: str) -> PublishedZone | None:
        """Return one zone; None before it has propagated."""
        return self._zones.get(zone_id)

    def put(self, zone: HostedZone) -> None:
        """Add a zone, or update its VPCs."""
        self.generation += 1
        self.layout += 1
        published = self._zones.get(zone.id)
        if published is None:
            self._zones[zone.id] = PublishedZone(zone)
        else:
            published.zone = zone

    def remove(self, zone_id: str) -> None:
        """Stop answering for a zone."""
        self.generation += 1
        self.layout += 1
        self._zones.pop(zone_id, None)

    def change(self, zone_id: str, upserts: Iterable[RecordSet], deletes: Iterable[RecordKey]) -> None:
        """Apply a batch of record changes; ignore them if the zone has been removed."""
        zone = self._zones.get(zone_id)
        if zone is None:
            return
        self.generation += 1
        for key in deletes:
            zone.records.remove(key)
        for record in upserts:
            zone.records.put(record)

    def set_health(self, zone_id: str, key: RecordKey, healthy: bool) -> None:
        """Set the custom health of a record, which takes effect without propagation delay."""
        zone = self._zones.get(zone_id)
        record = zone.records.get(key) if zone else None
        if zone and record and record.healthy is not healthy:
            self.generation += 1
            zone.records.put(replace(record, healthy=healthy))

    def touch(self) -> None:
        """Report a change elsewhere that answers depend on: of a health check or of a VPC's settings."""
        self.generation += 1


def published_zones(world: World) -> PublishedZones:
    """Return the world's published zones."""
    return world.regional(PublishedZones, "", "")

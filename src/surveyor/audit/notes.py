"""Notes of an audit: what is as it was designed, and what some kinds of clients cannot use. A note is no finding."""

from __future__ import annotations

from dataclasses import dataclass

from surveyor.audit.snapshot import PORT, Registry, Snapshot

__all__ = ["Note", "notes_of"]


@dataclass(frozen=True)
class Note:
    """One note; its members are those of a Finding, without a level."""

    rule: str
    about: str
    found: str
    change: str
    claim: str = ""
    report: str = ""


def notes_of(snapshot: Snapshot) -> list[Note]:
    """Return the notes about a snapshot: at most one of each kind, which names all that it is about."""
    names = [
        f"{service.cluster}/{service.name}"
        for service in snapshot.services
        if (registry := snapshot.registry_of(service)) is not None and not _has_ports(registry)
    ]
    if not names:
        return []
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [
        Note(
            "no-port-for-clients",
            ", ".join(names[:5]) + more,
            f"their registries have no SRV records, so that no instance has {PORT}: a private integration of API "
            "Gateway, and other clients that read the port from Cloud Map, cannot call them",
            "nothing, if all clients know the port; otherwise create a Cloud Map service with SRV records, and name it "
            "with a port, or with containerName and containerPort, in serviceRegistries",
            "registrars.api-gateway.needs-a-service-with-srv",
            "openabdev/openab#1275",
        )
    ]


def _has_ports(registry: Registry) -> bool:
    if registry.instances:
        return any(PORT in instance.attributes for instance in registry.instances)
    return "SRV" in registry.records

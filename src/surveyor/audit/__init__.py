"""Read-only audit: find what will cause failures for clients of existing service discovery, and change nothing."""

from __future__ import annotations

from surveyor.audit.findings import Finding, Severity
from surveyor.audit.network import Network
from surveyor.audit.network_reader import read_network
from surveyor.audit.notes import Note, notes_of
from surveyor.audit.reader import ReadOnlyClients, Scope, read_snapshot
from surveyor.audit.rules import apply_rules, confirm, need_confirmation
from surveyor.audit.snapshot import Snapshot

__all__ = [
    "Finding", "Network", "Note", "ReadOnlyClients", "Scope", "Severity", "Snapshot", "apply_rules", "confirm",
    "need_confirmation", "notes_of", "read_network", "read_snapshot",
]  # fmt: skip

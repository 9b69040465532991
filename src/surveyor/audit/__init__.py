"""What will hurt the users of service discovery that is there already: read, judged, and nothing changed."""

from __future__ import annotations

from surveyor.audit.findings import Finding, Level
from surveyor.audit.reader import Readers, Scope, read
from surveyor.audit.rules import judge
from surveyor.audit.snapshot import Snapshot

__all__ = ["Finding", "Level", "Readers", "Scope", "Snapshot", "judge", "read"]

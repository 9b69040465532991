"""DNS servers over UDP and TCP: Route 53's name servers, and the resolver of each VPC."""

from __future__ import annotations

from .servers import DnsServers

__all__ = ["DnsServers"]

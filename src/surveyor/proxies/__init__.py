"""Servers of HTTP and DNS that stand before real ones and may change what passes: for mutants, and for faults."""

from __future__ import annotations

from surveyor.proxies.dns import DnsProxy
from surveyor.proxies.exchange import Answer, Asked, asked
from surveyor.proxies.http import HttpProxy, Upstream
from surveyor.proxies.signing import SigningUpstream

__all__ = ["Answer", "Asked", "DnsProxy", "HttpProxy", "SigningUpstream", "Upstream", "asked"]

"""HTTP and DNS proxies that may change what passes through them: used for mutants and for faults."""

from __future__ import annotations

from surveyor.proxies.dns import DnsProxy
from surveyor.proxies.exchange import ProxyRequest, ProxyResponse, parse_request
from surveyor.proxies.http import HttpProxy, Upstream
from surveyor.proxies.signing import SigningUpstream

__all__ = ["DnsProxy", "HttpProxy", "ProxyRequest", "ProxyResponse", "SigningUpstream", "Upstream", "parse_request"]

"""HTTP/1.1 for the gateway: requests and responses as values, and the server that reads and writes them."""

from __future__ import annotations

from .hosts import Hosts, is_loopback, usable_address
from .message import CUT, Headers, Request, Response
from .server import Handler, Limits, serve

__all__ = [
    "CUT",
    "Handler",
    "Headers",
    "Hosts",
    "Limits",
    "Request",
    "Response",
    "is_loopback",
    "serve",
    "usable_address",
]

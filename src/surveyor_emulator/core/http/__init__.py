"""HTTP/1.1 for the gateway: requests and responses as values, and the server that reads and writes them."""

from __future__ import annotations

from .message import Headers, Request, Response
from .server import Handler, Limits, serve

__all__ = ["Handler", "Headers", "Limits", "Request", "Response", "serve"]

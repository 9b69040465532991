"""This program outside of all VPCs: it connects to one port of this machine only, that of the account's endpoint.

Where the machine of a test would reach what is inside a VPC, such a test proves nothing about the vantage.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["limited_to", "sitecustomize"]

_METHODS = ("connect", "connect_ex", "sendto")


def _limited(method: Callable[..., Any], port: int) -> Callable[..., Any]:
    def call(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if isinstance(address, tuple) and address[1] != port:
            raise TimeoutError(f"outside: {address}")
        return method(self, *arguments)

    return call


@contextmanager
def limited_to(port: int) -> Iterator[None]:
    """Let this process connect to one port only; other connections fail as those that nothing answers."""
    before = {name: getattr(socket.socket, name) for name in _METHODS}
    for name, method in before.items():
        setattr(socket.socket, name, _limited(method, port))
    try:
        yield
    finally:
        for name in _METHODS:
            delattr(socket.socket, name)
            if getattr(socket.socket, name) is not before[name]:
                setattr(socket.socket, name, before[name])


def sitecustomize(port: int) -> str:
    """Return a module `sitecustomize` with which each Python connects to one port only."""
    return f"from tests.vantage.outside import limited_to\noutside = limited_to({port})\noutside.__enter__()\n"

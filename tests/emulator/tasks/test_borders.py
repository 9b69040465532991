"""The source of what a task connects where nothing but injected faults decides."""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest

from surveyor_emulator.runtime.tasks.borders import Borders


class Recording:
    """A socket of a task that was not bound; it records the address that it is given."""

    family = socket.AF_INET
    bound: str | None = None

    def getsockname(self) -> tuple[str, int]:
        """Return what the kernel does before a bind."""
        return "0.0.0.0", 0  # nothing is bound

    def setsockopt(self, *_: object) -> None:
        """Take an option."""

    def bind(self, address: tuple[str, int]) -> None:
        """Record the address."""
        self.bound = address[0]


@pytest.mark.parametrize(
    ("source", "destination", "bound"),
    [
        ("127.16.0.4", "127.16.0.5", "127.16.0.4"),
        ("127.16.0.4", "127.0.0.1", None),
        ("127.16.0.4", "198.51.100.7", None),
        ("172.31.16.4", "172.31.16.5", "172.31.16.4"),
        ("172.31.16.4", "127.16.0.5", "172.31.16.4"),
        ("172.31.16.4", "127.0.0.1", None),
    ],
)
def test_a_connection_has_the_address_of_its_task(source: str, destination: str, bound: str | None) -> None:
    """Faults of the network find it by that, also in a sandbox, where tasks have addresses of their subnets."""
    borders = Borders(None, lambda: ("127.127.0.1", 9))
    own: Any = Recording()
    written = struct.pack("=H", socket.AF_INET) + struct.pack(">H", 80) + socket.inet_aton(destination)
    assert borders._prepare_connection(own, written, source) == 0
    assert own.bound == bound

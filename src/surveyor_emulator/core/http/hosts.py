"""Which `Host` headers a server answers: a page in a browser must not reach it under a name that the page chose.

By DNS rebinding a page's own name resolves to 127.0.0.1, and the browser then takes the server for a part of that page.
An address in the `Host` header cannot be rebound, and neither can `localhost`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable

__all__ = ["Hosts", "is_loopback", "usable_address"]

_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[^\s\[\]@/:,]+))(?::[0-9]*)?")
# AWS clients put it in front of the host for Cloud Map's discovery calls, unless they are configured not to.
_HOST_PREFIX = "data-"
_KEPT = 1_000


class Hosts:
    """The hosts that a server answers for: loopback addresses, localhost, and ``names``, each with any port.

    ``any_address``: other addresses as well, for a server that listens on every address of its machine.
    """

    def __init__(self, names: Iterable[str] = (), *, any_address: bool = False) -> None:
        self._names = frozenset(name.lower() for name in ("localhost", *names))
        self._any_address = any_address
        # Headers that were accepted: clients send the same few all the time.
        self.accepted: set[str | None] = set()

    def accept(self, header: str) -> bool:
        """Return whether a ``Host`` header is one of them."""
        found = _HOST.fullmatch(header)
        if found is None or not self._is_known((found["ipv6"] or found["name"]).lower()):
            return False
        if len(self.accepted) < _KEPT:
            self.accepted.add(header)
        return True

    def _is_known(self, name: str) -> bool:
        name = name.removeprefix(_HOST_PREFIX)
        if name in self._names:
            return True
        address = _address(name)
        return address is not None and (self._any_address or _is_loopback_address(address))


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a server that listens on ``host``. Raise OSError for an unknown name."""
    found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
    addresses = [_address(text.partition("%")[0]) for text in found]
    return all(address is not None and _is_loopback_address(address) for address in addresses)


def usable_address(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on ``host``, 0.0.0.0 for example."""
    address = _address(host)
    if address is None or not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _is_loopback_address(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback

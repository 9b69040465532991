"""Capture the traffic of a sandbox: a thread that reads every packet of its loopback interface."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from surveyor.clients.packets import read_frame
from surveyor.clients.traffic import Traffic
from surveyor.errors import SurveyorError

__all__ = ["capture"]

_ALL_PROTOCOLS = 0x0003  # ETH_P_ALL
_OUTGOING = 4  # PACKET_OUTGOING: of the two copies of each packet on loopback, the one that is sent
_TIMESTAMP = 35  # SO_TIMESTAMPNS_OLD
_BUFFER = 1 << 24
_POLL = 0.2
_FRAME = 2048
"""Bytes of a packet that are read: what follows are bodies of requests."""


@contextmanager
def capture(traffic: Traffic) -> Iterator[None]:
    """Add what is sent in this sandbox to `traffic` while the block runs. Raises SurveyorError outside of a sandbox."""
    try:
        packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    except (OSError, AttributeError) as error:
        raise SurveyorError(f"the traffic of this sandbox cannot be captured: {error}") from None
    packets.bind(("lo", 0))
    packets.settimeout(_POLL)
    packets.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
    with contextlib.suppress(OSError):
        packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    stop = threading.Event()
    thread = threading.Thread(target=_read, args=(packets, traffic, stop), name="capture", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        packets.close()


def _read(packets: socket.socket, traffic: Traffic, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            frame, extra, _, sender = packets.recvmsg(_FRAME, 64)
        except TimeoutError:
            continue
        if sender[2] == _OUTGOING:
            packet = read_frame(frame, _time_of(extra))
            if packet is not None:
                traffic.add(packet)


def _time_of(extra: list[tuple[int, int, bytes]]) -> float:
    """Return when the kernel saw the packet, however late it is read."""
    for level, kind, data in extra:
        if level == socket.SOL_SOCKET and kind == _TIMESTAMP and len(data) >= 16:
            seconds, nanoseconds = struct.unpack_from("=qq", data)
            return float(seconds + nanoseconds / 1e9)
    return time.time()

"""Packet filters that the kernel refuses."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from surveyor_emulator.runtime.tasks import packet_filters
from surveyor_emulator.runtime.tasks.packet_filters import DropRule, drop


class Refusing:
    """A socket of TCP of an ordinary user, on a machine that demands a privilege in its network namespace."""

    def setsockopt(self, *_: object) -> None:
        """Refuse, as some kernels do."""
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_refused_filter_says_what_to_do() -> None:
    """Some kernels say EPERM to ordinary users outside of a network namespace of their own."""
    socket: Any = Refusing()
    with pytest.raises(PermissionError, match=r"refuses packet filters of ordinary users .*surveyor sandbox"):
        drop(socket, [DropRule()])


def test_whether_filters_are_permitted_is_known_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is that of a trial at a socket of TCP."""
    monkeypatch.setattr(packet_filters, "drop", lambda at, rules: drop(Refusing(), rules))  # type: ignore[arg-type]  # it refuses as a socket does
    assert "refuses packet filters" in packet_filters.find_problem()

"""Packet filters that the kernel refuses."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest

from surveyor_emulator.runtime.tasks.packet_filters import DropRule, drop


class Refusing:
    """A socket of an ordinary user, whose machine has no memory left for filters."""

    def setsockopt(self, *_: object) -> None:
        """Refuse, as Linux does beyond net.core.bpf_jit_limit."""
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_refused_filter_says_what_to_do() -> None:
    """Linux says EPERM to ordinary users when the memory of all filters is used up."""
    socket: Any = Refusing()
    with pytest.raises(
        PermissionError, match=r"net\.core\.bpf_jit_limit allows is used up; an administrator can raise"
    ):
        drop(socket, [DropRule()])

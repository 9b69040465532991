"""A line of a ledger or an undo log that must be outside of this machine before the call that it is about is sent.

A command that runs in a task (`surveyor in-vpc`) loses its disk with the task. The program that started it copies files
into the mailbox of the run, and confirms over a Unix socket, which a variable names, that a file is there as it is now.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from surveyor.errors import TargetUnavailable
from surveyor_agents.remote_command import SOCKET_VARIABLE

__all__ = ["confirm_copied"]


def confirm_copied(path: Path) -> None:
    """Return once all that is in a file is outside; at once where files stay on this machine.

    Raises TargetUnavailable if that is not possible any more: the call must not be sent.
    """
    name = os.environ.get(SOCKET_VARIABLE)
    if not name:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.connect(name)
            connection.sendall(f"{path.resolve()}\n".encode())
            answer = connection.recv(1)
    except OSError as error:
        raise TargetUnavailable(f"{path.name} cannot be copied out of this task: {error.strerror or error}") from None
    if answer != b"+":
        raise TargetUnavailable(
            f"{path.name} is not copied out of this task any more: the run outside has ended; nothing more is created"
        )

"""System calls of a container that this target decides: `connect` and `listen`, by seccomp's user notifications.

A container installs the filter in itself before its command runs, and passes the descriptor on by which its calls are
reported. Each waits until it is answered (seccomp_unotify(2)). All that a container starts has the filter too. No
privilege is needed; the machine must be Linux 5.9 or later on x86-64 or ARM64. A call by io_uring is not reported.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import select
import socket
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

__all__ = ["Trapped", "find_problem", "let_pass", "pass_on", "receive", "refuse", "socket_of", "written_at"]

_NO_NEW_PRIVS, _SET_MODE_FILTER, _NEW_LISTENER = 38, 1, 1 << 3
_ALLOW, _NOTIFY = 0x7FFF_0000, 0x7FC0_0000
_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # BPF_LD|BPF_W|BPF_ABS, BPF_JMP|BPF_JEQ|BPF_K, BPF_RET|BPF_K
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data
_RECEIVE, _SEND = 0xC050_2100, 0xC018_2101  # SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND
_CONTINUE = 1
_GET_DESCRIPTOR = 438  # pidfd_getfd

# Architecture (AUDIT_ARCH_…), and the numbers of seccomp, connect and listen, by machine.
_NUMBERS = {"x86_64": (0xC000_003E, 317, 42, 50), "aarch64": (0xC000_00B7, 277, 203, 201)}
_architecture, _seccomp, _connect, _listen = _NUMBERS.get(platform.machine(), (0, 0, 0, 0))
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Trapped:
    """A system call that waits for its answer. `process` makes it, with a socket as its `descriptor`.

    `pointer` and `length` are where the address of a `connect` is in the memory of the process.
    """

    id: int
    process: int
    call: Literal["connect", "listen"]
    descriptor: int
    pointer: int
    length: int


def pass_on(to: socket.socket, label: str) -> None:
    """Have the calls of this process, and of all that it starts, reported; send label and descriptor to another one.

    Raises OSError.
    """
    if not _seccomp:
        raise OSError(errno.ENOSYS, f"no filters for {platform.machine()}")
    instructions = (
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_IF_EQUAL, 0, 3, _architecture),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_IF_EQUAL, 2, 0, _connect),
        (_JUMP_IF_EQUAL, 1, 0, _listen),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _NOTIFY),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *one) for one in instructions))
    program = struct.pack("HxxxxxxP", len(instructions), ctypes.addressof(code))
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    listener = _checked(_libc.syscall(_seccomp, _SET_MODE_FILTER, _NEW_LISTENER, program), "seccomp")
    socket.send_fds(to, [label.encode()], [listener])
    os.close(listener)


def receive(listener: int) -> Trapped | None:
    """Return the next call; None if it is none of those above, or if the process was killed meanwhile.

    Raises EOFError when no process has the filter any more.
    """
    content = ctypes.create_string_buffer(80)  # struct seccomp_notif
    if _libc.ioctl(listener, _RECEIVE, content) != 0:
        if _is_over(listener):
            raise EOFError
        return None
    identity, thread, _, number, _, _, first, second, third, *_ = struct.unpack("QIIiIQ6Q", content.raw)
    return Trapped(
        identity, _process_of(thread), "connect" if number == _connect else "listen",
        first & 0xFFFF_FFFF, second, third & 0xFFFF_FFFF,
    )  # fmt: skip


def let_pass(listener: int, trapped: Trapped) -> None:
    """Let the process make its call; nothing if the process was killed meanwhile."""
    _libc.ioctl(listener, _SEND, struct.pack("QqiI", trapped.id, 0, 0, _CONTINUE))


def refuse(listener: int, trapped: Trapped, number: int) -> None:
    """Have the call fail with an error number."""
    _libc.ioctl(listener, _SEND, struct.pack("QqiI", trapped.id, 0, -number, 0))


def socket_of(trapped: Trapped) -> socket.socket:
    """Return the socket of a call, which this process shares then. Raises OSError."""
    process = os.pidfd_open(trapped.process)
    try:
        return socket.socket(
            fileno=_checked(_libc.syscall(_GET_DESCRIPTOR, process, trapped.descriptor, 0), "pidfd_getfd")
        )
    finally:
        os.close(process)


def written_at(trapped: Trapped) -> bytes:
    """Return the address that a process wants to connect to, as struct sockaddr. Raises OSError."""
    memory = os.open(f"/proc/{trapped.process}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(memory, min(trapped.length, 128), trapped.pointer)
    finally:
        os.close(memory)


def find_problem() -> str:
    """Return why calls cannot be decided here; "" if they can. A child process tries it."""
    own, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with own, other:
        child = os.fork()
        if child == 0:
            _try(other)
        other.close()
        try:
            own.settimeout(5)
            text, listeners, _, _ = socket.recv_fds(own, 500, 1)
            if not listeners:
                return text.decode("utf-8", "replace") or "the process that tries it was killed"
            trapped = receive(listeners[0])
            if trapped is None:
                return "no call was reported"
            with socket_of(trapped):
                written_at(trapped)
            refuse(listeners[0], trapped, errno.EXDEV)
            os.close(listeners[0])
            _, status = os.waitpid(child, 0)
            child = 0
            return "" if os.waitstatus_to_exitcode(status) == 0 else "a call was not refused"
        except OSError as error:
            return str(error)
        finally:
            if child:
                os.kill(child, 9)
                os.waitpid(child, 0)


def _try(to: socket.socket) -> None:
    status = 1
    try:
        pass_on(to, "")
        with socket.socket() as client:
            status = 0 if client.connect_ex(("127.0.0.1", 9)) == errno.EXDEV else 2
    except OSError as error:
        to.send(str(error).encode())
    finally:
        os._exit(status)


def _is_over(listener: int) -> bool:
    poll = select.poll()
    poll.register(listener, 0)
    return any(events & select.POLLHUP for _, events in poll.poll(0))


def _process_of(thread: int) -> int:
    """Return the process that a thread is of; the thread itself if it is gone."""
    try:
        status = Path(f"/proc/{thread}/status").read_text("ascii", "replace")
    except OSError:
        return thread
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("Tgid:")), thread)


def _checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result

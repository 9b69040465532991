"""Replace this process by a command in a sandbox: a user, network and mount namespace, without privileges.

    python -I -S entrance.py COMMAND...              a new sandbox
    python -I -S entrance.py --join PID COMMAND...   that of a process
    python -I -S entrance.py --try                   try each part, and print a JSON object: part -> problem

In it every IPv4 address is local (`ip route add local 0.0.0.0/0 dev lo`), every user may use ports from 1 on and raw
sockets, and /etc/hosts, /etc/resolv.conf and /etc/nsswitch.conf are those of the sandbox. There is no way out. The user
stays the same, and so does the owner of new files. The process keeps its id, its terminal and its parent, so that
signals and the exit code pass without help. When it has ended, a watcher kills what is left in its network.

It is a program of one file, standard library only: a user namespace needs a process with one thread, and the modules
of Surveyor take longer to load than this takes to run. Sources: user_namespaces(7), network_namespaces(7),
mount_namespaces(7), capabilities(7), rtnetlink(7), ip(7) for ip_unprivileged_port_start.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import socket
import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

__all__ = ["MARK", "PARTS", "RESOLVER", "main"]

MARK = "SURVEYOR_SANDBOX"
"""The variable of a process in a sandbox: the number of its network namespace."""

RESOLVER = "172.31.0.2"
"""The server in resolv.conf: the resolver of a default VPC, the second address of 172.31.0.0/16 (VPC User Guide)."""

PARTS = ("namespaces", "addresses", "ports", "files", "raw sockets")

BAD_REQUEST, CANNOT = 2, 3
_NEWNS, _NEWUSER, _NEWNET = 0x0002_0000, 0x1000_0000, 0x4000_0000
_BIND, _RECURSIVE, _SLAVE = 4_096, 16_384, 1 << 19
_NOSUID, _NODEV, _NOEXEC = 2, 4, 8
_CAPABILITIES = (10, 12, 13)  # NET_BIND_SERVICE, NET_ADMIN, NET_RAW
_CAPABILITY_VERSION = 0x2008_0522
_AMBIENT, _AMBIENT_RAISE = 47, 2
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1
_NEWROUTE, _REQUEST_CREATE, _OIF = 24, 0x0405, 4  # NLM_F_REQUEST, NLM_F_ACK, NLM_F_CREATE
_TABLE_LOCAL, _PROTOCOL_BOOT, _SCOPE_HOST, _TYPE_LOCAL = 255, 3, 254, 2
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy")  # none of them is in a sandbox
_OWN_NETWORK = "/proc/self/ns/net"
_PASSES = 200
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class _Problem(Exception):
    """A part that this machine does not allow, and why."""

    def __init__(self, part: str, error: OSError | str) -> None:
        super().__init__(error if isinstance(error, str) else error.strerror or str(error))
        self.part = part


class _NotJoined(Exception):
    """The sandbox of a process cannot be entered; the text says why."""


def main(arguments: list[str]) -> int:
    """Replace this process by the command; return an exit code, after one line on stderr, if that fails."""
    try:
        if arguments == ["--try"]:
            sys.stdout.write(json.dumps(dict(_try_parts())) + "\n")
            return 0
        command = arguments
        if arguments[0] == "--join":
            command = arguments[2:]
            _join(int(arguments[1]))
        else:
            for _, enter in _STEPS:
                enter()
            _watch()
        _keep_capabilities()
        _execute(command)
    except _Problem as problem:
        sys.stderr.write(
            f"surveyor: a sandbox cannot be made here: {problem.part}: {problem}; surveyor doctor lists all parts\n"
        )
    except _NotJoined as problem:
        sys.stderr.write(f"surveyor: {problem}\n")
        return BAD_REQUEST
    return CANNOT


def _execute(command: list[str]) -> NoReturn:
    environment = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
    environment[MARK] = str(Path(_OWN_NETWORK).stat().st_ino)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it; a command must not start so
    try:
        os.execvpe(command[0], command, environment)  # noqa: S606  # it becomes the command
    except OSError as error:
        sys.stderr.write(f"surveyor: {command[0]}: {error.strerror}\n")
        sys.exit(BAD_REQUEST)


def _try_parts() -> Iterator[tuple[str, str]]:
    """Yield each part with the problem that it has here; "" if it works. What needs a part that fails is not tried."""
    missing = ""
    for name, enter in _STEPS:
        try:
            if not missing:
                enter()
            yield name, f"needs {missing}" if missing else ""
        except _Problem as problem:
            yield name, str(problem)
            missing = missing or ("namespaces" if name == "namespaces" else "")


def _make_namespaces() -> None:
    """Leave the network and the mounts of the machine; as an ordinary user, with a user namespace around them."""
    user, group = os.geteuid(), os.getegid()
    if not Path(_OWN_NETWORK).exists():
        raise _Problem("namespaces", f"there is no {_OWN_NETWORK}; /proc must be mounted")
    try:
        try:
            _call("unshare", _NEWNS | _NEWNET)
        except PermissionError:
            _call("unshare", _NEWUSER)
            Path("/proc/self/setgroups").write_text("deny", "ascii")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
            _call("unshare", _NEWNS | _NEWNET)
        _call("mount", None, b"/", None, _RECURSIVE | _SLAVE, None)
    except OSError as error:
        raise _Problem("namespaces", _explain(error)) from None


def _explain(error: OSError) -> str:
    """Return why Linux refused a namespace: what forbids it here, and what allows it."""
    reasons = []
    for setting, forbids, allow in _SWITCHES:
        with contextlib.suppress(OSError, ValueError):
            value, name = int(Path("/proc/sys", setting).read_text("ascii")), setting.replace("/", ".")
            if forbids(value):
                reasons.append(f"{name}={value} (an administrator allows it by `sysctl -w {name}={allow}`)")
    if _is_filtered():
        reasons.append("the seccomp filter of this container (start it with another profile than Docker's)")
    text = error.strerror or str(error)
    return f"{text}, by {' or '.join(reasons)}" if reasons else text


_SWITCHES: tuple[tuple[str, Callable[[int], bool], int], ...] = (
    ("user/max_user_namespaces", lambda value: value == 0, 15_000),
    ("user/max_net_namespaces", lambda value: value == 0, 15_000),
    ("user/max_mnt_namespaces", lambda value: value == 0, 15_000),
    ("kernel/unprivileged_userns_clone", lambda value: value == 0, 1),  # Debian
    ("kernel/apparmor_restrict_unprivileged_userns", lambda value: value == 1, 0),  # Ubuntu since 23.10
)
"""Settings that forbid namespaces to ordinary users: when they do, and a value that does not."""


def _is_filtered() -> bool:
    with contextlib.suppress(OSError):
        return "\nSeccomp:\t2\n" in Path("/proc/self/status").read_text("ascii", "replace")
    return False


def _own_all_addresses() -> None:
    """Start the loopback interface, and make every IPv4 address one of this network."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            asked = struct.pack("16sH14x", b"lo", 0)
            flags = struct.unpack("16sH14x", fcntl.ioctl(control, _SIOCGIFFLAGS, asked))[1]
            fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))
        _add_local_route()
        with socket.socket() as probe:
            probe.bind(("10.0.0.2", 0))
    except OSError as error:
        raise _Problem("addresses", error) from None


def _add_local_route() -> None:
    """Do what `ip route add local 0.0.0.0/0 dev lo` does. Raises OSError."""
    route = struct.pack(
        "BBBBBBBBI", socket.AF_INET, 0, 0, 0, _TABLE_LOCAL, _PROTOCOL_BOOT, _SCOPE_HOST, _TYPE_LOCAL, 0
    ) + struct.pack("HHi", 8, _OIF, socket.if_nametoindex("lo"))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as kernel:
        kernel.send(struct.pack("IHHII", 16 + len(route), _NEWROUTE, _REQUEST_CREATE, 1, 0) + route)
        answer = kernel.recv(4_096)
    code = -struct.unpack_from("i", answer, 16)[0]
    if code:
        raise OSError(code, os.strerror(code))


def _open_ports() -> None:
    """Let every user bind ports from 1 on, such as 53 and 80."""
    try:
        Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").write_text("1", "ascii")
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((RESOLVER, 80))
            udp.bind((RESOLVER, 53))
    except OSError as error:
        raise _Problem("ports", error) from None


def _replace_files() -> None:
    """Cover the files by which programs resolve names, and the caches that would answer from outside."""
    host = socket.gethostname()
    switch = Path("/etc/nsswitch.conf")
    try:
        _cover("/etc/hosts", f"127.0.0.1 localhost {host}\n::1 localhost ip6-localhost ip6-loopback\n")
        _cover("/etc/resolv.conf", f"nameserver {RESOLVER}\noptions timeout:2 attempts:2\n")
        if switch.exists():  # without it the C library takes files and dns
            lines = switch.read_text("utf-8", "replace").splitlines()
            kept = [line for line in lines if not line.lstrip().startswith("hosts:")]
            _cover(str(switch), "\n".join([*kept, "hosts: files dns"]) + "\n")
        for socket_folder in {os.path.realpath(name) for name in ("/run/nscd", "/var/run/nscd")}:
            if Path(socket_folder).is_dir():
                _call("mount", b"tmpfs", os.fsencode(socket_folder), b"tmpfs", _NOSUID | _NODEV | _NOEXEC, None)
    except OSError as error:
        raise _Problem("files", error) from None


def _cover(path: str, text: str) -> None:
    """Show another file at a path. It is deleted elsewhere at once, so that nothing is left."""
    target = os.path.realpath(path)
    if not Path(target).exists():
        raise _Problem("files", f"there is no {path} to cover; an empty file is enough")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="surveyor-sandbox-") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        _call("mount", os.fsencode(file.name), os.fsencode(target), None, _BIND, None)
    if Path(path).read_text("utf-8") != text:
        raise _Problem("files", f"{path} cannot be covered")


def _open_raw_sockets() -> None:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    except OSError as error:
        raise _Problem("raw sockets", error) from None


_STEPS = tuple(
    zip(PARTS, (_make_namespaces, _own_all_addresses, _open_ports, _replace_files, _open_raw_sockets), strict=True)
)


def _keep_capabilities() -> None:
    """Let the command of an ordinary user configure this network and open raw sockets, and nothing else."""
    if os.geteuid() == 0:  # keeps its capabilities by itself
        return
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    sets = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; then the same for capabilities from 32 on
    try:
        _call("capget", header, sets)
        sets[2] |= sum(1 << capability for capability in _CAPABILITIES)
        _call("capset", header, sets)
        for capability in _CAPABILITIES:
            _call(
                "prctl", _AMBIENT, ctypes.c_ulong(_AMBIENT_RAISE), ctypes.c_ulong(capability), *[ctypes.c_ulong(0)] * 2
            )
    except OSError as error:
        raise _Problem("raw sockets", error) from None


def _join(pid: int) -> None:
    """Enter the sandbox of a process. Raises _NotJoined."""
    try:
        own_network, own_user = (Path(f"/proc/self/ns/{kind}").stat().st_ino for kind in ("net", "user"))
        network, environment = Path(f"/proc/{pid}/ns/net").stat().st_ino, Path(f"/proc/{pid}/environ").read_bytes()
        if f"{MARK}={network}".encode() not in environment.split(b"\0"):
            raise _NotJoined(f"process {pid} is in no sandbox")
        if network == own_network:
            return
        kinds = ("user", "net", "mnt")
        places = {kind: os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY | os.O_CLOEXEC) for kind in kinds}
        folder = os.getcwd()  # noqa: PTH109  # its name leads to the same folder in the mounts of the sandbox
        for kind, place in places.items():
            if kind != "user" or os.fstat(place).st_ino != own_user:
                _call("setns", place, 0)
        os.chdir(folder)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        raise _NotJoined(f"there is no process {pid}" if missing else f"process {pid}: {error.strerror}") from None


def _watch() -> None:
    """Start a process that kills all in this network once this process has ended, and is no child of it."""
    try:
        own = os.pidfd_open(os.getpid())
    except OSError as error:
        raise _Problem("namespaces", f"pidfd_open: {error.strerror}; Linux 5.3 or newer is needed") from None
    child = os.fork()
    if child:
        os.close(own)
        os.waitpid(child, 0)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    try:
        _watch_until_end(own)
    finally:
        os._exit(0)


def _watch_until_end(process: int) -> None:
    network = Path(_OWN_NETWORK).stat().st_ino
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    os.chdir("/")
    above = fcntl.fcntl(process, fcntl.F_DUPFD, 10)  # it may be one of the standard files, if they were closed
    null = fcntl.fcntl(os.open(os.devnull, os.O_RDWR), fcntl.F_DUPFD, 10)
    for number in range(3):
        os.dup2(null, number)
    watched = os.dup2(above, 3)
    os.closerange(4, 65_536)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    poll.poll()
    for _ in range(_PASSES):  # what forks meanwhile is found by the next pass
        left = list(_processes_in(network))
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not left:
            return
        select.select([], [], [], 0.02)


def _processes_in(network: int) -> Iterator[int]:
    """Yield the processes of a network namespace, without this one and those that have ended."""
    for entry in os.listdir("/proc"):  # noqa: PTH208  # a watcher loads little
        if entry.isdecimal() and int(entry) != os.getpid():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{entry}/ns/net").st_ino == network:  # noqa: PTH116  # a watcher loads little
                    yield int(entry)


def _call(name: str, *arguments: object) -> None:
    """Call a function of the C library. Raises OSError if it fails, or if this system does not have it."""
    if _libc is None:
        raise OSError(errno.ENOSYS, "only Linux has namespaces")
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

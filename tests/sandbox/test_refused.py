"""A sandbox where it is not allowed: one line that says why, and 3."""

from __future__ import annotations

import errno
import platform
import subprocess

import pytest

from surveyor.sandbox import entrance
from tests.sandbox.conftest import Sandbox

FORBID = 'for kind in user net mnt; do echo 0 > /proc/sys/user/max_${kind}_namespaces; done; exec "$@"'
"""In a user namespace root may lower the limits of what is made below it (namespaces(7))."""

SECCOMP = """
import ctypes, os, struct, sys
# BPF: load the number of the call; unshare fails with EPERM, everything else is allowed.
def instruction(code, true, false, value):
    return struct.pack("HBBI", code, true, false, value)
filter = b"".join((instruction(0x20, 0, 0, 0), instruction(0x15, 0, 1, {unshare}),
                   instruction(0x06, 0, 0, 0x50001), instruction(0x06, 0, 0, 0x7FFF0000)))
held = ctypes.create_string_buffer(filter)
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", 4, ctypes.addressof(held)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, program) == 0, os.strerror(ctypes.get_errno())
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""What a container engine does: unshare() is refused."""

UNSHARE = {"x86_64": 272, "aarch64": 97}


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """Return the line with which a sandbox was refused; nothing has run, and there is no other output."""
    assert (done.returncode, done.stdout) == (3, ""), done
    [line] = done.stderr.splitlines()
    assert line.startswith("surveyor: a sandbox cannot be made here: ")
    assert line.endswith("; surveyor doctor lists all parts")
    return line


def test_a_limit_of_zero_is_named_with_what_raises_it(box: Sandbox) -> None:
    """The sysctl is named, and the command that changes it."""
    line = refusal(box.run("echo", "inside", outside=["unshare", "-Ur", "sh", "-c", FORBID, "sh"]))
    assert (
        "user.max_user_namespaces=0 (an administrator allows it by `sysctl -w user.max_user_namespaces=15000`)" in line
    )


@pytest.mark.skipif(platform.machine() not in UNSHARE, reason="the number of unshare() is not known here")
def test_a_filter_of_system_calls_is_suspected(box: Sandbox) -> None:
    """Where a seccomp filter refuses, as in a container, the line says that it may be the filter."""
    program = SECCOMP.format(unshare=UNSHARE[platform.machine()])
    line = refusal(box.run("echo", "inside", outside=[box.python, "-I", "-c", program]))
    assert "Operation not permitted, by " in line
    assert "the seccomp filter of this container (start it with another profile than Docker's)" in line


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [
        ("/proc", "namespaces: there is no /proc/self/ns/net; /proc must be mounted"),
        ("/etc", "files: there is no /etc/hosts to cover; an empty file is enough"),
    ],
)
def test_a_folder_that_is_missing_is_named(box: Sandbox, hidden: str, expected: str) -> None:
    """Without /proc there are no namespaces; a file that does not exist cannot be covered."""
    hide = f'mount -t tmpfs none {hidden}; exec "$@"'
    line = refusal(box.run("echo", "inside", outside=["unshare", "-Urm", "sh", "-c", hide, "sh"]))
    assert expected in line


def test_what_forbids_is_named_with_what_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each switch that forbids is named with a value that does not, and no other."""
    allowed = {name: value for name, _, value in entrance._SWITCHES}
    assert allowed["kernel/apparmor_restrict_unprivileged_userns"] == 0
    assert allowed["kernel/unprivileged_userns_clone"] == 1
    for name, forbids, value in entrance._SWITCHES:
        assert not forbids(value), name
        assert any(forbids(other) for other in (0, 1)), name
    switches = (("user/max_user_namespaces", lambda value: True, 7), ("kernel/no-such-switch", lambda value: True, 7))
    monkeypatch.setattr(entrance, "_SWITCHES", switches)
    monkeypatch.setattr(entrance, "_is_filtered", lambda: False)
    line = entrance._explain(OSError(errno.EPERM, "Operation not permitted"))
    assert line.startswith("Operation not permitted, by user.max_user_namespaces=")
    assert line.endswith(" (an administrator allows it by `sysctl -w user.max_user_namespaces=7`)")
    monkeypatch.setattr(entrance, "_is_filtered", lambda: True)
    both = entrance._explain(OSError(errno.EPERM, "Operation not permitted"))
    assert both.startswith(f"{line} or the seccomp filter")
    monkeypatch.setattr(entrance, "_SWITCHES", ())
    monkeypatch.setattr(entrance, "_is_filtered", lambda: False)
    assert entrance._explain(OSError(errno.EINVAL, "Invalid argument")) == "Invalid argument"


def test_a_part_that_fails_does_not_hide_the_others(box: Sandbox) -> None:
    """--try says of each part whether it works; what needs a part that does not work says so."""
    done = box.run("--try", outside=["unshare", "-Urm", "sh", "-c", 'mount -t tmpfs none /etc; exec "$@"', "sh"])
    assert done.stdout == (
        '{"namespaces": "", "addresses": "", "ports": "", '
        '"files": "there is no /etc/hosts to cover; an empty file is enough", "raw sockets": ""}\n'
    )
    done = box.run("--try", outside=["unshare", "-Ur", "sh", "-c", FORBID, "sh"])
    assert done.stdout.count("needs namespaces") == 4

"""How a command in a sandbox ends: exit codes, signals, a terminal, a closed pipe, and nothing left by kill -9."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.sandbox.conftest import Sandbox, await_none_in

pytestmark = pytest.mark.soak  # each test starts a program in a sandbox

INTERRUPTED = """
import sys, time
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    print("cleaned up", flush=True)
    sys.exit(5)
"""

LEAVES = """
import os, subprocess, sys, time
subprocess.Popen(["sleep", "1000"])
subprocess.Popen(["sleep", "1000"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sleep", ["sleep", "1000"], {})
    os._exit(0)
os.wait()
print("ready", flush=True)
"""
"""Children, a child in another session, and a grandchild that is detached and has no environment."""


def network_of(pid: int) -> int:
    """Return the number of a process's network namespace."""
    return Path(f"/proc/{pid}/ns/net").stat().st_ino


@pytest.mark.parametrize("code", [0, 1, 3, 130, 255])
def test_the_exit_code_is_that_of_the_command(box: Sandbox, code: int) -> None:
    """Whatever it is."""
    assert box.run("sh", "-c", f"exit {code}").returncode == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_ends_it_as_outside(box: Sandbox, number: signal.Signals) -> None:
    """The process is the command: it gets each signal itself, and nothing is left."""
    process = box.start("sh", "-c", "echo ready; exec sleep 1000")
    network = network_of(process.pid)
    process.send_signal(number)
    process.communicate()
    assert process.returncode == -number
    await_none_in(network)


@pytest.mark.parametrize("group", [False, True])
def test_ctrl_c_reaches_the_command_once(box: Sandbox, *, group: bool) -> None:
    """It cleans up, and its exit code is passed on; a signal to its group arrives once too."""
    process = box.start(box.python, "-I", "-c", INTERRUPTED)
    (os.killpg if group else os.kill)(process.pid, signal.SIGINT)
    out, errors = process.communicate()
    assert (out, errors, process.returncode) == ("cleaned up\n", "", 5)


def test_the_terminal_is_that_of_the_command(box: Sandbox) -> None:
    """It has the terminal's size and gets its Ctrl-C."""
    text = f"import os; print(os.get_terminal_size().columns > 0, flush=True)\n{INTERRUPTED}"
    command = box.command(box.python, "-I", "-c", text)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 1_000)
    os.write(terminal, b"\x03")
    while b"cleaned up" not in seen:
        seen += os.read(terminal, 1_000)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    os.close(terminal)


def test_a_closed_pipe_ends_it(box: Sandbox) -> None:
    """A program that writes on is ended by SIGPIPE, as outside."""
    with subprocess.Popen(box.command("yes"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"y\n"
        process.stdout.close()
    assert process.returncode == -signal.SIGPIPE


@pytest.mark.parametrize("ending", ["time.sleep(60)", "sys.exit(4)"])
def test_nothing_is_left_whatever_was_started(box: Sandbox, ending: str) -> None:
    """All in the network ends with the command: by kill -9, and by itself."""
    process = box.start(box.python, "-I", "-c", f"{LEAVES}sys.stdin.readline()\n{ending}", stdin=subprocess.PIPE)
    network = network_of(process.pid)
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()
    if "sleep" in ending:
        process.kill()
    process.wait(10)
    assert process.returncode == (-signal.SIGKILL if "sleep" in ending else 4)
    await_none_in(network)
    process.communicate()


def test_what_joined_ends_with_it(box: Sandbox) -> None:
    """A command that joined is killed when the sandbox ends."""
    process = box.start("sh", "-c", "echo ready; exec sleep 1000")
    joined = box.start("--join", str(process.pid), "sh", "-c", "echo ready; exec sleep 1000")
    process.kill()
    process.communicate()
    joined.communicate(timeout=10)
    assert joined.returncode == -signal.SIGKILL


def test_nothing_holds_the_output_open(box: Sandbox) -> None:
    """A reader of the output sees its end when the command ends."""
    assert box.run("sh", "-c", "echo done").stdout == "done\n"


def test_standard_files_may_be_closed(box: Sandbox) -> None:
    """A command without standard files runs, and is not taken for one that has ended."""
    command = box.command("sh", "-c", "sleep 0.5; exit 6")
    done = subprocess.run(["sh", "-c", '"$@" <&- >&- 2>&-', "sh", *command], check=False, timeout=30)
    assert done.returncode == 6

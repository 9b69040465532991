"""Programs of containers that try to get away from their limits, from their end, or at others."""

from __future__ import annotations

import sys

__all__ = ["ATTACKS", "NEST_FOLDERS", "eat_memory", "fork_orphans"]

_PYTHON = sys.executable


def fork_orphans(count: int, *, then: str = "time.sleep(1000)") -> str:
    """Return a Python program: children of children in separate sessions, with an empty environment."""
    return (
        "import os, time\n"
        f"for _ in range({count}):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        "            os.execve('/bin/sleep', ['sleep', '1000'], {})\n"
        "        os._exit(0)\n"
        "    os.wait()\n"
        "print('forked', flush=True)\n"
        f"{then}"
    )


def eat_memory(mebibytes: int, *, processes: int = 1) -> str:
    """Return a Python program whose orphans, without environment, hold this much memory together."""
    program = f"import time; held = bytearray(b'x') * {mebibytes // processes * 2**20}; time.sleep(1000)"
    return (
        "import os, time\n"
        f"for _ in range({processes}):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        f"            os.execve({_PYTHON!r}, ['python', '-I', '-S', '-c', {program!r}], {{}})\n"
        "        os._exit(0)\n"
        "time.sleep(1000)"
    )


def _python(program: str) -> list[str]:
    return [_PYTHON, "-c", program]


def _shell(program: str) -> list[str]:
    return ["sh", "-c", program]


_CLONE_BESIDE = """
import ctypes, os, signal
# clone(CLONE_PARENT | SIGCHLD): the child is a child of this process's parent
number = {"x86_64": 56, "aarch64": 220}[os.uname().machine]
if ctypes.CDLL(None).syscall(number, 0x8000 | signal.SIGCHLD, 0, 0, 0, 0) == 0:
    os.execve("/bin/sleep", ["sleep", "1000"], {})
"""
_FORBID_PARENT_SIGNAL = "import ctypes; ctypes.CDLL(None).prctl(1, 0)\n"
_ADOPT = "import ctypes; ctypes.CDLL(None).prctl(36, 1)\n"
NEST_FOLDERS = """
import os, time
for _ in range(1_100):
    os.mkdir("a"); os.chdir("a")
os.chmod(".", 0); print("ready", flush=True); time.sleep(1000)
"""
"""More folders in each other than Python recurses."""

_RESPAWN = """
import os, time
# Each generation starts the next one when its parent is gone; 300 generations at most.
for generation in range(300):
    parent = os.getpid()
    if os.fork():
        time.sleep(1000)
        os._exit(0)
    os.setsid()
    deadline = time.monotonic() + 30
    while os.getppid() == parent and time.monotonic() < deadline:
        time.sleep(0.001)
"""

ATTACKS = {
    "detach": _shell("(env -i setsid sleep 1000 &); echo ready; sleep 1000"),
    "detach and end": _shell("(env -i setsid sleep 1000 &); echo ready; exit 3"),
    "fork twice": _python(fork_orphans(20, then="print('ready', flush=True); time.sleep(1000)")),
    "fork twice and end": _python(fork_orphans(20, then="print('ready', flush=True)")),
    "kill parent": _shell("(env -i setsid sleep 1000 &); echo ready; kill -9 $PPID; sleep 1000"),
    "stop parent": _shell("(env -i setsid sleep 1000 &); echo ready; kill -STOP $PPID; sleep 1000"),
    "stop parent and end": _shell("(env -i setsid sleep 1000 &); echo ready; kill -STOP $PPID"),
    "terminate parent": _shell("(env -i setsid sleep 1000 &); echo ready; kill -TERM $PPID; sleep 1000"),
    "forbid the parent's signal": _python(
        _FORBID_PARENT_SIGNAL + "import os, time\nif os.fork() == 0: os.setsid(); time.sleep(1000)\n"
        "print('ready', flush=True); os.kill(os.getppid(), 9); time.sleep(1000)"
    ),
    "adopt": _python(_ADOPT + fork_orphans(5, then="print('ready', flush=True); time.sleep(1000)")),
    "clone beside itself": _python(_CLONE_BESIDE + "print('ready', flush=True); import time; time.sleep(1000)"),
    "close all files": _python("import os, time; print('ready', flush=True); os.closerange(0, 1000); time.sleep(1000)"),
    "close all files and end": _shell("echo ready; exec <&- >&- 2>&-; (env -i setsid sleep 1000 &) ; exit 4"),
    "ignore signals": _shell("trap '' TERM INT HUP; echo ready; while :; do sleep 1; done"),
    "forbid its folder": _shell("mkdir -p a/b; touch a/b/c; chmod 0 a .; echo ready; sleep 1000"),
    "delete its folder": _shell('rm -rf "$PWD"; echo ready; sleep 1000'),
    "lower its priority": _shell("echo ready; nice -n 19 env -i setsid sleep 1000"),
    "stop itself": _shell("(env -i setsid sleep 1000 &); echo ready; kill -STOP $$"),
    "leave zombies": _python(
        "import os, time\n"
        "for _ in range(50):\n    if os.fork() == 0: os._exit(0)\n"
        "print('ready', flush=True); time.sleep(1000)"
    ),
    "respawn": _python("print('ready', flush=True)\n" + _RESPAWN),
    "become another group": _shell("echo ready; env -i setsid sh -c 'setsid sleep 1000 & setsid sleep 1000' & wait"),
}
"""Name -> command. Each prints "ready" once it has done its worst, or just before."""

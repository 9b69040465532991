"""Containers that try to leave: whatever they do, they count for their limits, and nothing of them is left."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from random import Random
from typing import Any

import pytest

from surveyor_emulator.runtime.tasks import processes
from surveyor_emulator.runtime.tasks.supervisor import Exit, Process, Supervisor
from tests.emulator.tasks.attacks import ATTACKS, NEST_FOLDERS, eat_memory, fork_orphans
from tests.emulator.tasks.container_processes import (
    ENVIRONMENT,
    Run,
    ended,
    running,
    server_of,
    start_python,
    until_printed,
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by /proc"),
    pytest.mark.soak,  # each test starts containers
]

KILLED = 128 + signal.SIGKILL
MIB = 2**20


async def attack(supervisor: Supervisor, name: str) -> Process:
    """Start one attack; return once it has done its worst."""
    process = await supervisor.start(ATTACKS[name], ENVIRONMENT, memory=512 * MIB)
    await until_printed(supervisor, process, "ready")
    return process


def folders(supervisor: Supervisor) -> list[Path]:
    """Return the folders of containers."""
    return [path for path in supervisor.folder.iterdir() if path.is_dir()]


async def stop(supervisor: Supervisor, process: Process) -> Exit:
    """Stop a container as ECS does, but without waiting in between."""
    await supervisor.signal(process, signal.SIGTERM)
    await supervisor.signal(process, signal.SIGKILL)
    return await process.ended


@pytest.mark.soak
@pytest.mark.parametrize("name", ATTACKS)
def test_nothing_of_a_container_is_left_after_its_end(run: Run, name: str) -> None:
    """No process is left when a container has stopped, and another one has noticed nothing."""

    async def test(supervisor: Supervisor) -> None:
        beside = await supervisor.start(["sleep", "1000"], ENVIRONMENT)
        others = running(supervisor)
        process = await attack(supervisor, name)
        await stop(supervisor, process)
        assert running(supervisor) == others
        assert len(folders(supervisor)) == 1
        assert not beside.ended.done()

    run(test)


def test_nothing_is_left_when_a_container_ends_by_itself(run: Run) -> None:
    """Detached processes end with the first one, before its end is reported, and its exit code is kept."""

    async def test(supervisor: Supervisor) -> None:
        assert (await ended(supervisor, *ATTACKS["detach and end"])).code == 3
        assert not running(supervisor)
        assert (await ended(supervisor, *ATTACKS["fork twice and end"])).code == 0
        assert not running(supervisor)
        assert (await ended(supervisor, *ATTACKS["kill parent"])).code == KILLED
        assert not running(supervisor)

    run(test)


def test_an_address_is_free_after_a_detached_listener_has_stopped(run: Run) -> None:
    """A detached process that listens is gone once its container has stopped: the next one can listen there."""
    listen = (
        "import os, socket, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork() == 0:\n"
        "        s = socket.create_server(('127.0.0.1', {port})); print('ready', s.getsockname()[1], flush=True)\n"
        "        time.sleep(1000)\n"
        "    os._exit(0)\n"
        "time.sleep(1000)"
    )

    async def test(supervisor: Supervisor) -> None:
        first = await start_python(supervisor, listen.format(port=0))
        port = (await until_printed(supervisor, first, "\n")).split()[1]
        await stop(supervisor, first)
        second = await start_python(supervisor, listen.format(port=port))
        assert (await until_printed(supervisor, second, "\n")).split()[1] == port

    run(test)


@pytest.mark.soak
def test_detached_processes_count_for_the_number_of_processes(run: Run) -> None:
    """A container with more processes than allowed is killed, wherever they are in its tree."""

    async def test(supervisor: Supervisor) -> None:
        process = await start_python(supervisor, fork_orphans(700))
        assert (await process.ended).code == KILLED
        assert not running(supervisor)

    run(test)


@pytest.mark.soak
@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NPROC)[0] in range(6_000), reason="this user may not have that many threads"
)
def test_threads_are_limited(run: Run) -> None:
    """A container with thousands of threads is killed, in one process or in many."""
    program = (
        "import os, threading, time\nthreading.stack_size(65536)\n"
        "for _ in range(10):\n"
        "    if os.fork() == 0:\n"
        "        for _ in range(300): threading.Thread(target=time.sleep, args=[1000], daemon=True).start()\n"
        "        time.sleep(1000)\n"
        "time.sleep(1000)"
    )

    async def test(supervisor: Supervisor) -> None:
        process = await start_python(supervisor, program)
        assert (await process.ended).code == KILLED
        assert not running(supervisor)

    run(test)


def test_a_container_that_deletes_the_targets_folder_stops_no_other(run: Run) -> None:
    """Containers start after one has deleted the folder of all of them."""

    async def test(supervisor: Supervisor) -> None:
        beside = await supervisor.start(["sleep", "1000"], ENVIRONMENT)
        await ended(supervisor, "sh", "-c", 'rm -rf "$(dirname "$PWD")"')
        assert (await ended(supervisor, "echo", "again")).output == "again\n"
        assert not beside.ended.done()

    run(test)


@pytest.mark.soak
def test_limits_are_looked_at_ten_times_a_second_however_much_is_written(run: Run) -> None:
    """A flood of output does not make the fork server look at processes all the time."""

    async def test(supervisor: Supervisor) -> None:
        for _ in range(20):
            await supervisor.start(["sleep", "1000"], ENVIRONMENT)
        quiet = await cpu_share(server_of(supervisor))
        for _ in range(2):
            await supervisor.start(["sh", "-c", "while :; do echo line; sleep 0.001; done"], ENVIRONMENT)
        flooded = await cpu_share(server_of(supervisor))
        assert quiet < 0.1
        assert flooded < 0.4

    run(test)


async def cpu_share(pid: int) -> float:
    """Return which share of a processor a process needs, measured for one second."""
    before = cpu_seconds(pid)
    await asyncio.sleep(1)
    return cpu_seconds(pid) - before


def cpu_seconds(pid: int) -> float:
    """Return how long a process has run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.soak
@pytest.mark.parametrize("count", [1, 4])
def test_detached_processes_count_for_the_memory(run: Run, count: int) -> None:
    """Memory that only orphans hold, alone or together, is the container's."""

    async def test(supervisor: Supervisor) -> None:
        process = await start_python(supervisor, eat_memory(200, processes=count), memory=128 * MIB)
        end = await process.ended
        assert (end.code, end.out_of_memory) == (KILLED, True)
        assert not running(supervisor)

    run(test)


def test_containers_of_one_task_share_its_memory(run: Run) -> None:
    """If containers hold more together than their task may, the largest is killed; another task's are not counted."""

    async def test(supervisor: Supervisor) -> None:
        def start(mebibytes: int, task: str) -> Coroutine[Any, Any, Process]:
            command = [sys.executable, "-c", eat_memory(mebibytes)]
            return supervisor.start(command, ENVIRONMENT, memory=200 * MIB, task=task, task_memory=200 * MIB)

        other, small = await start(120, "b"), await start(60, "a")
        large = await start(150, "a")
        end = await large.ended
        assert (end.code, end.out_of_memory) == (KILLED, True)
        assert not small.ended.done()
        assert not other.ended.done()

    run(test)


def test_a_keeper_does_not_count(run: Run) -> None:
    """A container gets all of its limit: what watches it is not part of it."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sleep", "1000"], ENVIRONMENT, memory=6 * MIB)
        await asyncio.sleep(0.4)  # several looks at the memory
        assert not process.ended.done()

    run(test)


def test_a_container_that_kills_the_fork_server_ends_with_it(run: Run) -> None:
    """Without a namespace a container can kill the server of all containers: nothing is left of any, and new ones run.

    In a namespace the server does not notice.
    """
    program = (
        "import os, time\n"
        "keeper = os.getppid(); server = int(open(f'/proc/{keeper}/stat').read().rpartition(')')[2].split()[1])\n"
        + fork_orphans(5, then="os.kill(server, 9); os.kill(keeper, 9); time.sleep(1000)")
    )

    async def test(supervisor: Supervisor) -> None:
        beside = await supervisor.start(["sh", "-c", "(env -i setsid sleep 1000 &); sleep 1000"], ENVIRONMENT)
        process = await start_python(supervisor, program)
        assert (await process.ended).code == KILLED
        if not beside.ended.done():
            await stop(supervisor, beside)
        assert supervisor._parent is None or not running(supervisor)
        assert (await ended(supervisor, "echo", "again")).output == "again\n"

    run(test)


def test_a_namespace_shows_no_process_outside_of_it(run: Run) -> None:
    """Where there is a PID namespace, a container that kills all processes that it may kills only containers."""
    # As root it would end this machine, so it does it only if the first process is the fork server.
    program = (
        "import os\nif b'fork_server' in open('/proc/1/cmdline', 'rb').read():\n"
        "    print(os.path.exists('/proc/%d' % TEST)); os.kill(-1, 9)\n"
    ).replace("TEST", str(os.getpid()))

    async def test(supervisor: Supervisor) -> None:
        process = await start_python(supervisor, program)
        end = await process.ended
        if end.output:
            assert end == Exit(KILLED, False, "False\n")
        assert (await ended(supervisor, "echo", "again")).output == "again\n"

    run(test)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may trace any process")
def test_what_keeps_a_container_cannot_be_traced(run: Run) -> None:
    """A container of an ordinary user cannot attach to its keeper or to the fork server."""
    program = (
        "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True); keeper = os.getppid()\n"
        "server = int(open(f'/proc/{keeper}/stat').read().rpartition(')')[2].split()[1])\n"
        "for pid in keeper, server: print(libc.ptrace(16, pid, 0, 0), os.strerror(ctypes.get_errno()))"
    )

    async def test(supervisor: Supervisor) -> None:
        process = await start_python(supervisor, program)
        assert (await process.ended).output == "-1 Operation not permitted\n" * 2

    run(test)


def test_keepers_end_their_containers_without_the_fork_server_and_the_target(run: Run) -> None:
    """When the server is killed while the target cannot react, each keeper ends all of its container."""

    async def test(supervisor: Supervisor) -> None:
        for name in ("detach", "fork twice", "ignore signals", "adopt"):
            await attack(supervisor, name)
        everything = running(supervisor)
        assert len(everything) > 30
        assert supervisor._parent is not None
        os.kill(supervisor._parent.pid, signal.SIGKILL)
        while not all(map(processes.has_ended, everything)):  # this test's loop, the target, stands still
            pass

    run(test)


@pytest.mark.soak
def test_deep_folders_are_deleted(run: Run) -> None:
    """Folders in each other, a thousand and more, are deleted with their container."""

    async def test(supervisor: Supervisor) -> None:
        process = await start_python(supervisor, NEST_FOLDERS)
        await until_printed(supervisor, process, "ready")
        await stop(supervisor, process)
        assert folders(supervisor) == []

    run(test)


@pytest.mark.soak
def test_a_hundred_attacks_at_once(run: Run) -> None:
    """Of a hundred containers that attack in every way, some at once, nothing is left after they have stopped."""
    random = Random(20)
    names = [random.choice(sorted(ATTACKS)) for _ in range(100)]

    async def test(supervisor: Supervisor) -> None:
        # Few at a time on a machine with few processors, or none would be ready before the test's time is over.
        for begin in range(0, 100, 25):
            group = await asyncio.gather(*(attack(supervisor, name) for name in names[begin : begin + 25]))
            random.shuffle(group)
            await asyncio.gather(*(stop(supervisor, process) for process in group))
            assert not running(supervisor)

    run(test)


def test_a_frozen_tree_does_not_grow_while_it_is_killed() -> None:
    """A tree that forks as fast as it can is killed whole."""
    child = os.fork()
    if child == 0:
        os.setsid()
        os.setpriority(os.PRIO_PROCESS, 0, 5)
        for _ in range(60):
            if os.fork() == 0:
                for _ in range(20):
                    if os.fork() == 0:
                        os._exit(0)
        signal.pause()
    found: set[int] = set()
    for _ in range(3):
        found |= processes.end_tree([child])
    os.waitpid(child, 0)
    assert all(map(processes.has_ended, found))

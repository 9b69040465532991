"""Containers as processes: whatever a command does, it starts, ends and is told of, and nothing of it stays."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from surveyor_agents import workload
from surveyor_emulator.runtime.tasks import processes
from surveyor_emulator.runtime.tasks.addresses import TASKS, Addresses
from surveyor_emulator.runtime.tasks.forwarding import forward
from surveyor_emulator.runtime.tasks.messages import MARK
from surveyor_emulator.runtime.tasks.supervisor import CannotStart, Exit, Process, Supervisor

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by /proc")

ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}
PATIENCE = 10.0  # wall seconds


@asynccontextmanager
async def supervised() -> AsyncIterator[Supervisor]:
    """A supervisor, ended in any case."""
    supervisor = Supervisor()
    try:
        yield supervisor
    finally:
        supervisor.close()


def run(test: Callable[[Supervisor], Coroutine[Any, Any, None]]) -> None:
    """Run a test in an event loop with a supervisor of its own."""

    async def within() -> None:
        async with supervised() as supervisor:
            await asyncio.wait_for(test(supervisor), PATIENCE)

    asyncio.run(within())


async def ended(supervisor: Supervisor, *command: str, memory: int = 0) -> Exit:
    """How a command ends."""
    process = await supervisor.start(command, ENVIRONMENT, memory=memory)
    return await process.ended


async def until(condition: Callable[[], object]) -> None:
    """Return when it is so."""
    while not condition():  # noqa: ASYNC110 (processes end without telling)
        await asyncio.sleep(0.01)


def marked(mark: str) -> list[int]:
    """The processes that were started with that in their environment."""
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    return [pid for pid in pids if processes.has_mark(pid, mark) and not _is_zombie(pid)]


def mark_of(supervisor: Supervisor, process: Process) -> str:
    """What all processes of a container have in their environment."""
    assert supervisor._parent is not None
    return f"{MARK}={supervisor._parent.pid}.{process.id}."


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_exit_codes_and_output_are_told() -> None:
    """What a command returns, and what it wrote."""

    async def test(supervisor: Supervisor) -> None:
        assert await ended(supervisor, "sh", "-c", "echo out; echo err >&2; exit 7") == Exit(7, False, "out\nerr\n")
        assert (await ended(supervisor, "sh", "-c", "kill -TERM $$")).code == 128 + signal.SIGTERM
        assert (
            await ended(supervisor, "python", "-c", "import sys; print(sys.executable)")
        ).output.strip() == sys.executable

    run(test)


@pytest.mark.parametrize("command", ["no-such-program", "/", "", "a\0b"])
def test_a_command_that_does_not_run_says_why(command: str) -> None:
    """It cannot start, with the system's reason."""

    async def test(supervisor: Supervisor) -> None:
        with pytest.raises(CannotStart, match=r"No such file|Permission denied|cannot be empty|null"):
            await supervisor.start([command], ENVIRONMENT)
        assert (await ended(supervisor, "true")).code == 0  # and others still do

    run(test)


def test_the_environment_is_the_task_s_alone() -> None:
    """Nothing of this process's own environment gets in, and no file that it has open."""

    async def test(supervisor: Supervisor) -> None:
        told = await ended(supervisor, "sh", "-c", "env | cut -d= -f1 | sort; ls /proc/self/fd | wc -l")
        names = told.output.split()
        assert set(names[:-1]) <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD", MARK}
        assert int(names[-1]) <= 4  # three, and the folder that is listed

    run(test)


def test_floods_are_read_slowly_and_kept_in_part() -> None:
    """Of what a command floods the last 64 KiB are kept; it goes on, and others start meanwhile."""

    async def test(supervisor: Supervisor) -> None:
        flood = await supervisor.start(["yes", "flood"], ENVIRONMENT)
        assert (await ended(supervisor, "echo", "beside")).output == "beside\n"
        await until(lambda: True)
        text = ""
        while len(text) < 64 * 1024:
            text = await supervisor.output(flood)
        assert len(text) <= 3 * 64 * 1024
        await supervisor.signal(flood, signal.SIGKILL)
        assert (await flood.ended).code == 128 + signal.SIGKILL

    run(test)


def test_what_eats_memory_is_killed() -> None:
    """Over its limit a container ends with 137, and is told to have been out of memory."""

    async def test(supervisor: Supervisor) -> None:
        eats = "held = []\nimport time\nwhile True: held.append(bytearray(2**20)); time.sleep(0.001)"
        how = await ended(supervisor, "python", "-c", eats, memory=64 * 2**20)
        assert (how.code, how.out_of_memory) == (128 + signal.SIGKILL, True)

    run(test)


def test_children_go_with_their_container() -> None:
    """What a container has started goes when it is killed, and what has got away from it when it ends by itself."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sh", "-c", "sleep 1000 & (setsid sleep 1000 &); sleep 1000"], ENVIRONMENT)
        mark = mark_of(supervisor, process)
        await until(lambda: len(marked(mark)) >= 4)
        await supervisor.signal(process, signal.SIGKILL)
        await process.ended
        await until(lambda: not marked(mark))
        process = await supervisor.start(["sh", "-c", "(setsid sleep 1000 &); exit 3"], ENVIRONMENT)
        assert (await process.ended).code == 3
        await until(lambda: not marked(mark_of(supervisor, process)))

    run(test)


def test_a_fork_bomb_ends() -> None:
    """More processes than a container may have: it is killed."""

    async def test(supervisor: Supervisor) -> None:
        bomb = "import os, time\nfor _ in range(2_000):\n    if os.fork() == 0: time.sleep(1_000)\ntime.sleep(1_000)"
        process = await supervisor.start(["python", "-c", bomb], ENVIRONMENT)
        assert (await process.ended).code == 128 + signal.SIGKILL
        await until(lambda: not marked(mark_of(supervisor, process)))

    run(test)


def test_sigterm_can_be_ignored_and_sigkill_cannot() -> None:
    """A stubborn command lives through the one and not the other."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(
            ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], ENVIRONMENT
        )
        while "ready" not in await supervisor.output(process):  # noqa: ASYNC110 (output comes when it comes)
            await asyncio.sleep(0.01)
        await supervisor.signal(process, signal.SIGTERM)
        assert (await ended(supervisor, "true")).code == 0
        assert not process.ended.done()
        await supervisor.signal(process, signal.SIGKILL)
        assert (await process.ended).code == 128 + signal.SIGKILL
        await supervisor.signal(process, signal.SIGTERM)  # to nobody, which is no error

    run(test)


def test_the_workload_is_known_by_its_text_and_by_its_name() -> None:
    """Both ways it is a fork that listens when it is told to have started."""

    async def test(supervisor: Supervisor) -> None:
        addresses = Addresses(TASKS)
        for command in (workload.command("serve"), ["python3", "-m", "surveyor_agents.workload", "serve"]):
            address = addresses.take()
            process = await supervisor.start(command, {**ENVIRONMENT, "SURVEYOR_ADDRESS": address})
            assert not process.foreign
            reader, writer = await asyncio.open_connection(address, workload.PORT)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            told = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
            assert (told["address"], told["pid"]) == (address, process.pid)
            writer.close()
            await supervisor.signal(process, signal.SIGTERM)
            assert (await process.ended).code == 0
        addresses.close()

    run(test)


def test_when_the_parent_is_killed_its_tasks_are_and_new_ones_start() -> None:
    """Killing the parent of all tasks ends them, with what they started; the next task has a new parent."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sh", "-c", "sleep 1000 & sleep 1000"], ENVIRONMENT)
        mark = mark_of(supervisor, process)
        await until(lambda: len(marked(mark)) >= 3)
        assert supervisor._parent is not None
        os.kill(supervisor._parent.pid, signal.SIGKILL)
        assert (await process.ended).code == 128 + signal.SIGKILL
        await until(lambda: not marked(mark))
        assert (await ended(supervisor, "echo", "again")).output == "again\n"

    run(test)


def test_closing_ends_everything() -> None:
    """After close nothing is left, and no folder."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sh", "-c", "touch made; pwd; sleep 1000 & sleep 1000"], ENVIRONMENT)
        while "\n" not in (folder := await supervisor.output(process)):  # noqa: ASYNC110 (output comes when it comes)
            await asyncio.sleep(0.01)
        there = Path(folder.strip())
        assert os.path.exists(there / "made")  # noqa: ASYNC240, PTH110 (a test waits for nobody)
        mark = mark_of(supervisor, process)
        supervisor.close()
        assert marked(mark) == []
        assert not os.path.exists(there)  # noqa: ASYNC240, PTH110 (a test waits for nobody)

    run(test)


def test_targets_have_different_addresses() -> None:
    """Two blocks share no address, and one that is given back is not the next to be taken."""
    one, other = Addresses(TASKS), Addresses(TASKS)
    mine, theirs = {one.take() for _ in range(50)}, {other.take() for _ in range(50)}
    assert not mine & theirs
    first = min(mine)
    one.give_back(first)
    assert one.take() != first
    one.close()
    other.close()


def test_a_mapped_port_leads_inside() -> None:
    """What comes to the host's port gets the container's answer; after the end nobody listens."""

    async def test(supervisor: Supervisor) -> None:
        addresses = Addresses(TASKS)
        host, inside = addresses.take(), addresses.take()
        await supervisor.start(workload.command("serve"), {**ENVIRONMENT, "SURVEYOR_ADDRESS": inside})
        forwarder = await forward(host, 40_000, inside, workload.PORT)
        reader, writer = await asyncio.open_connection(host, 40_000)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert json.loads((await reader.read()).partition(b"\r\n\r\n")[2])["address"] == inside
        writer.close()
        forwarder.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(host, 40_000)
        addresses.close()

    run(test)


def test_many_ends_at_once_are_all_told() -> None:
    """Containers that are killed together, with children that hold their output open, do not confuse the parent."""

    async def test(supervisor: Supervisor) -> None:
        for _ in range(5):
            command = ["sh", "-c", "echo out; sleep 1000 & sleep 1000"]
            some = [await supervisor.start(command, ENVIRONMENT) for _ in range(20)]
            for one in some:
                await supervisor.signal(one, signal.SIGKILL)
            assert {(await one.ended).code for one in some} == {128 + signal.SIGKILL}
        assert (await ended(supervisor, "echo", "still")).output == "still\n"

    run(test)

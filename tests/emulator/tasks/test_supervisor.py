"""Containers as processes: every command starts, ends and is reported, and leaves no process behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from surveyor_agents import workload
from surveyor_emulator.runtime.tasks import processes
from surveyor_emulator.runtime.tasks.addresses import TASKS, Addresses
from surveyor_emulator.runtime.tasks.forwarding import forward
from surveyor_emulator.runtime.tasks.supervisor import CannotStart, Exit, Supervisor
from tests.emulator.tasks.container_processes import (
    ENVIRONMENT,
    Run,
    ended,
    marked,
    running,
    seen_from_outside,
    server_of,
    until,
    until_printed,
)

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are watched by /proc"),
    pytest.mark.soak,  # each test starts containers
]


def test_exit_codes_and_output_are_reported(run: Run) -> None:
    """The end of a command has its exit code, and its output."""

    async def test(supervisor: Supervisor) -> None:
        assert await ended(supervisor, "sh", "-c", "echo out; echo err >&2; exit 7") == Exit(7, False, "out\nerr\n")
        assert (await ended(supervisor, "sh", "-c", "kill -TERM $$")).code == 128 + signal.SIGTERM
        assert (
            await ended(supervisor, "python", "-c", "import sys; print(sys.executable)")
        ).output.strip() == sys.executable

    run(test)


@pytest.mark.parametrize("command", ["no-such-program", "/", "", "a\0b"])
def test_a_command_that_does_not_run_says_why(run: Run, command: str) -> None:
    """Starting fails with the system's reason."""

    async def test(supervisor: Supervisor) -> None:
        with pytest.raises(CannotStart, match=r"No such file|Permission denied|cannot be empty|null"):
            await supervisor.start([command], ENVIRONMENT)
        assert (await ended(supervisor, "true")).code == 0  # and others still do

    run(test)


def test_only_the_given_environment_is_passed(run: Run) -> None:
    """A container gets nothing of this process's own environment, and no file that it has open."""

    async def test(supervisor: Supervisor) -> None:
        result = await ended(supervisor, "sh", "-c", "env | cut -d= -f1 | sort; ls /proc/self/fd | wc -l")
        names = result.output.split()
        assert set(names[:-1]) <= {"PATH", "PWD", "SHLVL", "_", "OLDPWD"}
        assert int(names[-1]) <= 4  # three, and the folder that is listed

    run(test)


def test_floods_of_output_are_kept_in_part(run: Run) -> None:
    """The last 64 KiB of a flood of output are kept; the command keeps running, and others start meanwhile."""

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


def test_a_container_over_its_memory_limit_is_killed(run: Run) -> None:
    """It ends with 137, and is reported as out of memory."""

    async def test(supervisor: Supervisor) -> None:
        program = "held = []\nimport time\nwhile True: held.append(bytearray(2**20)); time.sleep(0.001)"
        end = await ended(supervisor, "python", "-c", program, memory=64 * 2**20)
        assert (end.code, end.out_of_memory) == (128 + signal.SIGKILL, True)

    run(test)


def test_children_end_with_their_container(run: Run) -> None:
    """Children of a container end when it is killed, and orphans of it when it ends by itself."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sh", "-c", "sleep 1000 & (setsid sleep 1000 &); sleep 1000"], ENVIRONMENT)
        await until(lambda: len(running(supervisor)) >= 5)
        await supervisor.signal(process, signal.SIGKILL)
        await process.ended
        assert not running(supervisor)
        process = await supervisor.start(["sh", "-c", "(setsid sleep 1000 &); exit 3"], ENVIRONMENT)
        assert (await process.ended).code == 3
        assert not running(supervisor)

    run(test)


@pytest.mark.soak
def test_a_fork_bomb_ends(run: Run) -> None:
    """A container with more processes than allowed is killed."""

    async def test(supervisor: Supervisor) -> None:
        bomb = "import os, time\nfor _ in range(2_000):\n    if os.fork() == 0: time.sleep(1_000)\ntime.sleep(1_000)"
        process = await supervisor.start(["python", "-c", bomb], ENVIRONMENT)
        assert (await process.ended).code == 128 + signal.SIGKILL
        assert not running(supervisor)

    run(test)


def test_sigterm_can_be_ignored_and_sigkill_cannot(run: Run) -> None:
    """A command that traps SIGTERM survives it, and does not survive SIGKILL."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(
            ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done"], ENVIRONMENT
        )
        await until_printed(supervisor, process, "ready")
        await supervisor.signal(process, signal.SIGTERM)
        assert (await ended(supervisor, "true")).code == 0
        assert not process.ended.done()
        await supervisor.signal(process, signal.SIGKILL)
        assert (await process.ended).code == 128 + signal.SIGKILL
        await supervisor.signal(process, signal.SIGTERM)  # it has ended: no error

    run(test)


def test_the_workload_is_recognised_by_text_and_by_module_name(run: Run) -> None:
    """Both ways it is a fork that listens once its start is reported."""

    async def test(supervisor: Supervisor) -> None:
        addresses = Addresses(TASKS)
        for command in (workload.command("serve"), ["python3", "-m", "surveyor_agents.workload", "serve"]):
            address = addresses.take()
            process = await supervisor.start(command, {**ENVIRONMENT, "SURVEYOR_ADDRESS": address})
            assert not process.foreign
            reader, writer = await asyncio.open_connection(address, workload.PORT)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            answer = json.loads((await reader.read()).partition(b"\r\n\r\n")[2])
            assert (answer["address"], answer["pid"]) == (address, process.pid)
            writer.close()
            await supervisor.signal(process, signal.SIGTERM)
            assert (await process.ended).code == 0
        addresses.close()

    run(test)


@pytest.mark.parametrize("outside", [True, False])
def test_when_the_fork_server_is_killed_its_tasks_end_and_new_ones_start(run: Run, *, outside: bool) -> None:
    """Killing the fork server ends all tasks, with what they started; the next task starts a new one.

    In a namespace there is a process outside of it as well, which has the same effect.
    """

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sh", "-c", "sleep 1000 & sleep 1000"], ENVIRONMENT)
        await until(lambda: len(running(supervisor)) >= 4)
        assert supervisor._parent is not None
        mark = supervisor._mark
        os.kill(supervisor._parent.pid if outside else server_of(supervisor), signal.SIGKILL)
        assert (await process.ended).code == 128 + signal.SIGKILL
        await until(lambda: not marked(mark))
        assert (await ended(supervisor, "echo", "again")).output == "again\n"

    run(test)


def test_closing_ends_everything(run: Run) -> None:
    """After close no process and no folder is left."""

    async def test(supervisor: Supervisor) -> None:
        process = await supervisor.start(["sh", "-c", "touch created; pwd; sleep 1000 & sleep 1000"], ENVIRONMENT)
        folder = await until_printed(supervisor, process, "\n")
        path = Path(folder.strip())
        assert os.path.exists(path / "created")  # noqa: ASYNC240, PTH110 (nothing else runs in this loop)
        mark = supervisor._mark
        supervisor.close()
        assert marked(mark) == set()
        assert not os.path.exists(path)  # noqa: ASYNC240, PTH110 (nothing else runs in this loop)

    run(test)


def test_targets_have_different_addresses() -> None:
    """Two blocks share no address, and a released address is not the next one handed out."""
    first, second = Addresses(TASKS), Addresses(TASKS)
    addresses, others = {first.take() for _ in range(50)}, {second.take() for _ in range(50)}
    assert not addresses & others
    released = min(addresses)
    first.release(released)
    assert first.take() != released
    first.close()
    second.close()


def test_a_mapped_port_leads_to_the_container(run: Run) -> None:
    """A request to the host's port gets the container's answer; after close connections are refused."""

    async def test(supervisor: Supervisor) -> None:
        addresses = Addresses(TASKS)
        host, inside = addresses.take(), addresses.take()
        await supervisor.start(workload.command("serve"), {**ENVIRONMENT, "SURVEYOR_ADDRESS": inside})
        forwarder = await forward(host, 40_000, inside, workload.PORT, for_machine=True)
        reader, writer = await asyncio.open_connection(host, 40_000)
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        assert json.loads((await reader.read()).partition(b"\r\n\r\n")[2])["address"] == inside
        writer.close()
        forwarder.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection(host, 40_000)
        addresses.close()

    run(test)


@pytest.mark.soak
def test_many_simultaneous_ends_are_all_reported(run: Run) -> None:
    """The end of each container is reported when many with children that hold their output open are killed at once."""

    async def test(supervisor: Supervisor) -> None:
        for _ in range(5):
            command = ["sh", "-c", "echo out; sleep 1000 & sleep 1000"]
            started = [await supervisor.start(command, ENVIRONMENT) for _ in range(20)]
            for process in started:
                await supervisor.signal(process, signal.SIGKILL)
            assert {(await process.ended).code for process in started} == {128 + signal.SIGKILL}
        assert (await ended(supervisor, "echo", "still")).output == "still\n"

    run(test)


@pytest.mark.parametrize("command", [["sleep", "60"], workload.command("serve")], ids=["program", "workload"])
def test_an_end_is_handled_before_the_clock_is_advanced(run: Run, command: list[str]) -> None:
    """All that has ended is handled once `catch_up` returns, however late the fork server would report it.

    A process that ends has closed its sockets before its parent can wait for it: a caller may know of the end already.
    """

    async def test(supervisor: Supervisor) -> None:
        addresses = [{"SURVEYOR_ADDRESS": f"127.9.9.{number}"} for number in range(1, 6)]
        started = [await supervisor.start(command, {**ENVIRONMENT, **address}) for address in addresses]
        pids = [seen_from_outside(supervisor, process) for process in started]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        await until(lambda: all(map(processes.has_ended, pids)))
        await asyncio.gather(supervisor.catch_up(), supervisor.catch_up())
        assert [process.ended.done() for process in started] == [True] * 5
        await supervisor.catch_up()

    run(test)


def test_the_clock_waits_for_nothing_when_the_fork_server_is_gone(run: Run) -> None:
    """A fork server that is killed leaves no advance of the clock waiting."""

    async def test(supervisor: Supervisor) -> None:
        await supervisor.start(["sleep", "60"], ENVIRONMENT)
        assert supervisor._parent is not None
        supervisor._parent.send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(supervisor.catch_up())
        await asyncio.sleep(0)
        supervisor._parent.kill()
        await waiting

    run(test)


def test_commands_that_start_at_once_all_start(run: Run) -> None:
    """More orders than the socket to the fork server holds are all obeyed."""
    environment = {**ENVIRONMENT, "LARGE": "x" * 30_000}

    async def test(supervisor: Supervisor) -> None:
        starting = asyncio.gather(*(supervisor.start(["true"], environment) for _ in range(30)))
        started = await asyncio.wait_for(starting, 60)
        ends = await asyncio.gather(*(process.ended for process in started))
        assert {end.code for end in ends} == {0}

    run(test)

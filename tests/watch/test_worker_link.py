"""What workers report is recorded with the time at which it arrives; workers that end, or are slow, are named."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.callers import ServiceEndpoints, ViewContents, fixed
from surveyor.cli._support.call_options import CallOptions
from surveyor.clock import WallClock
from surveyor.errors import TargetUnavailable, UsageError
from surveyor.history import Header, Recorder, load_history
from surveyor.watch.settings import WorkerSettings
from surveyor.watch.worker_link import WORKERS, ModelOnWorkers, WorkerLink, connected_workers

HEADER = Header("watch", "", "", 7, 1.0, "", {}, {"here": 0.0, WORKERS: 0.5}, {}, ())
MASTER = """
import json, sys
def say(**message):
    print(json.dumps(message), flush=True)
say(started=PRESENT)
for line in sys.stdin:
    message = json.loads(line)
    if "ping" in message:
        say(present=PRESENT)
        for worker in range(PRESENT):
            say(worker=f"w{worker}", pong=message["ping"] - LATE)
    elif "plan" in message:
        port = message["plan"]["endpoints"]["dns"]["port"]
        say(worker="w0", begin=1, client="dns", address="10.0.0.1")
        say(worker="w1", begin=1, client="dns", address="10.0.0.2")
        say(worker="w1", end=1, outcome="fail", status=500, task="", error="status 500", seconds=0.2)
        say(worker="w0", end=1, outcome="ok", status=200, task=f"t{port}", error="", seconds=0.1)
        say(worker="w0", begin=2, client="dns", address="")
        MORE
    elif "stop" in message:
        for worker in range(PRESENT):
            say(worker=f"w{worker}", done=True, made={"dns": 1}, dropped={"dns": 3})
"""


@contextmanager
def link_to(present: int = 2, late: float = 0.0, more: str = "pass", program: str = MASTER) -> Iterator[WorkerLink]:
    """Yield a link to a program that answers as Locust's master does for two workers."""
    text = program.replace("PRESENT", str(present)).replace("LATE", str(late)).replace("MORE", more)
    command = [sys.executable, "-c", text]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        link = WorkerLink(process, 2)
        link.start()
        try:
            yield link
        finally:
            process.kill()


def plan() -> dict[str, ServiceEndpoints]:
    """Return what workers are to call."""
    return {"dns": ServiceEndpoints(port=8_000)}


def serving() -> ViewContents:
    """Return one address that serves."""
    return fixed(("10.0.0.1", 80))


def test_calls_are_recorded_as_those_of_this_process_are(tmp_path: Path) -> None:
    """With client, task, status and latency; a call whose end is not reported is unclear."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, WallClock().now)
    with link_to() as link:
        link.wait_until_connected(20)
        link.measure()
        assert 0 < link.seconds < 10
        caller = ModelOnWorkers("dns", link, 0.1)
        link.begin(recorder, plan(), 7, serving)
        WallClock().eventually(lambda: caller.made == 3, within=20)
        caller.stop()
        caller.join()
        assert (link.problem(), caller.dropped, caller.error) == ("", 6, None)
    recorder.close()
    calls = load_history(tmp_path / "h.jsonl").calls
    found = sorted((call.address, call.outcome, call.task, call.status, call.seconds, call.client) for call in calls)
    assert found == [
        ("", "info", "", 0, 0.0, "dns"),
        ("10.0.0.1", "ok", "t8000", 200, 0.1, "dns"),
        ("10.0.0.2", "fail", "", 500, 0.2, "dns"),
    ]
    assert all(call.begin == 0.0 for call in calls)  # each may have begun half a second before it was heard of


@pytest.mark.soak
def test_workers_that_do_not_connect_are_counted() -> None:
    """The watch does not begin without all of them."""
    with link_to(present=1) as link, pytest.raises(TargetUnavailable, match="1 of 2 workers have connected within 1 s"):
        link.wait_until_connected(1.0)


@pytest.mark.parametrize("program", ["", "print('{', flush=True)", "print('[1]', flush=True)"])
def test_a_master_that_ends_or_says_something_else_ends_the_watch(program: str) -> None:
    """It is an error of the machine, in one line."""
    with link_to(program=program) as link, pytest.raises(TargetUnavailable, match="the callers on the workers"):
        link.wait_until_connected(20)


@pytest.mark.soak
def test_messages_that_take_longer_than_before_are_named(tmp_path: Path) -> None:
    """The history says by how much its times may be off, so longer ones are not reliable."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, WallClock().now)
    with link_to(late=5.0) as link:
        link.wait_until_connected(20)
        link.measure()
        assert link.seconds > 15
        link.seconds = 1.0
        link.begin(recorder, plan(), 7, None)
        WallClock().eventually(lambda: "messages of the workers were late: " in link.problem(), within=20)
        link.stop()
    recorder.close()


def test_workers_that_are_lost_are_counted(tmp_path: Path) -> None:
    """What they had not reported is not known."""
    recorder = Recorder(tmp_path / "h.jsonl", HEADER, WallClock().now)
    with link_to(more="say(present=1)") as link:
        link.wait_until_connected(20)
        link.measure()
        link.begin(recorder, plan(), 7, None)
        lost = "1 of 2 workers were lost while they called"
        WallClock().eventually(lambda: link.problem() == lost, within=20)
        link.stop()
    recorder.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1", "no.such.host.invalid", "\x1b[31m", "a" * 300])
def test_an_address_at_which_nothing_can_listen_is_refused(host: str) -> None:
    """It is taken, of another machine, or none at all; no process is started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = WorkerSettings(1, (host, taken.getsockname()[1]))
        with pytest.raises(UsageError, match=r"--listen: .*: nothing can listen there: ") as refusal:
            connected_workers(settings, print).__enter__()
    assert "\x1b" not in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, None),
        ({"workers": 2}, WorkerSettings(2)),
        ({"workers": 2, "listen": "10.0.0.1:5557"}, WorkerSettings(2, ("10.0.0.1", 5_557))),
    ],
)
def test_options_of_workers(values: dict[str, object], expected: WorkerSettings | None) -> None:
    """Without --workers this process calls."""
    assert replace(CallOptions(), **values).settings().workers == expected  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"listen": "10.0.0.1:5557"}, "--listen needs the number of workers that connect: add --workers N"),
        ({"workers": 1, "listen": "x"}, "--listen: expected HOST:PORT, got 'x'"),
        ({"workers": 1, "listen": "\x1b:99999"}, "--listen: expected HOST:PORT"),
    ],
)
def test_bad_options_of_workers_are_one_line(values: dict[str, object], message: str) -> None:
    """Each is refused before anything is read."""
    with pytest.raises(UsageError, match=message) as refusal:
        replace(CallOptions(), **values).settings()  # type: ignore[arg-type]  # by name
    assert "\x1b" not in str(refusal.value)

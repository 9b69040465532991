"""The program of the task: output in order, files as they are written, signals, silence, and messages of others."""

from __future__ import annotations

import ast
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from surveyor.errors import TargetUnavailable
from surveyor.in_vpc.copies import Copies
from surveyor_agents import remote_command
from surveyor_agents.vantage import pause, seal
from tests.in_vpc.task_here import KEY, SESSION, archive_of, run_here

pytestmark = pytest.mark.soak  # files are copied in real time

CONFIRM = """
import os, socket, sys
def confirm(path):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["SURVEYOR_CONFIRMATIONS"])
        connection.sendall(f"{path}\\n".encode())
        return connection.recv(1).decode()
"""


def test_it_needs_nothing_but_python() -> None:
    """A task definition of 64 KiB can carry it, and it imports the standard library only."""
    source = remote_command.command()[2]
    assert len(source) <= 40 * 1024
    tree = ast.parse(Path(remote_command.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    names = {alias.name.partition(".")[0] for node in imports for alias in node.names}
    names |= {str(node.module).partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert names - {"surveyor_agents"} <= sys.stdlib_module_names


def test_output_and_exit_code_are_those_of_the_command() -> None:
    """Both streams arrive, bytes as they are, and the code is that of the program, or 128 and its signal."""
    with run_here("import sys; print('one'); sys.stderr.write('two\\x1b[31m\\n'); sys.exit(7)") as task:
        assert task.follow()["ended"] == 7
        assert (task.text(1), task.text(2)) == ("one\n", "two\x1b[31m\n")
        assert task.process.wait(10) == 0
    with run_here("import os; os.kill(os.getpid(), 9)") as task:
        assert task.follow()["ended"] == 137


def test_files_are_copied_as_they_grow(tmp_path: Path) -> None:
    """What is in the folder of the report is the same here at the end: new, grown, replaced and deleted files."""
    script = """
import os, sys, time
from pathlib import Path
from typing import Any
out = Path(sys.argv[1])
(out / "history.jsonl").write_text("1\\n")
(out / "state.json").write_text("{}")
(out / "gone.json").write_text("{}")
(out / "below").mkdir()
time.sleep(0.3)
with (out / "history.jsonl").open("a") as file:
    file.write("2\\n" * 100_000)
(out / "below" / "page.html").write_bytes(bytes(range(256)) * 20_000)
(out / "below" / "empty").touch()
(out / "new").write_text("[1]")
os.replace(out / "new", out / "state.json")
(out / "gone.json").unlink()
(out / ".hidden").write_text("x")
"""
    copies = Copies(tmp_path)
    with run_here(script) as task:
        end = task.follow()
        for part in task.parts:
            if "file" in part:
                copies.write(part["file"], part["at"], part["data"])
        assert copies.compare(end["digests"]) == []
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        *("history.jsonl", "state.json", "below/page.html", "below/empty")
    }
    assert (tmp_path / "state.json").read_text() == "[1]"
    assert len((tmp_path / "below" / "page.html").read_bytes()) == 256 * 20_000
    (tmp_path / "state.json").write_text("changed")
    assert copies.compare(end["digests"]) == ["state.json"]


def test_a_line_is_in_the_mailbox_before_it_is_confirmed() -> None:
    """The answer arrives when the object with the line exists; a file elsewhere is not confirmed."""
    script = (
        CONFIRM
        + """
from pathlib import Path
from typing import Any
path = Path(sys.argv[1]) / "ledger-main.jsonl"
written = Path(sys.argv[1]).with_name("written")
written.write_text("intent\\n")
written.replace(path)  # at no moment it is empty
print(confirm(path), confirm("/etc/passwd"), flush=True)
path.write_text("intent\\ncreated\\n")
os.kill(os.getpid(), 9)
"""
    )
    with run_here(script) as task:
        task.follow(until="file")
        [part] = [part for part in task.parts if part.get("file") == "ledger-main.jsonl"]
        assert part["data"] == b"intent\n"
        task.follow()
        assert task.text() == "+ -\n"
        last = [part["data"] for part in task.parts if part.get("file") == "ledger-main.jsonl"]
        assert b"".join(last) == b"intent\ncreated\n"


def test_nothing_is_confirmed_when_the_run_outside_has_ended() -> None:
    """The mailbox is gone: the command is interrupted, is refused each further line, and cleans up."""
    script = (
        CONFIRM
        + """
import signal, time
from pathlib import Path
from typing import Any
path = Path(sys.argv[1]) / "ledger-main.jsonl"
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    path.write_text("intent\\n")
    Path(os.environ["ANSWER"]).write_text(confirm(path))
"""
    )
    with run_here(script, environment={"ANSWER": "answer"}) as task:
        task.follow(until="stream")
        task.mailbox.is_gone = True
        assert task.process.wait(20) == 4


def test_signals_reach_the_command_and_its_processes() -> None:
    """SIGINT is for all of them, as on a terminal, SIGTERM for the first; its clean-up is waited for."""
    script = """
import signal, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
def stop(number, frame):
    print("got", number, flush=True)
    if number == 2:
        sys.exit(0 if child.wait(5) == -2 else 9)
signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGINT, stop)
time.sleep(0.5)  # the other process has its handlers
print("ready", flush=True)
while True:
    time.sleep(0.1)
"""
    with run_here(script) as task:
        task.follow(until="stream", signals=[signal.SIGTERM])
        task.follow(until="stream", signals=[signal.SIGINT])
        assert task.follow()["ended"] == 0
        assert task.text() == "ready\ngot 15\ngot 2\n"


@pytest.mark.soak
@pytest.mark.parametrize("why", ["silence", "expired"])
def test_it_ends_when_nothing_arrives_any_more(why: str) -> None:
    """After the stated silence, or with URLs that have ended, the command is interrupted, and may clean up."""
    script = """
import sys, time
from pathlib import Path
from typing import Any
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.5)
    print("x" * 10_000_000)  # more than may be on the way: nothing waits for a reader
    sys.exit(3)
"""
    with run_here(script, silence=40.0) as task:
        task.follow(until="stream")
        if why == "expired":
            task.mailbox.expired.add(SESSION)
        began = time.monotonic()
        assert task.process.wait(30) == 3
        assert time.monotonic() - began > 40 * 0.05


@pytest.mark.soak
def test_urls_that_have_ended_are_replaced() -> None:
    """What was refused is put with the URL of the next message from outside: nothing is lost."""
    script = "import time\nfor number in range(20):\n    print(number, flush=True)\n    time.sleep(0.05)\n"
    with run_here(script) as task:
        task.mailbox.expired.add(f"{SESSION}/answer")
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            task.conversation.keep_up(())
            pause(0.05)
        task.mailbox.expired.clear()
        assert task.follow()["ended"] == 0
        assert task.text() == "".join(f"{number}\n" for number in range(20))


@pytest.mark.soak
def test_messages_of_others_are_refused() -> None:
    """A forged message is not carried out, and an answer of others is not believed; the right one still is."""
    with run_here("import time; print('ready', flush=True); time.sleep(60)") as task:
        task.follow(until="stream")
        number = task.conversation._posted + 1
        key = f"{SESSION}/command/{number}"
        good = {"number": number, "acked": 0, "next": "", "urls": {}, "signals": [9]}
        for forged in (seal(bytes(32), "command", good), seal(KEY, "answer", good), b"", b"\xff" * 100):
            task.mailbox.put(key, forged)
            pause(0.2)
            assert task.process.poll() is None
        task.conversation.post(signals=[signal.SIGKILL])
        assert task.follow()["ended"] == 137
        task.mailbox.put(f"{SESSION}/answer/{task.conversation.read + 1}", b"forged")
        assert task.conversation.receive() is None  # it may still be replaced
        pause(1.0)
        with pytest.raises(TargetUnavailable, match="was changed by others: it has not the HMAC of the run"):
            task.conversation.receive()


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"sha256": "0" * 64}, "is not the one of the run"),
        ({"archive": ["http://127.0.0.1:9/nothing"]}, "cannot be read from the mailbox"),
        ({}, "BadZipFile"),
    ],
)
def test_a_command_that_cannot_be_started_is_a_problem(job: dict[str, Any], words: str) -> None:
    """The run outside gets the reason, and the program ends by itself."""
    packed = b"no archive" if not job else None
    with run_here("", packed=packed, **job) as task:
        assert words in task.follow(until="problem")["problem"]
        assert task.process.wait(10) == 6


@pytest.mark.soak
def test_packages_that_cannot_be_installed_are_a_problem() -> None:
    """The first line of pip's error is the reason; a package that this Python has is not installed again."""
    pins = "pytest==0.0.1 --hash=sha256:" + "0" * 64
    with run_here("", packed=archive_of(pins, nothing="")) as task:
        assert "OSError: pip cannot install its packages: ERROR:" in task.follow(60, until="problem")["problem"]
    pins = f"pytest=={pytest.__version__} --hash=sha256:{'0' * 64}\n"
    with run_here("print('yes')", packed=archive_of(pins)) as task:
        task.follow()
        assert task.text() == "yes\n"


@pytest.mark.soak
def test_ten_megabytes_of_output_in_a_second() -> None:
    """All of it arrives in order, within a few seconds, and the command waits instead of filling memory."""
    script = "import sys\nfor number in range(1_000_000):\n    sys.stdout.write(f'{number:09}\\n')\n"
    with run_here(script) as task:
        began = time.monotonic()
        assert task.follow(60)["ended"] == 0
        seconds = time.monotonic() - began
        assert task.text() == "".join(f"{number:09}\n" for number in range(1_000_000))
        assert seconds < 15, seconds
        assert max(len(body) for key, body in task.mailbox.objects.items() if "/answer/" in key) < 4 * 1024 * 1024

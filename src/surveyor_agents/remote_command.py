"""The runner of a whole command: a program in a task inside a VPC, whose command belongs to a run outside.

It imports the standard library and `surveyor_agents.vantage`, which travels inside it. Nothing listens, and nothing is
signed here: what it gets and what it puts are objects of S3 with presigned URLs, under an HMAC of the run, over their
numbers too. Environment: as that of the vantage; SURVEYOR_VANTAGE_IDLE is for how many service seconds the run outside
may be silent.

From outside (kind "command"): `next` (the URL of the next message), `urls` (number -> URL of the messages that may be
put), `acked` (the last one that was read), `signals`; the first has a `job` too. From here (kind "answer"): the first
word, as that of the vantage, and then `parts`, compressed. A part is one of

    stream, data         what the command wrote to 1, standard output, or to 2, standard error, in order
    file, at, data       bytes of a file of its report; `at` 0 begins the file anew
    state                what is being done before the command runs
    folder               where its report is here
    problem              why the command cannot run
    ended, digests       its exit code, and length and SHA-256 of each file

At most `len(urls)` messages are on the way; the command waits where it writes faster than they are read. A line of a
ledger is confirmed, over a Unix socket, when the message with it is in S3: only then is the call sent that the line is
about. When the run outside is silent for too long, or the mailbox is gone, the command gets SIGINT and cleans up.
"""

import base64
import contextlib
import hashlib
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from surveyor_agents.vantage import (
    FIRST,
    IDLE,
    KEY,
    Forged,
    Mailbox,
    pause,
    remember_addresses,
    say_hello,
    seal,
    unseal,
)

__all__ = ["ENDINGS", "OUT", "SOCKET_VARIABLE", "command", "main", "read_parts"]

ENDINGS = {
    0: "it ended by itself",
    3: "the run outside was silent for too long",
    4: "its mailbox was deleted",
    5: "it does not reach its mailbox in S3",
    6: "its command could not be started",
}
"""The meaning of its exit codes."""

SOCKET_VARIABLE = "SURVEYOR_CONFIRMATIONS"
"""Names the Unix socket where a line of a ledger is confirmed (surveyor.account.confirmation)."""

OUT = "{surveyor-out}"
"""Stands for the folder of the report in the words of a command."""

BATCH = 1024 * 1024
"""Bytes of parts in one message, before compression."""

HELD = 4 * BATCH
"""Bytes of output that wait here; the command waits beyond that."""

CHUNK = 65_536
FLUSH, PACE = 0.4, 0.25
"""Service seconds between two messages from here, and between two looks for one from outside."""

SHORTEST = 0.05  # wall seconds, of either

WHOLE_EVERY = 10.0
"""Service seconds between two copies of a file that does not only grow."""

CLEANS_UP_WITHIN = 1_800.0
"""Service seconds that the command has after SIGINT before it is killed, when the run outside is gone."""

PIPES_WITHIN = 5.0
LAST_WORD_WITHIN = 60.0
GROWING = (".jsonl",)
"""Endings of the names of files to which lines are only added: ledgers, histories, undo logs."""

Part = dict[str, Any]


def command() -> list[str]:
    """Return the command of a container that runs this file on any Python image."""
    from surveyor_agents.carrying import source_with  # not needed in a task

    return ["python", "-c", source_with(__file__, "vantage")]


def read_parts(content: Mapping[str, Any]) -> list[Part]:
    """Return the parts in the content of a message. Raises ValueError."""
    parts = json.loads(zlib.decompress(base64.b64decode(content["parts"])))
    return [{**part, "data": base64.b64decode(part["data"])} if "data" in part else part for part in parts]


def _written(parts: Sequence[Part]) -> str:
    texts = [{**part, "data": base64.b64encode(part["data"]).decode()} if "data" in part else part for part in parts]
    return base64.b64encode(zlib.compress(json.dumps(texts).encode(), 1)).decode()


class Link:
    """Both directions of the messages. `gone`: the exit code that says why nothing arrives any more; 0 while it may."""

    def __init__(self, key: bytes, second: float, silence: float) -> None:
        self.gone = 0
        self.signals: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.changed = threading.Condition()
        self._key, self._second, self._silence = key, second, silence
        self._urls: dict[int, str] = {}
        self._acked = self._number = 0
        self._mailbox = Mailbox()

    def listen(self, url: str) -> Iterator[dict[str, Any]]:
        """Yield the messages of the run outside, until it is silent for too long or the mailbox is gone."""
        mailbox, number, heard = Mailbox(), 1, time.monotonic()
        while True:
            status, body = mailbox.get(url)
            content = self._read(number, body) if status == 200 else None
            if content is not None:
                number, url, heard = number + 1, content["next"], time.monotonic()
                with self.changed:
                    self._acked = content["acked"]
                    self._urls.update({int(key): value for key, value in content["urls"].items()})
                    self._urls = {key: value for key, value in self._urls.items() if key > self._acked}
                    self.changed.notify_all()
                yield content
                continue
            if status == 404 and b"NoSuchBucket" in body:
                break
            if time.monotonic() - heard > self._silence * self._second:
                break
            pause(max(PACE * self._second, SHORTEST))
        with self.changed:
            self.gone = 4 if status == 404 and b"NoSuchBucket" in body else 3
            self.changed.notify_all()

    def follow(self, messages: Iterator[dict[str, Any]]) -> None:
        """Note the signals in the further messages, in a thread."""
        for content in messages:
            for number in content.get("signals", ()):
                self.signals.put(int(number))

    def put(self, parts: Sequence[Part]) -> bool:
        """Put the next message once it may be put; return whether S3 has it. Used by one thread."""
        message = seal(self._key, "answer", {"number": self._number + 1, "parts": _written(parts)})
        while True:
            with self.changed:
                self.changed.wait_for(lambda: self._number + 1 in self._urls or self.gone)
                url = self._urls.get(self._number + 1)
            if url is None:
                return False
            status = self._mailbox.put(url, message)
            if status == 200:
                self._number += 1
                return True
            with self.changed:  # a URL that is not valid any more: a newer one may come
                if status in (403, 404) and self._urls.get(self._number + 1) == url:
                    del self._urls[self._number + 1]
            pause(PACE * self._second)

    def await_reader(self) -> None:
        """Return when the last message was read outside, or when that takes too long."""
        with self.changed:
            within = LAST_WORD_WITHIN * max(self._second, 0.1)
            self.changed.wait_for(lambda: self._acked >= self._number or self.gone, within)

    def _read(self, number: int, body: bytes) -> dict[str, Any] | None:
        try:
            return unseal(self._key, "command", number, body)
        except (Forged, ValueError) as error:
            sys.stderr.write(f"message {number} is refused: {error}\n")
            return None


class Outbox:
    """What waits to be put: output in order, and the files that must be put first, with what gets the answer."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._parts: list[Part] = []
        self._size = 0
        self._wanted: list[tuple[str, queue.SimpleQueue[bool]]] = []
        self._changed = threading.Condition()
        self.is_complete = False

    def add(self, part: Part) -> None:
        """Add a part; wait while there is too much, unless nothing can be put any more: it is dropped then."""
        size = len(part.get("data", b""))
        with self._changed:
            while self._size > HELD and not self._link.gone:
                self._changed.wait(1.0)
            if self._link.gone:
                return
            last = self._parts[-1] if self._parts else {}
            if "stream" in part and last.get("stream") == part["stream"] and len(last["data"]) < BATCH:
                last["data"] += part["data"]
            else:
                self._parts.append(part)
            self._size += size
            self._changed.notify_all()

    def confirm(self, path: str) -> bool:
        """Return whether all that is in a file now was put."""
        answer: queue.SimpleQueue[bool] = queue.SimpleQueue()
        with self._changed:
            if self.is_complete:
                return False
            self._wanted.append((path, answer))
            self._changed.notify_all()
        return answer.get()

    def close(self) -> None:
        """Note that no more is added."""
        with self._changed:
            self.is_complete = True
            self._changed.notify_all()

    def take(self, within: float) -> tuple[list[Part], list[tuple[str, queue.SimpleQueue[bool]]]]:
        """Return output for one message, and what must be put with it; wait for either, but not longer than this."""
        with self._changed:
            self._changed.wait_for(lambda: self._wanted or self._size >= BATCH or self.is_complete, within)
            taken: list[Part] = []
            size = 0
            while self._parts and size < BATCH:
                part = self._parts.pop(0)
                taken.append(part)
                size += len(part.get("data", b""))
            self._size -= size
            wanted, self._wanted = self._wanted, []
            self._changed.notify_all()
            return taken, wanted

    @property
    def has_output(self) -> bool:
        """Return whether there is output that was not taken."""
        with self._changed:
            return bool(self._parts)


class Folder:
    """The files of the report, and how much of each was put."""

    def __init__(self, root: Path, second: float) -> None:
        self.root = root
        self._second = second
        self._sent: dict[str, tuple[int, int, int]] = {}
        self._whole_at: dict[str, float] = {}

    def changes(self, names: Sequence[str] = (), *, every: bool = False) -> Iterator[Part]:
        """Yield parts with what is new in files, in those of these names first; `every`: however lately it was put."""
        found = self._files()
        for name in [*names, *(name for name in found if name not in names)]:
            yield from self._changes_of(name, every=every or name in names)

    def digests(self) -> dict[str, tuple[int, str]]:
        """Return the length and the SHA-256 of each file."""
        found = {}
        for name in self._files():
            content = hashlib.sha256()
            with (self.root / name).open("rb") as file:
                size = 0
                while piece := file.read(BATCH):
                    content.update(piece)
                    size += len(piece)
            found[name] = (size, content.hexdigest())
        return found

    def _files(self) -> list[str]:
        found = []
        for folder, _, names in os.walk(self.root):
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink() and not name.startswith(".") and path.suffix != ".lock":
                    found.append(str(path.relative_to(self.root)))
        return sorted(found)

    def _changes_of(self, name: str, *, every: bool) -> Iterator[Part]:
        try:
            file = (self.root / name).open("rb")
        except OSError:
            return
        with file:
            status = os.fstat(file.fileno())
            inode, sent, changed = self._sent.get(name, (0, -1, 0))
            if (inode, sent, changed) == (status.st_ino, status.st_size, status.st_mtime_ns):
                return
            grows = name.endswith(GROWING) and inode == status.st_ino and status.st_size >= sent >= 0
            now = time.monotonic()
            if not grows and not name.endswith(GROWING):
                if not every and now - self._whole_at.get(name, -1e9) < WHOLE_EVERY * self._second:
                    return
                self._whole_at[name] = now
            at = sent if grows else 0
            file.seek(at)
            while at < status.st_size or (at == 0 and not grows):
                piece = file.read(min(BATCH, status.st_size - at))
                yield {"file": name, "at": at, "data": piece}
                at += len(piece)
                if not piece:
                    break
            self._sent[name] = (status.st_ino, at, status.st_mtime_ns)


class Sender:
    """Puts output and files into the mailbox, in one thread."""

    def __init__(self, link: Link, outbox: Outbox, folder: Folder, second: float) -> None:
        self.exit: Part = {}
        self._link, self._outbox, self._folder, self._second = link, outbox, folder, second

    def run(self) -> None:
        """Put all that there is until the outbox is complete, and last how the command ended."""
        while True:
            is_complete = self._outbox.is_complete
            output, wanted = self._outbox.take(max(FLUSH * self._second, SHORTEST))
            names = list(dict.fromkeys(name for name, _ in wanted))
            is_put = self._put([*output], self._folder.changes(names, every=is_complete))
            for _, answer in wanted:
                answer.put(is_put)
            if is_complete and not self._outbox.has_output:
                break
        self._put([self.exit | {"digests": self._folder.digests()}], iter(()))

    def _put(self, parts: list[Part], more: Iterator[Part]) -> bool:
        size = sum(len(part.get("data", b"")) for part in parts)
        for part in more:
            if parts and size + len(part["data"]) > BATCH:
                if not self._link.put(parts):
                    return False
                parts, size = [], 0
            parts.append(part)
            size += len(part["data"])
        return self._link.put(parts) if parts else not self._link.gone


def main() -> int:
    """Run the command of the first message; return the exit status of this program."""
    second = float(os.environ.get("SURVEYOR_SECOND", "1"))
    remember_addresses()
    key = bytes.fromhex(os.environ[KEY])
    if not say_hello(key, Mailbox(), second):
        return 5
    link = Link(key, second, float(os.environ[IDLE]))
    messages = link.listen(os.environ[FIRST])
    first = next(messages, None)
    if first is None:
        return link.gone
    threading.Thread(target=link.follow, args=(messages,), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: link.signals.put(received))
    work = Path(tempfile.mkdtemp(prefix="surveyor-"))
    try:
        argv, environment = _prepare(first["job"], work, link)
    except Exception as error:  # noqa: BLE001  # the run outside must know why
        link.put([{"problem": f"{type(error).__name__}: {error}"[:2_000]}])
        link.await_reader()
        return 6
    return _run(argv, environment, work, link, second)


def _prepare(job: Mapping[str, Any], work: Path, link: Link) -> tuple[list[str], dict[str, str]]:
    """Get and install all that the command needs; return its words and its environment. Raises an error with why."""
    archive = work / "job.zip"
    content, mailbox = hashlib.sha256(), Mailbox()
    with archive.open("wb") as file:
        for url in job["archive"]:
            status, body = mailbox.get(url)
            if status != 200:
                raise OSError(f"a part of the command's program cannot be read from the mailbox: HTTP {status}")
            content.update(body)
            file.write(body)
    if content.hexdigest() != job["sha256"]:
        raise Forged("the command's program in the mailbox is not the one of the run")
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(work)  # its digest is that of the run outside
    archive.unlink()
    [wheel] = work.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(work / "site")  # as above; a wheel of Python files alone is installed by that
    shutil.copytree(work / "overlay", work / "site", dirs_exist_ok=True)
    _install(work, link)
    (work / "out").mkdir()
    environment = {**os.environ, **job["environment"], "PYTHONUNBUFFERED": "1", "HOME": str(work)}
    environment["PYTHONPATH"] = os.pathsep.join(str(work / name) for name in ("site", "packages"))
    environment[SOCKET_VARIABLE] = str(work / "confirmations")
    for name in (KEY, FIRST):
        del environment[name]
    return [sys.executable, *(word.replace(OUT, str(work / "out")) for word in job["argv"])], environment


def _install(work: Path, link: Link) -> None:
    """Install what this image lacks of the packages that are pinned, each by its hash."""
    pins = (work / "requirements.txt").read_text("utf-8")
    lacking = [pin for pin in pins.split("\n\n") if pin.strip() and not _is_installed(pin)]
    if not lacking:
        return
    link.put([{"state": f"installing {len(lacking)} packages"}])
    (work / "lacking.txt").write_text("\n".join(lacking), "utf-8")
    wheels = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(work / "wheels")} if (work / "wheels").is_dir() else {}
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
            *("--no-deps", "--require-hashes", "--only-binary", ":all:", "--target", str(work / "packages")),
            *("-r", str(work / "lacking.txt")),
        ],
        env={**os.environ, **wheels}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        first = next((line for line in lines if line.startswith("ERROR")), lines[-1] if lines else "")
        raise OSError(f"pip cannot install its packages: {first[:500]}")


def _is_installed(pin: str) -> bool:
    name, _, rest = pin.partition("==")
    try:
        return metadata.version(name) == rest.split()[0]
    except metadata.PackageNotFoundError:
        return False


def _run(argv: list[str], environment: dict[str, str], work: Path, link: Link, second: float) -> int:
    outbox = Outbox(link)
    sender = Sender(link, outbox, Folder(work / "out", second), second)
    sending = threading.Thread(target=sender.run, daemon=True)
    outbox.add({"folder": str(work / "out")})
    sending.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as confirmations:
        confirmations.bind(environment[SOCKET_VARIABLE])
        confirmations.listen(64)
        threading.Thread(target=_confirm_all, args=(confirmations, outbox, work / "out"), daemon=True).start()
        process = subprocess.Popen(
            argv, cwd=work, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            bufsize=0, start_new_session=True,
        )  # fmt: skip
        readers = [
            threading.Thread(target=_read, args=(stream, number, outbox), daemon=True)
            for number, stream in ((1, process.stdout), (2, process.stderr))
        ]
        for reader in readers:
            reader.start()
        _await_end(process, link, second)
        for reader in readers:
            reader.join(PIPES_WITHIN)
    code = process.returncode
    sender.exit = {"ended": code if code >= 0 else 128 - code}
    outbox.close()
    sending.join()
    link.await_reader()
    return link.gone


def _await_end(process: "subprocess.Popen[bytes]", link: Link, second: float) -> None:
    """Pass signals on until the command has ended; end it when the run outside is gone."""
    asked_at = 0.0
    while process.poll() is None:
        with contextlib.suppress(queue.Empty):
            _signal(process, link.signals.get(timeout=max(0.02, 0.1 * min(second, 1.0))))
        if link.gone and not asked_at:
            asked_at = time.monotonic()
            _signal(process, signal.SIGINT)
        if asked_at and time.monotonic() - asked_at > CLEANS_UP_WITHIN * second:
            os.killpg(process.pid, signal.SIGKILL)


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal as a terminal does, SIGINT to all processes of the command."""
    if process.poll() is None:
        (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)


def _read(stream: Any, number: int, outbox: Outbox) -> None:
    while data := os.read(stream.fileno(), CHUNK):
        outbox.add({"stream": number, "data": data})


def _confirm_all(listening: socket.socket, outbox: Outbox, root: Path) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # the command has ended
            return
        threading.Thread(target=_confirm, args=(connection, outbox, root), daemon=True).start()


def _confirm(connection: socket.socket, outbox: Outbox, root: Path) -> None:
    """Answer a path with + once all that is in its file is in S3, and with - if that is not possible any more."""
    with connection, connection.makefile("r", encoding="utf-8") as lines:
        for line in lines:
            path = Path(line.rstrip("\n"))
            is_put = path.is_relative_to(root) and outbox.confirm(str(path.relative_to(root)))
            connection.sendall(b"+" if is_put else b"-")


if __name__ == "__main__":
    sys.exit(main())

"""Every kind of file that Surveyor reads, with everything hostile in its place, is one line and exit code 2."""

from __future__ import annotations

import gzip
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest

from surveyor.account.ledger import read_ledger
from surveyor.chaos.undo_log import open_entries
from surveyor.claims.documents import Documents
from surveyor.claims.drift import read_recorded
from surveyor.claims.loading import load_claims
from surveyor.claims.page_text import PageError, read_page
from surveyor.claims.pages import load_pages
from surveyor.claims.surface import load_not_covered
from surveyor.cli import main
from surveyor.cli._support.programs import select_programs
from surveyor.conformance.mutants.model import load_mutants
from surveyor.errors import SurveyorError, UsageError
from surveyor.evidence import Evidence
from surveyor.explain.documents import read_document
from surveyor.gate import gather, load_rules
from surveyor.history import load_history
from surveyor.input_files import read_bytes, read_text
from surveyor.layout import find_layout
from surveyor.recordings import load_recordings
from surveyor.report.file import load_report
from surveyor.targets import load_target
from surveyor.targets.clients import Clients
from surveyor.targets.expectations import load_expectations
from surveyor.targets.options import TargetOptions
from surveyor.targets.requirements import read_pins
from surveyor.typed_json import read_json
from tests.security.echo_target import HOSTILE

REPORT = find_layout().root / "reports" / "published"
SOURCES = find_layout().root / "src" / "surveyor"


def _with_ledger(path: Path) -> object:
    return read_ledger(path).existing


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "report": ("report.json", load_report),
    "evidence of a gate": ("report.json", lambda path: gather([path.parent])),
    "any JSON": ("x.json", lambda path: read_json(path, dict)),
    "history": ("x.jsonl", load_history),
    "gate": ("gate.toml", load_rules),
    "target": ("t.toml", lambda path: load_target(str(path), path.parent)),
    "expectations": ("x.toml", load_expectations),
    "claims": ("dns.toml", lambda path: load_claims(path.parent)),
    "pages of claims": ("pages.toml", lambda path: load_pages(path.parent)),
    "what is not covered": ("not-covered.toml", lambda path: load_not_covered(path.parent)),
    "fingerprints": ("fingerprints.toml", lambda path: read_recorded(path.parent)),
    "recordings": ("dns.toml", lambda path: load_recordings(path.parent, ())),
    "mutants": ("dns.toml", lambda path: load_mutants(path.parent, {})),
    "requirements": ("x.txt", read_pins),
    "identity policy": ("p.json", lambda path: read_document(path, "identity")),
    "trust policy": ("p.json", lambda path: read_document(path, "trust")),
    "saved page": ("p.html", read_page),
    "experiment": ("x.py", lambda path: select_programs([str(path)], {}, "experiment", "", "experiment")),
    "undo log": ("undo.jsonl", open_entries),
    "ledger": ("ledger-main.jsonl", _with_ledger),
}
"""Kinds of files: a name that each may have, and what reads it."""


def _text(text: str | bytes) -> Callable[[Path], object]:
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    return lambda path: path.write_bytes(data)


def _large(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(3 * 1024**3)  # takes no room on the disk


CONTENTS: dict[str, Callable[[Path], object]] = {
    "nothing": _text(""),
    "NUL": _text("\0" * 100),
    "no UTF-8": _text(b"\xff\xfe\x80 = 1\n"),
    "a surrogate": _text('{"kind": "\ud800"}'),
    "half a pair": _text('{"kind": "\\ud800"}\n'),
    "20,000 brackets": _text("[" * 20_000),
    "20,000 brackets as a value": _text("a = " + "[" * 20_000 + "]" * 20_000),
    "closed brackets": _text("[" * 20_000 + "]" * 20_000),
    "20,000 objects": _text('{"Statement":' * 20_000),
    "closed objects": _text('{"Statement":' * 900 + "1" + "}" * 900),
    "900 tables": _text(".".join(["a"] * 900) + " = 1\n"),
    "a million tables": _text(".".join(["a"] * 1_000_000) + " = 1\n"),
    "a million tables in a table": _text("a = {" + ".".join(["a"] * 1_000_000) + " = 1}\n"),
    "9,000 digits in TOML": _text("title = " + "9" * 9_000 + "\n"),
    "9,000 digits in JSON": _text('{"kind": ' + "9" * 9_000 + "}\n"),
    "9,000 digits in a policy": _text('{"Statement": [{"Effect": ' + "9" * 9_000 + "}]}"),
    "a huge exponent": _text('{"kind": 1e999999999}'),
    "an array": _text("[1, 2]"),
    "a text": _text('"\x1b[31m"'),
    "a terminal's escapes": _text(HOSTILE + " = 1"),
    "6 million values": _text("[" + "1," * 6_000_000 + "1]"),
    "unclosed tags": _text("<a" * 500_000),
    "unclosed comments": _text("<!-- >" * 100_000),
    "unclosed sections": _text("<![CDATA[ >" * 80_000),
    "line feeds": _text("\n" * 500_000),
    "operators": _text("-" * 100_000 + "1"),
    "3 GB": _large,
    "a directory": lambda path: path.mkdir(),
    "a pipe without a writer": os.mkfifo,
    "a circle of links": lambda path: path.symlink_to(path),
    "a device without end": lambda path: path.symlink_to("/dev/zero"),
    "noise without end": lambda path: path.symlink_to("/dev/urandom"),
    "an empty device": lambda path: path.symlink_to("/dev/null"),
}
"""What may stand in the place of a file."""

VALID = {
    ("fingerprints", "an empty device"), ("ledger", "an empty device"), ("ledger", "nothing"), ("undo log", "nothing"),
    ("undo log", "an empty device"), ("requirements", "nothing"), ("requirements", "an empty device"),
    ("what is not covered", "a circle of links"), ("fingerprints", "a circle of links"),
    ("ledger", "a circle of links"),
    ("expectations", "a circle of links"), ("pages of claims", "a circle of links"), ("expectations", "nothing"),
    ("expectations", "an empty device"), ("expectations", "a pipe without a writer"), ("mutants", "nothing"),
    ("expectations", "line feeds"), ("mutants", "line feeds"), ("requirements", "line feeds"),
    ("mutants", "an empty device"), ("mutants", "a pipe without a writer"), ("any JSON", "closed objects"),
    ("any JSON", "half a pair"), ("requirements", "a pipe without a writer"),
    ("what is not covered", "nothing"), ("fingerprints", "nothing"),
}  # fmt: skip
"""What is no error: a log to which nothing was written yet, and an optional file that does not exist."""


MAY_IGNORE = ("saved page", "undo log", "ledger", "pages of claims")
"""Kinds in which odd lines may be skipped, or whose errors end a run with 3."""


@pytest.fixture(autouse=True)
def deadline() -> Iterator[None]:
    """End a test that hangs."""

    def expire(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError("the file was read for 20 s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("kind", READERS)
def test_every_reader_refuses_in_one_line(kind: str, content: str, tmp_path: Path) -> None:
    """The line names the file; nothing is raised but what the command line shows without a traceback."""
    name, read = READERS[kind]
    path = tmp_path / name
    CONTENTS[content](path)
    refusal = _refusal(read, path)
    if refusal is None:
        assert (kind, content) in VALID or kind in MAY_IGNORE
        return
    line = str(refusal)
    assert len(line.splitlines()) == 1
    assert len(line) < 1_000
    assert isinstance(refusal, UsageError | PageError) or kind in MAY_IGNORE
    assert isinstance(refusal, PageError) or name in line or str(tmp_path) in line


def _refusal(read: Callable[[Path], object], path: Path) -> SurveyorError | PageError | None:
    try:
        read(path)
    except (SurveyorError, PageError) as error:
        return error
    return None


@pytest.mark.parametrize(
    "command",
    [
        ["explain", "FILE"], ["diff", "FILE", "FILE"], ["verify", "FILE"], ["advise", "FILE"], ["gate", "FILE", "."],
        ["explain", "--action", "ecs:RunTask", "--policy", "FILE"], ["conform", "--target", "./FILE.toml"],
        ["explain", "--action", "ecs:RunTask", "--trust", "FILE"], ["chaos", "./FILE.py"], ["load", "./FILE.py"],
    ],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("content", ["20,000 brackets", "9,000 digits in JSON", "a device without end", "a directory"])
def test_every_command_ends_with_2(
    command: list[str], content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line on standard error, which begins like every error."""
    monkeypatch.chdir(tmp_path)
    for name in ("FILE", "FILE.toml", "FILE.py"):
        CONTENTS[content](tmp_path / name)
    assert main(command) == 2
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("surveyor: ")


@pytest.mark.parametrize(
    "content", ["a directory", "a pipe without a writer", "a device without end", "3 GB", "no UTF-8"]
)
@pytest.mark.parametrize(
    "variable", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE"]
)  # fmt: skip
def test_files_of_credentials_are_checked_before_botocore_reads_them(
    variable: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """botocore would wait for the pipe and read the device without end."""
    path = tmp_path / "file"
    CONTENTS[content](path)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv(variable, str(path))

    def begin() -> None:
        target = load_target("aws", find_layout().targets, TargetOptions(account="0" * 12))
        Clients(target, "http://127.0.0.1:1", Evidence())

    with pytest.raises(SurveyorError, match=r"file|no credentials for aws") as raised:
        begin()
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["service-2.json", "service-2.json.gz"])
@pytest.mark.parametrize(
    "content",
    ["20,000 brackets", "20,000 objects", "no UTF-8", "NUL", "9,000 digits in JSON", "a directory", "a bomb",
     "an array", "a pipe without a writer", "a device without end", "noise without end", "a circle of links"],
)  # fmt: skip
def test_models_of_another_botocore_are_checked(name: str, content: str, tmp_path: Path) -> None:
    """`surveyor claims drift --against DIR` reads a folder that was unpacked from anywhere."""
    folder = tmp_path / "servicediscovery" / "2017-03-14"
    folder.mkdir(parents=True)
    if content == "a bomb":
        (folder / name).write_bytes(gzip.compress(b" " * 200_000_000, 1))
    else:
        CONTENTS[content](folder / name)
    with pytest.raises(UsageError) as raised:
        Documents(folder=tmp_path).fingerprint("servicediscovery/CreateService")
    assert len(str(raised.value).splitlines()) == 1


def test_a_growing_file_has_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that grows while it is read is refused at the limit."""
    path, read = tmp_path / "x", os.read
    path.write_bytes(b"a" * 100_000)

    def grow(descriptor: int, length: int) -> bytes:
        with path.open("ab") as file:
            file.write(b"a" * length)
        return read(descriptor, length)

    monkeypatch.setattr(os, "read", grow)
    with pytest.raises(UsageError, match="larger than 1 MB"):
        read_bytes(path)


def test_a_pipe_with_a_writer_is_read(tmp_path: Path) -> None:
    """`surveyor explain --policy <(…)` works; line ends are those of Unix."""
    reading, writing = os.pipe()
    os.write(writing, b"a\r\nb\rc")
    os.close(writing)
    assert read_text(Path(f"/dev/fd/{reading}")) == "a\nb\nc"
    os.close(reading)


def test_a_pipe_that_says_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that is silent cannot hold a command."""
    monkeypatch.setattr("surveyor.input_files._PATIENCE", 0.2)
    reading, writing = os.pipe()
    began = time.monotonic()
    with pytest.raises(UsageError, match=r"nothing was written to it for 0\.2 s"):
        read_bytes(Path(f"/dev/fd/{reading}"))
    assert time.monotonic() - began < 5
    os.close(reading)
    os.close(writing)


ODD_WORDS = [
    ["conform", "--target", "http://[x"], ["conform", "--target", "http://[::1"], ["conform", "--target", "http://x:99999"],
    ["conform", "--target", "http://x:٣"], ["conform", "--target", "http://\x1b[31m"], ["conform", "--target", "http://"],
    ["conform", "--target", "x" * 5_000], ["conform", "--target", "a/" * 5_000], ["conform", "--target", "://"],
    ["conform", "--target", "http://user:hunter22@127.0.0.1:1"], ["conform", "--target", "http://a\nb"],
    ["conform", "--target", "aws", "--account", "0" * 12, "--endpoint", "http://[x"],
    ["conform", "--target", "embedded@" + "9" * 9_000],
    ["explain", "x" * 5_000], ["diff", "x" * 5_000, "y"], ["verify", "x" * 5_000], ["gate", "x" * 5_000, "y"],
    ["chaos", "x" * 5_000 + ".py"], ["explain", "\udcff"], ["explain", "a\x1b]0;t\x07b"],
]  # fmt: skip


@pytest.mark.parametrize("words", ODD_WORDS, ids=lambda words: ascii(" ".join(words))[:50])
def test_odd_words_are_refused(
    words: list[str], capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Odd URLs, names without end and hidden characters are one line and exit code 2."""
    monkeypatch.chdir(tmp_path)
    assert main([*words]) == 2
    error = capfd.readouterr().err
    assert len(error.splitlines()) == 1
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", error)
    assert "hunter22" not in error


PLACEHOLDERS = [
    "{port:>999999999999}",
    "{port!r:>99999999}",
    "{port.__class__}",
    "{port[0]}",
    "{seed:{port}}",
    "{}",
    "{0}",
    "{x}",
    "{",
]


@pytest.mark.parametrize("word", PLACEHOLDERS)
@pytest.mark.parametrize("place", ["argv", "env"])
def test_placeholders_are_plain_names(word: str, place: str, tmp_path: Path) -> None:
    """A placeholder has no width, no attribute and no conversion, by which it could be of any size."""
    argv = json.dumps(["x", word]) if place == "argv" else '["x"]'
    env = f"env = {{ A = {json.dumps(word)} }}\n" if place == "env" else ""
    (tmp_path / "t.toml").write_text(f'region = "us-east-1"\n[start]\nargv = {argv}\n{env}')
    with pytest.raises(UsageError, match=rf"start\.{place}: .* contains an unknown placeholder"):
        load_target(str(tmp_path / "t.toml"), tmp_path)


RAW_READ = re.compile(
    r"\.read_text\(|\.read_bytes\(|json\.load\(|tomllib\.load|\.open\((\)|\"r)|ElementTree\.parse|\bopen\(\w+\)"
)
READS_OF_ITS_OWN = {
    "typed_toml.py": "parses a text that was read",
    "machine.py": "the kernel's files",
    "claims/documents.py": "unpacks up to a limit",
    "targets/process.py": "the output of a process that this one started",
    "targets/environments.py": "locks, and a file that pip wrote",
    "callers/registry_client.py": "a request",
    "secret_values.py": "at most 64 KB of a regular file",
    "pytest_plugin/failed_statement.py": "the suite that pytest has imported",
    "model_testing/script/helpers.py": "the text of a script",
    "in_vpc/packing.py": "files with a limit for all together, and those of the installed package",
    "in_vpc/copies.py": "copies that it wrote, in parts",
    "sandbox/entrance.py": "the kernel's files, and those of /etc that it covers",
    "chaos/program.py": "the output of a process that this one started",
    "chaos/undo_log.py": "a lock",
    "clients/running.py": "the last part of the output of a process that this one started",
    "clients/recognition.py": "the kernel's files",
    "clients/pages.py": "styles of the installed package",
    "conformance/mutants/edits.py": "the source of the installed package",
    "clients/scenario.py": "resolv.conf of the sandbox",
}
"""Modules that read or open otherwise, and what."""


def test_no_reader_is_forgotten() -> None:
    """A module that opens a file reads it with limits, or has a reason here."""
    found = {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        if RAW_READ.search(path.read_text("utf-8"))
    }  # fmt: skip
    assert found - READS_OF_ITS_OWN.keys() == set()

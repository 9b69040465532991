"""Finding the software of runtimes, calling it, and recognising it."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveyor.clients.recognition import FAMILIES, advice_for, loaded_families
from surveyor.clients.running import LineClient
from surveyor.clients.runtimes import RUNTIMES, FoundSoftware, MissingSoftware
from surveyor.clients.runtimes.java import RUNTIMES as JAVA
from surveyor.clients.runtimes.model import package, program
from surveyor.errors import SurveyorError

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put programs that print a text on the path, which has no others."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def put(name: str, text: str) -> None:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\necho '{text}'\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return put


def test_missing_software_is_named_with_what_to_install(install: Install) -> None:
    """A program, and a package with one that it needs."""
    install("other", "1.2")
    assert program("no-such-client", ("-v",), "apt install it").find() == MissingSoftware(
        "the program no-such-client is not installed", "apt install it"
    )
    found = package("pytest", "no-such-package").find()
    assert isinstance(found, MissingSoftware)
    assert found.why == "the package no-such-package is not installed"
    assert "surveyor[clients]" in found.install


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("client 1.26.0", "client 1.26.0 is too old: 1.27.3 or newer is needed"),
        ("client 1.27", "client 1.27 is too old: 1.27.3 or newer is needed"),
        ("what?", "client -v prints no version"),
        ("client 1.27.3", ""),
        ("client version: abc/1.40.0/Clean", ""),
    ],
)
def test_versions_are_compared(install: Install, text: str, why: str) -> None:
    """A program of another version is too old, or is taken."""
    install("client", text)
    found = program("client", ("-v",), "install it", at_least=(1, 27, 3)).find()
    assert (found.why if isinstance(found, MissingSoftware) else "") == why


def test_the_path_of_a_program_is_not_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Envoy prints the path with which it was started before its version."""
    folder = tmp_path / "python3.11"
    folder.mkdir()
    path = folder / "client"
    path.write_text('#!/bin/sh\necho "$0  version: abc/1.40.0/Clean"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    assert program("client", ("-v",), "install it").find() == FoundSoftware("1.40.0", str(path))


def test_a_java_that_is_too_old_or_without_compiler(install: Install) -> None:
    """Java 8 has no java.net.http; a runtime alone does not run a source file."""
    install("java", 'openjdk version "1.8.0_392"')
    found = JAVA[0].software.find()
    assert isinstance(found, MissingSoftware)
    assert found.why == "java 1.8.0 is too old: 11 or newer is needed"
    install("java", 'openjdk version "21" 2023-09-19')
    found = JAVA[0].software.find()
    assert isinstance(found, MissingSoftware)
    assert "without the compiler" in found.why
    install("javac", "javac 21")
    assert isinstance(JAVA[0].software.find(), FoundSoftware)


LINES = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    number = int(line)
    if number == 3:
        sys.exit("it broke")
    print("noise", flush=True)
    print(json.dumps({"number": number - 1, "address": "late"}), flush=True)
    print(json.dumps({"number": number, "address": "10.0.0.1" if number < 2 else "", "error": "refused"}), flush=True)
"""


@pytest.fixture
def lines(tmp_path: Path) -> Iterator[Callable[[str], LineClient]]:
    """Start clients whose program is a text."""
    started: list[LineClient] = []

    def start(text: str) -> LineClient:
        client = LineClient("it", lambda: [sys.executable, "-c", text], tmp_path)
        started.append(client)
        client.start()
        return client

    yield start
    for client in started:
        client.close()


def test_a_client_is_called_by_lines(lines: Callable[[str], LineClient]) -> None:
    """What is no answer to this call is left out; the end of the program is reported with its last line."""
    client = lines(LINES)
    assert client.call(1) == ("10.0.0.1", "refused")
    assert client.call(2) == ("", "refused")
    assert client.call(3) == ("", "it ended with status 1: it broke")
    assert "it ended" in client.call(4)[1]


def test_a_client_that_does_not_start_says_why(lines: Callable[[str], LineClient], tmp_path: Path) -> None:
    """A program that ends, and one that is none."""
    with pytest.raises(SurveyorError, match="it ended with status 3: no module"):
        lines("import sys; sys.stderr.write('no module\\n'); sys.exit(3)")
    with pytest.raises(SurveyorError, match="it does not start"):
        LineClient("it", lambda: ["/no/such/program"], tmp_path).start()


def test_software_is_recognised_by_what_is_loaded() -> None:
    """A process of Python has none of it; each family has a runtime with advice."""
    assert set(loaded_families([os.getpid()])) <= set(FAMILIES)
    assert list(loaded_families([2**22 + 1])) == []
    for _, runtime in FAMILIES.values():
        assert runtime in RUNTIMES
    [(software, advice)] = advice_for("remembers-nxdomain", ["aiohttp", "aiohttp with c-ares"])
    assert software == "aiohttp with c-ares"
    assert "ThreadedResolver" in advice.text
    assert len({software for software, _ in advice_for("keeps-answers", [])}) > 3

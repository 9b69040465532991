"""What a command prints controls no terminal, and has no secrets."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from surveyor import secret_values
from surveyor.cli._support.tables import print_table
from surveyor.layout import find_layout
from surveyor.terminal import GuardedStream, guard, guard_tracebacks, guarded_output, print_error, write_status
from tests.security.echo_target import HOSTILE

CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
SOURCES = find_layout().root / "src" / "surveyor"
SECRET = "SEKRETwJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a secret of this process."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setattr(secret_values, "_processes", [])
    return SECRET


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


def test_a_guarded_stream_shows_controls_and_blanks_secrets(secret: str) -> None:
    """All writes, lines and bytes; tabs and line feeds stay."""
    plain = io.StringIO()
    stream = guard(plain)
    stream.write(f"{HOSTILE}\t{secret}\n")
    stream.writelines([HOSTILE, "\r\0\ud800"])
    stream.write(HOSTILE.encode())
    shown = plain.getvalue()
    assert not CONTROLS.search(shown)
    assert secret not in shown
    assert "\\x1b[31mred\\x1b]0;title\\x07\\u202egnp" in shown
    assert "\t(removed)\n" in shown
    assert guard(stream) is stream
    assert not hasattr(stream, "buffer")


def test_rich_styles_a_terminal_and_nothing_else() -> None:
    """A table is drawn in colours, a target's title and its bell are not sent."""
    plain = Terminal()
    console = Console(file=GuardedStream(plain), force_terminal=True, width=80)  # type: ignore[arg-type]  # a stream
    table = Table("name")
    table.add_row("\x1b]0;owned\x07\u202e")
    console.print(table, style="red")
    shown = plain.getvalue()
    assert "\x1b[31m" in shown
    assert "\x1b]" not in shown
    assert not {"\x07", "\u202e"} & set(shown)


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_table_has_no_controls_and_no_formula(capsys: pytest.CaptureFixture[str], *, is_terminal: bool) -> None:
    """A cell is a cell: no tab or line feed makes others of it; numbers and signs stay as they are."""
    plain = Terminal() if is_terminal else io.StringIO()
    console = Console(file=plain, force_terminal=is_terminal, width=200, color_system=None)
    rows = [("x\ty\nall as expected", HOSTILE), ("=1+1", "=HYPERLINK(1)"), ("-", "-1.5"), ("@SUM(A1)", "+3")]
    print_table(("a", "b"), rows, console=console, header_in_pipe=True)
    shown = plain.getvalue() if is_terminal else capsys.readouterr().out
    assert not CONTROLS.search(shown)
    assert "x\\ty\\nall as expected" in shown
    if not is_terminal:
        lines = [line.split("\t") for line in shown.splitlines()]
        assert lines[2:] == [["=1+1", "'=HYPERLINK(1)"], ["-", "-1.5"], ["'@SUM(A1)", "+3"]]
        assert len(lines) == len(rows) + 1


def test_output_is_guarded_and_put_back(capsys: pytest.CaptureFixture[str], secret: str) -> None:
    """Inside, both streams are guarded; an error is one line."""
    before = sys.stdout, sys.stderr
    with guarded_output():
        sys.stdout.write(HOSTILE + secret)
        print_error(f"{HOSTILE}\n\n{secret} end")
        write_status("not a terminal")
    assert (sys.stdout, sys.stderr) == before
    out, err = capsys.readouterr()
    assert not CONTROLS.search(out + err)
    assert secret not in out + err
    assert len(err.splitlines()) == 1
    assert err.endswith("(removed) end\n")


def test_a_status_line_of_a_terminal_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line is erased by the terminal's own sequence; a name in it is visible."""
    plain = Terminal()
    monkeypatch.setattr(sys, "stderr", guard(plain))
    write_status("package \x1b[2J1 of 2")
    assert plain.getvalue() == "\r\x1b[Kpackage \\x1b[2J1 of 2"


def test_the_traceback_that_ends_a_process_is_guarded(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """Python writes it to standard error as it is then."""
    plain = io.StringIO()
    monkeypatch.setattr(sys, "stderr", plain)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    guard_tracebacks()
    sys.excepthook(ValueError, ValueError(HOSTILE + secret), None)
    assert plain.getvalue().startswith("ValueError: \\x1b[31m")
    assert secret not in plain.getvalue()
    assert sys.stderr is plain


OWN_STREAMS = {
    "terminal.py": "the guard",
    "load/self_check.py": "a protocol between two processes",
    "load/faulty_server.py": "a protocol between two processes",
    "conformance/mutants/__main__.py": "a protocol between two processes",
    "load/locust_driver.py": "guarded when it starts",
    "load/conductor.py": "guarded when it starts",
    "chaos/watchdog.py": "guarded when it starts",
    "chaos/conclusion.py": "guarded there",
    "targets/environments.py": "sys.stderr as it is, which is guarded",
    "conformance/run.py": "sys.stderr as it is, which is guarded",
    "secret_values.py": "no file",
    "sandbox/entrance.py": "its one line, before Surveyor is loaded; the kernel's files",
    "watch/worker_streams.py": "a constant text",
    "clients/runtimes/programs/python_lines.py": "a protocol between two processes",
}
"""Modules that write to a stream or a file themselves, and why that is safe."""

RAW_WRITE = re.compile(
    r"sys\.(__)?std(out|err)(__)?\.(buffer\.)?write|(?<![.\w\'\"])print\(|\.write_text\(|\.write_bytes\(|os\.write\("
)
OWN_FILES = {
    "output_files.py": "the writer",
    "fixtures/health_endpoints.py": "a certificate",
    "conformance/least_privilege.py": "a target file without secrets, for this run only",
    "chaos/gateway.py": "settings of an Envoy, for this run only",
    "chaos/caching_resolver.py": "settings of a resolver, for this run only",
    "clients/runtimes/model.py": "settings of a client, for this run only",
    "clients/scenario.py": "resolv.conf of the sandbox, for this run only",
}


def test_no_writer_is_forgotten() -> None:
    """A module that writes a file or to a terminal does it through the guard, or has a reason here."""
    found = {
        str(path.relative_to(SOURCES))
        for path in sorted(Path(SOURCES).rglob("*.py"))
        if RAW_WRITE.search(path.read_text("utf-8"))
    }
    assert found - OWN_STREAMS.keys() - OWN_FILES.keys() == set()

"""`surveyor claims` at the command line: what it prints, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.claims.documents import Documents
from surveyor.claims.drift import accept, read_recorded
from surveyor.claims.loading import load_claims
from surveyor.cli import claims as commands
from surveyor.cli import main
from surveyor.layout import Layout

CLAIMS = """\
title = "DNS"

[[claim]]
id = "dns.srv.value"
statement = "Its value."
level = "must"
source = "servicediscovery/DnsRecord.Type"
check = "Ask."

[[claim]]
id = "dns.srv.later"
statement = "Later."
level = "observed"
source = "report: aws/containers-roadmap#343"
unproven = { reason = "later", note = "Needs ECS." }
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two claims, one of them proven, and fingerprints that fit."""
    for room, name, text in (
        ("claims", "dns.toml", CLAIMS),
        ("suites", "test_srv.py", '@proves("dns.srv.value")\ndef test_value(): ...\n'),
    ):
        (tmp_path / room).mkdir()
        (tmp_path / room / name).write_text(text)
    (tmp_path / "pyproject.toml").touch()
    accept(load_claims(tmp_path / "claims"), tmp_path / "claims", Documents())
    monkeypatch.setattr(commands, "find_layout", lambda: Layout(tmp_path))
    return tmp_path


def run(*arguments: str) -> int:
    """The exit code of `surveyor claims …`, however it ends."""
    try:
        return main(["claims", *arguments])
    except SystemExit as ended:
        return int(ended.code or 0)


def test_list_prints_a_line_a_claim(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In a pipe: id, level, what proves it or why nothing does, statement; --unproven leaves out what is proven."""
    assert run("list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "dns.srv.value\tmust\t1 test\tIts value.",
        "dns.srv.later\tobserved\tnot: later\tLater.",
    ]
    assert run("list", "--unproven", "--area", "dns") == 0
    assert capsys.readouterr().out.splitlines() == ["dns.srv.later\tobserved\tnot: later\tLater."]


def test_show_tells_all_about_a_claim(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also the tests that prove it, and when a real account last confirmed it."""
    assert run("show", "dns.srv.value") == 0
    shown = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert shown["proven by"] == "test_srv.py::test_value"
    assert shown["confirmed"] == "never on a real account"
    assert shown["file"] == "claims/dns.toml:3"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("show", "dns.srv.valu"), "surveyor: no claim 'dns.srv.valu'; did you mean 'dns.srv.value'?"),
        (("list", "--area", "dsn"), "surveyor: no area 'dsn'; did you mean 'dns'?"),
    ],
)
def test_an_unknown_name_ends_with_2(
    project: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], error: str
) -> None:
    """One line on stderr that says what was probably meant."""
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ("", [error])


def test_a_wrong_file_ends_with_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr that begins with file and line."""
    (project / "claims" / "dns.toml").write_text(CLAIMS.replace("must", "muts"))
    assert run("list") == 2
    expected = "surveyor: claims/dns.toml:6: unknown level 'muts'; expected must, should or observed\n"
    assert capsys.readouterr().err == expected


def test_strict_coverage_ends_with_1_at_a_gap(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each claim is proven or says why not, never both, and no test names an unknown one."""
    assert run("coverage", "--strict") == 0
    assert "RegisterInstance\t0\t0" in capsys.readouterr().out
    suite = project / "suites" / "test_srv.py"
    suite.write_text('@proves("dns.srv.later", "dns.srv.valeu")\ndef test_value(): ...\n')
    assert run("coverage") == 0
    capsys.readouterr()
    assert run("coverage", "--strict") == 1
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "claims/dns.toml:10: dns.srv.later is proven by test_srv.py::test_value and says why it is not",
        "test_srv.py::test_value: proves the unknown claim 'dns.srv.valeu'; did you mean 'dns.srv.value'?",
        "claims/dns.toml:3: dns.srv.value is neither proven nor says why not",
    ]


def test_drift_ends_with_1_until_it_is_accepted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed document is named with the claims that rest on it; accepting writes what is there now."""
    assert run("drift") == 0
    path = project / "claims" / "fingerprints.toml"
    path.write_text(path.read_text().replace('Type" = "', 'Type" = "0'))
    capsys.readouterr()
    assert run("drift") == 1
    assert capsys.readouterr().out.splitlines()[0] == "changed\tservicediscovery/DnsRecord.Type\tdns.srv.value"
    assert run("drift", "--accept") == 0
    assert run("drift") == 0
    assert len(read_recorded(project / "claims").fingerprints) == 1

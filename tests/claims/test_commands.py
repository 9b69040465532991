"""Output and exit codes of `surveyor claims`."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.claims.documents import Documents
from surveyor.claims.drift import accept_drift, read_recorded
from surveyor.claims.loading import load_claims
from surveyor.cli import claims as commands
from surveyor.cli import claims_drift, main
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

NOT_COVERED = """\
title = "Not covered"

[[not-covered]]
items = ["{ecs,route53,servicediscovery}/*"]
because = "This project has one claim."
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a checkout with two claims, one of them proven, and matching fingerprints."""
    for folder, name, text in (
        ("claims", "dns.toml", CLAIMS),
        ("claims", "not-covered.toml", NOT_COVERED),
        ("suites", "test_srv.py", '@proves("dns.srv.value")\ndef test_value(): ...\n'),
    ):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text(text)
    (tmp_path / "pyproject.toml").touch()
    accept_drift(load_claims(tmp_path / "claims"), tmp_path / "claims", Documents())
    for module in (commands, claims_drift):
        monkeypatch.setattr(module, "find_layout", lambda: Layout(tmp_path))
    return tmp_path


def run(*arguments: str) -> int:
    """Return the exit code of `surveyor claims …`."""
    try:
        return main(["claims", *arguments])
    except SystemExit as error:
        return int(error.code or 0)


def test_list_prints_one_line_per_claim(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A line has id, level, number of tests or reason, and statement; --unproven leaves out proven claims."""
    assert run("list") == 0
    assert capsys.readouterr().out.splitlines() == [
        "claim\tlevel\tproven by\tstatement",
        "dns.srv.value\tmust\t1 test\tIts value.",
        "dns.srv.later\tobserved\tnot: later\tLater.",
    ]
    assert run("list", "--unproven", "--area", "dns") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["dns.srv.later\tobserved\tnot: later\tLater."]


def test_show_prints_tests_and_confirmation(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The tests that prove a claim are shown, and when a real account last confirmed it."""
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
    """One line on stderr suggests the nearest known name."""
    assert run(*arguments) == 2
    printed = capsys.readouterr()
    assert (printed.out, printed.err.splitlines()) == ("", [error])


def test_an_invalid_file_ends_with_2(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line on stderr begins with file and line."""
    (project / "claims" / "dns.toml").write_text(CLAIMS.replace("must", "muts"))
    assert run("list") == 2
    expected = "surveyor: claims/dns.toml:6: unknown level 'muts'; expected must, should or observed\n"
    assert capsys.readouterr().err == expected


def test_strict_coverage_ends_with_1_at_a_gap(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim has either a test or a reason, never both, and no test names an unknown claim."""
    assert run("coverage", "--strict") == 0
    assert "RegisterInstance\t0\t0" in capsys.readouterr().out
    suite = project / "suites" / "test_srv.py"
    suite.write_text('@proves("dns.srv.later", "dns.srv.valeu")\ndef test_value(): ...\n')
    assert run("coverage") == 0
    capsys.readouterr()
    assert run("coverage", "--strict") == 1
    assert capsys.readouterr().err.splitlines() == [
        (
            "claims/dns.toml:10: dns.srv.later has a reason for having no test, but test_srv.py::test_value proves it: "
            "remove `unproven`"
        ),
        "test_srv.py::test_value: proves the unknown claim 'dns.srv.valeu'; did you mean 'dns.srv.value'?",
        (
            "claims/dns.toml:3: dns.srv.value has neither a test nor a reason for having none: "
            "write a test or add `unproven`"
        ),
    ]


def test_strict_coverage_ends_with_1_at_a_duplicate(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A claim that says almost what an earlier one says is named with it."""
    folder = project / "claims"
    again = CLAIMS[CLAIMS.index("[[claim]]") : CLAIMS.index("[[claim]]", CLAIMS.index("[[claim]]") + 1)]
    (folder / "dns.toml").write_text(CLAIMS + "\n" + again.replace("dns.srv.value", "dns.srv.content"))
    (project / "suites" / "test_srv.py").write_text(
        '@proves("dns.srv.value", "dns.srv.content")\ndef test_value(): ...\n'
    )
    assert run("coverage", "--strict") == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "claims/dns.toml:17: dns.srv.content says almost the same as dns.srv.value (claims/dns.toml:3): "
        "keep one of them, or state in what they differ"
    )


def test_list_finds_claims_by_any_word(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--about searches ids, statements, sources and operations, whatever the case."""
    assert run("list", "--about", "DNSRECORD") == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["claim", "dns.srv.value"]
    assert run("list", "--about", "later.") == 0
    assert [line.split("\t")[0] for line in capsys.readouterr().out.splitlines()] == ["claim", "dns.srv.later"]


def test_drift_ends_with_1_until_it_is_accepted(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A changed document is listed with the claims that rest on it; accepting records its present text."""
    assert run("drift") == 0
    path = project / "claims" / "fingerprints.toml"
    path.write_text(path.read_text().replace('Type" = "', 'Type" = "0'))
    capsys.readouterr()
    assert run("drift") == 1
    assert capsys.readouterr().out.splitlines()[0] == "changed\tservicediscovery/DnsRecord.Type\tdns.srv.value"
    assert run("drift", "--accept") == 0
    assert run("drift") == 0
    assert len(read_recorded(project / "claims").fingerprints) == 1

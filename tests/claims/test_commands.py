"""Output and exit codes of `surveyor claims`."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from surveyor.claims.documents import Documents
from surveyor.claims.drift import accept_drift, read_recorded
from surveyor.claims.loading import load_claims
from surveyor.claims.pages import Extract, GuidePage, digest, write_pages
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

RECORDINGS = """\
title = "DNS"

[[recording]]
id = "dns-srv"
fact = "It is a name."
claims = ["dns.srv.value"]
relation = "confirms"
provenance = "recorded"
repository = "owner/name"
path = "data.json"
date = "2024-07"
confidence = "high"
replay = { situation = "nothing" }
[recording.request]
service = "sts"
operation = "GetCallerIdentity"
[recording.answer]
present = ["Arn"]
"""
NOT_COVERED = """\
title = "Not covered"

[[not-covered]]
items = ["{ecs,route53,servicediscovery}/*"]
because = "This project has one claim."
"""

EACH_BUT_NEW = NOT_COVERED.replace(
    '"{ecs,route53,servicediscovery}/*"',
    '"{ecs,route53}/*", "servicediscovery/{[!CF]*,Create[!S]*,*.[!Z]*}"',
).replace("This project has one claim.", "Known before.")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Create a checkout with two claims, one of them proven, and matching fingerprints."""
    for folder, name, text in (
        ("claims", "dns.toml", CLAIMS),
        ("claims", "not-covered.toml", NOT_COVERED),
        ("recordings", "dns.toml", RECORDINGS),
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
    assert shown["on an account"] == "never confirmed by a run on a real account"
    assert shown["confirms"] == "It is a name. (dns-srv, owner/name data.json, 2024-07, high confidence)"
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
    expected = (
        "surveyor: claims/dns.toml:6: claim 'dns.srv.value': level: expected must, should or observed, got 'muts'"
    )
    assert capsys.readouterr().err == f"{expected}; did you mean 'must'?\n"


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


@pytest.fixture
def botocore(tmp_path: Path) -> Path:
    """Return an unpacked botocore 9.9.9: CreateService has two new members, and DnsRecord.Type has other words."""
    data = tmp_path / "wheel" / "botocore" / "data"
    (data / "servicediscovery" / "2017-03-14").mkdir(parents=True)
    (data.parent / "__init__.py").write_text("__version__ = '9.9.9'\n")
    model = json.loads(json.dumps(Documents().model("servicediscovery")))
    shapes = model["shapes"]
    shapes["CreateServiceRequest"]["members"] |= {"Zone": {"shape": "RecordType"}, "Aside": {"shape": "RecordType"}}
    shapes["RecordType"]["enum"].append("HTTPS")
    shapes["DnsRecord"]["members"]["Type"]["documentation"] = "Other words."
    model["operations"]["ForgetService"] = {"name": "ForgetService"}
    (data / "servicediscovery" / "2017-03-14" / "service-2.json").write_text(json.dumps(model))
    return data.parent.parent


def test_drift_against_another_botocore_names_what_is_new(
    project: Path, botocore: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Changed sources, and new operations, members and values are listed: unexplained, or with the reason."""
    (project / "claims" / "not-covered.toml").write_text(EACH_BUT_NEW)
    (project / "suites" / "test_srv.py").write_text("client.create_service()  # Zone is mentioned")
    assert run("drift") == 0
    capsys.readouterr()
    assert run("drift", "--against", str(botocore)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "changed\tservicediscovery/DnsRecord.Type\tdns.srv.value" in lines
    assert "new\tservicediscovery/CreateServiceRequest.Aside\tnot covered: Known before." in lines
    assert "unexplained\tservicediscovery/CreateServiceRequest.Zone\t" in lines
    assert "new\tservicediscovery/RecordType:HTTPS\tnot covered: Known before." in lines
    assert "unexplained\tservicediscovery/ForgetService\t" in lines
    assert "gone\troute53/CreateHostedZone\t" in lines
    assert any("9.9.9 compared" in line for line in lines)


def test_drift_refuses_a_folder_without_models_and_recording_another_version(
    project: Path, botocore: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the installed botocore is recorded."""
    assert run("drift", "--against", str(tmp_path / "claims")) == 2
    assert "no models of botocore in" in capsys.readouterr().err
    assert run("drift", "--accept", "--against", str(botocore)) == 2
    assert "leave out --against" in capsys.readouterr().err


GUIDE = """
[[claim]]
id = "dns.names.end"
statement = "Names end."
level = "must"
source = "guide: AWS Cloud Map Developer Guide, names"
unproven = { reason = "later", note = "Needs names." }
"""


def test_a_guide_without_an_entry_is_a_drift(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Accepting adds an entry that says that nothing was verified, and `pages` lists its address."""
    (project / "claims" / "dns.toml").write_text(CLAIMS + GUIDE)
    assert run("drift") == 1
    assert "new\tguide: AWS Cloud Map Developer Guide, names\tdns.names.end" in capsys.readouterr().out
    assert run("drift", "--accept") == 0
    assert run("drift") == 0
    capsys.readouterr()
    assert run("pages") == 0
    assert capsys.readouterr().out.startswith("https://docs.aws.amazon.com/cloud-map/latest/dg/names.html\t")


def test_drift_of_saved_pages(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """0 unchanged, 1 changed until it is accepted, 2 for a file that is not the page; missing pages are listed."""
    said = "Each name ends with one dot in every zone."
    (project / "claims" / "dns.toml").write_text(CLAIMS + GUIDE)
    source, address = (
        "AWS Cloud Map Developer Guide, names",
        "https://docs.aws.amazon.com/cloud-map/latest/dg/names.html",
    )
    extract = Extract(("dns.names.end",), said, digest(said))
    entry = GuidePage(source, address, "Names", date(2026, 1, 1), "", "", (extract,))
    write_pages(project / "claims", [entry], {source: ("dns.names.end",)})
    saved = tmp_path / "saved" / "names.md"
    saved.parent.mkdir()
    saved.write_text(f"# Names\n\n{said}\n")
    assert run("drift", "--pages", str(saved.parent)) == 0
    assert f"ok\tguide: {source}\t{address}" in capsys.readouterr().out
    assert run("show", "dns.names.end") == 0
    assert f"page\t{address}\nsays\t{said} (read on 2026-01-01)\n" in capsys.readouterr().out
    saved.write_text(f"# Names\n\n{said.replace('one dot', 'two dots')}\n")
    assert run("drift", "--pages", str(saved.parent)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        f"changed\tguide: {source}\tdns.names.end",
        f"\twas\t{said}",
        "\tnow\tEach name ends with two dots in every zone.",
    ]
    assert run("drift", "--pages", str(saved.parent), "--accept") == 0
    assert run("drift", "--pages", str(saved.parent)) == 0
    capsys.readouterr()
    saved.write_text("<html><title>404 Not Found</title></html>")
    assert run("drift", "--pages", str(saved.parent)) == 2
    printed = capsys.readouterr()
    assert printed.err == f"surveyor: {saved}: is an error page, '404 Not Found'; expected {address}\n"
    assert f"missing\tguide: {source}\t{address}" in printed.out
    saved.unlink()
    assert run("drift", "--pages", str(saved.parent)) == 2
    assert "has no page of a claim" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("servicediscover/DnsRecord.Type", "has no service 'servicediscover'; did you mean 'servicediscovery'?"),
        (
            "servicediscovery/DnsRecrd.Type",
            "'servicediscovery' has no operation and no shape 'DnsRecrd'; did you mean 'DnsRecord'?",
        ),
        ("servicediscovery/DnsRecord.Typ", "'DnsRecord' has no member 'Typ'; did you mean 'Type'?"),
        ("servicediscovery/DnsRecord.Xyz", "'DnsRecord' has no member 'Xyz'\n"),
    ],
)
def test_a_misspelled_source_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], source: str, problem: str
) -> None:
    """To read it again and accept it would not help, so neither is advised."""
    path = project / "claims" / "dns.toml"
    path.write_text(CLAIMS.replace("servicediscovery/DnsRecord.Type", source))
    for options in ((), ("--accept",)):
        assert run("drift", *options) == 2
        message = capsys.readouterr().err
        assert message.startswith(f"surveyor: claims/dns.toml:3: claim 'dns.srv.value': source '{source}': ")
        assert problem in message
        assert message.count("\n") == 1


def test_a_source_that_botocore_has_no_more_needs_another(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was recorded once, so it is a drift and not misspelled."""
    path = project / "claims" / "dns.toml"
    path.write_text(CLAIMS.replace("DnsRecord.Type", "DnsRecord.Gone"))
    recorded = project / "claims" / "fingerprints.toml"
    recorded.write_text(recorded.read_text().replace("DnsRecord.Type", "DnsRecord.Gone"))
    for options in ((), ("--accept",)):
        assert run("drift", *options) == 1
        lines = capsys.readouterr().out.splitlines()
        assert "vanished\tservicediscovery/DnsRecord.Gone\tdns.srv.value" in lines
        assert lines[-1].startswith("the claims of what vanished need another source; then run: ")


@pytest.mark.parametrize(
    ("operation", "hint"),
    [
        ("CreateServic", "; did you mean 'CreateService'?"),
        ("DescribeTasks", "; those of other services belong in `check`"),
    ],
)
@pytest.mark.parametrize("command", ["list", "show", "coverage"])
def test_an_unknown_operation_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], command: str, operation: str, hint: str
) -> None:
    """The message names the file and the line of the claim."""
    path = project / "claims" / "dns.toml"
    path.write_text(CLAIMS.replace("check =", f'operations = ["CreateService", "{operation}"]\ncheck ='))
    assert run(command, *(["dns.srv.value"] if command == "show" else [])) == 2
    place = "claims/dns.toml:3: claim 'dns.srv.value'"
    assert capsys.readouterr().err == f"surveyor: {place}: Cloud Map has no operation '{operation}'{hint}\n"

"""`surveyor recordings`: what is printed, and the exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.cli import main
from surveyor.layout import find_layout
from surveyor.recordings import Provenance, load_recordings
from surveyor.recordings.model_check import check_recordings
from surveyor.targets import load_target
from surveyor.targets.process import start

ENTRY = """
[[recording]]
id = "{id}"
fact = "It answers."
relation = "none"
provenance = "recorded"
repository = "owner/name"
path = "data.json"
date = "2024"
confidence = "high"
{more}
[recording.request]
service = "servicediscovery"
operation = "{operation}"
params = {{ {params} }}
[recording.answer]
{answer}
"""
NAMESPACE = 'replay = { situation = "http-namespace" }'
ID = 'Id = "{namespace}"'


def entry(id_: str, answer: str, more: str = NAMESPACE, operation: str = "GetNamespace", params: str = ID) -> str:
    """Return one recording as TOML."""
    return ENTRY.format(id=id_, answer=answer, more=more, operation=operation, params=params)


AGREES = entry("agrees", 'values = { "Namespace.Type" = "HTTP" }\nstatus = 200')
REFUSED = entry(
    "refused", 'error = "NamespaceNotFound"', 'replay = { situation = "nothing" }', params='Id = "ns-abcdefghijklmnop"'
)
CONTRADICTS = entry("contradicts", 'present = ["Namespace.Description"]')
WAIVED = entry("waived", 'present = ["Namespace.Description"]', f'{NAMESPACE}\nwaived = "the file was edited"')
NOT_REPLAYED = entry("another", 'present = ["Namespace.Id"]', 'not_replayed = "seen once"')
CANNOT = entry(
    "cannot",
    'present = ["Namespace.Id"]',
    """[recording.replay]
before = [{ service = "servicediscovery", operation = "DeleteNamespace", params = { Id = "ns-none" } }]""",
)


def folder(path: Path, *entries: str) -> Path:
    """Write recordings to a folder, and return it."""
    path.mkdir()
    (path / "area.toml").write_text('title = "Area"\n' + "".join(entries), encoding="utf-8")
    return path


def run(*arguments: str) -> int:
    """Run the command in this process, and return its exit code."""
    try:
        return main(["recordings", *arguments])
    except SystemExit as exit_:
        return int(exit_.code or 0)


def surveyor(*arguments: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, and check that it prints no traceback."""
    completed = subprocess.run(
        [sys.executable, "-m", "surveyor", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, **(environment or {})},
    )
    assert "Traceback" not in completed.stdout + completed.stderr
    return completed


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Area, claim, confidence and text select recordings; JSON has all members."""
    assert run("list", "--area", "cloud-map", "--confidence", "low") == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split("\t")[:4] == ["recording", "date", "confidence", "replayed"]
    assert lines
    assert all(line.startswith("cm-") and line.split("\t")[2] == "low" for line in lines)
    assert run("list", "--claim", "namespaces.private.one-name-per-vpc", "--about", "overlap") == 0
    assert capsys.readouterr().out.splitlines()[1:] == []
    assert run("list", "--about", "ConflictingDomain", "--json") == 0
    [found] = json.loads(capsys.readouterr().out)
    assert found["id"] == "cm-private-dup-is-async-fail"
    assert found["answer"]["values"]["Operation.Status"] == "FAIL"


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    """One recording is shown with its source, its request and what the answer has."""
    assert run("show", "sts-no-packed-size") == 0
    rows = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert rows["bounds"] == "iam.session-policies-only-narrow"
    assert rows["source"].startswith("localstack/localstack tests/aws/")
    assert rows["absent"] == "PackedPolicySize"
    assert rows["file"].startswith("recordings/iam-sts.toml:")
    assert run("show", "cm-soa-900-before", "--json") == 0
    assert json.loads(capsys.readouterr().out)["date"] == "2020"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["show", "sts-no-packed-siz"], "no recording 'sts-no-packed-siz'; did you mean 'sts-no-packed-size'?"),
        (["list", "--area", "clod-map"], "no area 'clod-map'; did you mean 'cloud-map'?"),
        (["check", "--claim", "no.such"], "no recording is about the claim 'no.such'"),
        (["check", "--recording", "no-such"], "no recording 'no-such'"),
        (["check", "--target", "no-such"], "no-such"),
        (["check", "--record", "x"], "--record needs an account: embedded is not one; use --target aws --account ID"),
        (["list", "--from", "/nowhere"], "no recordings in /nowhere: expected one <area>.toml per area"),
    ],
)
def test_unknown_names(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not exist is one line, and exit code 2."""
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("surveyor: ")
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            AGREES.replace("fact =", "fakt ="),
            "'fakt'; did you mean 'fact'?",
        ),
        (AGREES.replace('date = "2024"', 'date = "2024-02-31"'), "area.toml:10: recording 'agrees' has the date"),
        (AGREES.replace('relation = "none"', 'relation = "confirms"\nclaims = ["no.such"]'), "unknown claim 'no.such'"),
        (AGREES.replace('"GetNamespace"', '"GetNamespac"'), "area.toml:3: recording 'agrees' calls 'GetNamespac'"),
        (AGREES.replace("Namespace.Type", "Namespace.Kind"), "names 'Kind' in the answer of GetNamespace"),
        (AGREES + entry("other", 'values = { "Namespace.Type" = "DNS_PUBLIC" }'), "disagrees with 'agrees'"),
        (AGREES.replace("http-namespace", "http-namespac"), "unknown situation 'http-namespac'; did you mean 'http-"),
    ],
)
def test_bad_recordings(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A recording that is not valid is one line with file and line, and exit code 2, before a target is started."""
    given = folder(tmp_path / "given", text)
    assert run("check", "--from", str(given), "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert error.startswith("surveyor: given/area.toml:")
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.soak
def test_check(tmp_path: Path) -> None:
    """Each recording has its status in table and file; a contradiction without a waiver is exit code 1."""
    given, out = (
        folder(tmp_path / "given", AGREES, REFUSED, CONTRADICTS, WAIVED, NOT_REPLAYED, CANNOT),
        tmp_path / "out",
    )
    completed = surveyor("recordings", "check", "--from", str(given), "--out", str(out))
    assert completed.returncode == 1, completed.stderr
    lines = completed.stdout.splitlines()
    assert "contradicts\tcontradicts\tGetNamespace: Namespace.Description is missing" in lines
    assert "another\tnot-replayed\tseen once" in lines
    assert lines[-2].startswith("embedded ")
    assert lines[-2].endswith("2 agrees, 1 contradicts, 1 waived, 1 inconclusive, 1 not-replayed")
    report = json.loads((out / "recordings.json").read_text(encoding="utf-8"))
    status = {result["id"]: result["status"] for result in report["results"]}
    assert status == {
        "agrees": "agrees",
        "refused": "agrees",
        "contradicts": "contradicts",
        "waived": "waived",
        "another": "not-replayed",
        "cannot": "inconclusive",
    }
    assert report["counts"]["agrees"] == 2
    [waived] = [result for result in report["results"] if result["id"] == "waived"]
    assert waived["detail"].startswith("the file was edited (GetNamespace: Namespace.Description is missing")
    assert [call["operation"] for call in waived["evidence"]][-1] == "GetNamespace"


@pytest.mark.soak
@pytest.mark.parametrize(("entries", "code"), [((AGREES, WAIVED, NOT_REPLAYED), 0), ((NOT_REPLAYED,), 5)])
def test_exit_codes(tmp_path: Path, entries: tuple[str, ...], code: int) -> None:
    """0 if nothing contradicts, 5 if nothing was judged; the report is printed as JSON."""
    given, out = folder(tmp_path / "given", *entries), tmp_path / "out"
    completed = surveyor("recordings", "check", "--from", str(given), "--out", str(out), "--json")
    assert completed.returncode == code, completed.stderr
    assert json.loads(completed.stdout)["target"] == "embedded"


@pytest.mark.soak
def test_an_unknown_variable(tmp_path: Path) -> None:
    """A variable that nothing sets is named, with those that there are, and exit code 2."""
    given, out = folder(tmp_path / "given", AGREES.replace("{namespace}", "{namspace}")), tmp_path / "out"
    completed = surveyor("recordings", "check", "--from", str(given), "--out", str(out))
    assert completed.returncode == 2, completed.stdout + completed.stderr
    assert (
        "the recording has the unknown variable 'namspace'; expected one of account, name, namespace, "
        in completed.stdout
    )


@pytest.mark.soak
def test_the_embedded_target_agrees(tmp_path: Path) -> None:
    """Nothing contradicts a recording, and at least 90 are repeated, unless the machine is busy."""
    completed = surveyor("recordings", "check", "--out", str(tmp_path / "out"), "--json")
    report = json.loads(completed.stdout)
    assert [result for result in report["results"] if result["status"] in ("contradicts", "error")] == []
    assert completed.returncode == 0, completed.stderr
    judged = report["counts"].get("agrees", 0) + report["counts"].get("waived", 0)
    assert judged + report["counts"].get("inconclusive", 0) >= 90


@pytest.mark.soak
def test_record(tmp_path: Path) -> None:
    """A run in an account writes recordings that load again and name nothing of the account."""
    account, claim = "123456789012", "errors.not-found-by-kind"
    environment = {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "surveyor"}
    folders = {name: tmp_path / name for name in ("conform", "check")}
    target = load_target("embedded", find_layout().targets)
    assert target.start is not None
    flowing = replace(target.start, argv=(*target.start.argv, "--clock", "flow", "--scale", "30"))
    process = start(target.name, flowing, 7)
    try:
        target_options = ["--target", "aws", "--account", account, "--endpoint", process.endpoint, "--dns", "none"]
        for name, path in folders.items():
            command = ["conform"] if name == "conform" else ["recordings", "check"]
            out = ["--claim", claim, "--out", str(tmp_path / f"out-{name}"), "--record", str(path), "--workers", "1"]
            completed = surveyor(*command, *target_options, *out, environment=environment)
            assert completed.returncode == 0, completed.stdout + completed.stderr
            assert f"recordings written to {path}: " in completed.stdout
    finally:
        process.stop()
    claims = load_claims(find_layout().claims).by_id
    for path in folders.values():
        recordings = load_recordings(path, claims)
        check_recordings(recordings)
        assert {recording.provenance for recording in recordings.by_claim[claim]} == {Provenance.OWN_RUN}
        text = "".join(file.read_text(encoding="utf-8") for file in path.iterdir())
        assert account not in text

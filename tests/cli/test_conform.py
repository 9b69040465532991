"""The output and the exit codes of `surveyor conform` and `surveyor survey`; exit codes are an interface."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surveyor.claims.features import FEATURES
from surveyor.clock import WallClock
from surveyor.layout import find_layout
from surveyor.report.file import load_report
from surveyor.targets.expectations import load_expectations
from surveyor.targets.running import unreachable
from surveyor.verdicts import Verdict
from tests import fake_target
from tests.cli.conform_command import BAD, GOOD, command, surveyor

if TYPE_CHECKING:
    from tests.conftest import Checkout

CLAIM = """
[[claim]]
id = "{area}.claim-{number}"
statement = "Claim {number} of {area} holds."
level = "must"
source = "servicediscovery/CreateService"
features = [{features}]
operations = ["CreateService"]
check = "Check it."
"""

TEST = """

@proves("{area}.claim-{number}")
def test_{number}(cloudmap):
    '''It is so.'''
    with raises("Code{number}"):
        cloudmap.create_service(Name="a")
"""


@contextmanager
def running_fake_target() -> Iterator[str]:
    """Start the fake target, and yield its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    script = Path(fake_target.__file__)
    process = subprocess.Popen([sys.executable, str(script), str(port)], stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        WallClock().eventually(lambda: unreachable("fake", url) is None, within=30)
        yield url
    finally:
        process.kill()
        process.wait()


def test_all_as_expected_is_0(checkout: Checkout) -> None:
    """Prints a table by area, the times covered, the paths of report and page; exit 0."""
    checkout.suite(GOOD)
    completed = surveyor(checkout, "conform", "--target", "fake")
    assert completed.returncode == 0
    lines = completed.stdout.splitlines()
    assert "area\tclaims\tpass\tnot-run\tno-suite\tunexpected" in lines
    assert "alpha\t4\t1\t2\t1\t0" in lines
    assert lines[-5].startswith("1 of 1 judged claims hold (100 %); all as expected; ")
    assert re.search(r"; took [\d.]+ s; the targets' clocks moved \d+ s \(all workers added\)$", lines[-5])
    assert lines[-4].startswith("The score counts claims whose features the target has")
    assert lines[-3] == "not counted: 2 not run, 1 no suite"
    out = checkout.layout.root / "out"
    assert lines[-2:] == [f"report: {out / 'report.json'}", f"page:   {out / 'report.html'}"]
    assert [claim.verdict for claim in load_report(out / "report.json").claims].count(Verdict.PASS) == 1


@pytest.mark.soak
def test_moved_verdict_is_1_with_its_cause(checkout: Checkout) -> None:
    """The expected and the actual verdict, the documented statement and the cause are printed; calls are not."""
    checkout.suite(GOOD + BAD)
    completed = surveyor(checkout, "conform", "--target", "fake")
    assert completed.returncode == 1
    cause = "CreateHttpNamespace: refused with NamespaceAlreadyExists, expected InvalidInput"
    for part in (
        "alpha.second: fail\n",
        "documented: The second thing is so.",
        f"suites/alpha/test_alpha.py::test_bad: fail\n    {cause}",
        "1 of 2 judged claims hold (50 %); 1 fail; no known failures are recorded for this target (docs/ci/README.md)",
    ):
        assert part in completed.stdout
    assert '{"Name": "taken"' not in completed.stdout


@pytest.mark.soak
@pytest.mark.parametrize("bare", [True, False])
def test_any_run_prints_at_most_60_lines(checkout: Checkout, bare: bool) -> None:
    """However many claims fail: the first groups to fix, the score, and where the rest is."""
    for area in (f"area-{number}" for number in range(20)):
        rows = [CLAIM.format(area=area, number=number, features='"ecs"' if number == 6 else "") for number in range(7)]
        (checkout.layout.claims / f"{area}.toml").write_text(f'title = "{area}"\n' + "".join(rows), encoding="utf-8")
        (checkout.layout.suites / area).mkdir()
        tests = "".join(TEST.format(area=area, number=number) for number in range(7))
        path = checkout.layout.suites / area / f"test_{area.replace('-', '_')}.py"
        path.write_text("from surveyor.testing import proves, raises\n" + tests, encoding="utf-8")
    if bare:
        with running_fake_target() as url:
            completed = surveyor(checkout, "conform", "--target", url)
        assert "20 claims are unsupported, because a URL declares no features." in completed.stdout
        assert "ecs (20)" in completed.stdout
    else:
        completed = surveyor(checkout, "conform", "--target", "fake")
        assert "because a URL declares no features" not in completed.stdout
    assert completed.returncode == 1
    lines = (completed.stdout + completed.stderr).splitlines()
    assert len(lines) <= 60
    assert max(map(len, lines)) <= 300
    [group] = [line for line in lines if line.startswith("  20 claims: ") and "expected Code3 (" in line]
    assert re.fullmatch(r"  20 claims: CreateService: accepted [^()]*Code3 \(\S+, \S+, \S+, …\)", group)
    assert "0 of 120 judged claims hold (0 %); 120 fail; no known failures are recorded for " in completed.stdout
    assert f"more: {checkout.layout.root / 'out' / 'report.json'}" in completed.stdout
    assert sum(line.startswith("area-") for line in lines) >= 11


def test_help_lists_every_feature(checkout: Checkout) -> None:
    """What a target file may declare is in --help and in the documentation."""
    text = surveyor(checkout, "conform", "--help").stdout
    listed = set(re.findall(r"[a-z0-9-]+", text.partition("Features:")[2].partition("docs/ci")[0]))
    assert listed == set(FEATURES)
    documented = (find_layout().root / "docs" / "ci" / "README.md").read_text(encoding="utf-8")
    assert [line for line in FEATURES if f"| `{line}` | {FEATURES[line]} |" not in documented] == []


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_closed_pipe_ends_the_run_with_141(checkout: Checkout, workers: str) -> None:
    """In `surveyor conform | head -1` the run ends early, with its cleanup and a report, and without a message."""
    marker = checkout.layout.root / "pid"
    checkout.suite(
        GOOD
        + f"""
@proves("alpha.second")
def test_process(running_target):
    '''It is so.'''
    open({str(marker)!r}, "w").write(str(running_target.process.pid))
"""
    )
    out = checkout.layout.root / "out"
    line = command(checkout, "conform", "--target", "fake", "--workers", workers, "--out", str(out))
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
    assert json.loads((out / "report.json").read_text())["interrupted"] is True
    if marker.exists():
        assert not Path(f"/proc/{marker.read_text()}").exists()


def test_version_is_printed(checkout: Checkout) -> None:
    """--version prints the version on one line."""
    assert surveyor(checkout, "--version").stdout == f"surveyor {importlib.metadata.version('surveyor')}\n"


@pytest.mark.soak
def test_expectations_of_a_users_target_file_are_beside_it(checkout: Checkout, tmp_path: Path) -> None:
    """They are in the folder of the target file; those of an installed package's targets are not changed."""
    checkout.suite(GOOD + BAD)
    refused = surveyor(checkout, "conform", "--target", "fake", "--update-expectations")
    assert refused.returncode == 2
    assert "fake.toml belongs to an installed package; copy it and pass the copy as --target" in refused.stderr
    own = tmp_path / "ours" / "mine.toml"
    own.parent.mkdir()
    own.write_text((checkout.layout.targets / "fake.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert surveyor(checkout, "conform", "--target", str(own)).returncode == 1
    written = surveyor(checkout, "conform", "--target", str(own), "--update-expectations")
    assert f"expectations written to {own.parent / 'expectations' / 'mine.toml'}: 1" in written.stdout
    assert surveyor(checkout, "conform", "--target", str(own)).returncode == 0


@pytest.mark.soak
def test_expectations_are_written_and_then_met(checkout: Checkout) -> None:
    """After --update-expectations the same target exits with 0, and with 1 when a known failure passes."""
    (checkout.layout.root / "pyproject.toml").touch()  # a checkout
    checkout.suite(GOOD + BAD)
    completed = surveyor(checkout, "conform", "--target", "fake", "--update-expectations")
    assert completed.returncode == 0
    path = checkout.layout.targets / "expectations" / "fake.toml"
    assert f"expectations written to {path}: 1" in completed.stdout
    entry = load_expectations(path).entries["alpha.second"]
    assert entry.symptom == "test_bad: CreateHttpNamespace: refused with NamespaceAlreadyExists, expected InvalidInput"
    assert entry.reason == "recorded from a run, not investigated"
    assert surveyor(checkout, "conform", "--target", "fake").returncode == 0
    checkout.suite(GOOD + BAD.replace("InvalidInput", "NamespaceAlreadyExists"))
    completed = surveyor(checkout, "conform", "--target", "fake")
    assert completed.returncode == 1
    assert "alpha.second: expected fail (recorded from a run, not investigated), got pass" in completed.stdout


@pytest.mark.soak
def test_expectations_are_updated_claim_by_claim(checkout: Checkout) -> None:
    """With --area or --claim only entries of the selected claims change."""
    (checkout.layout.root / "pyproject.toml").touch()  # a checkout
    other = BAD.replace("second", "first").replace("bad", "worse").replace("InvalidInput", "ResourceInUse")
    checkout.suite(BAD + other)
    update = ("conform", "--target", "fake", "--update-expectations")
    assert surveyor(checkout, *update, "--claim", "alpha.second").returncode == 0
    path = checkout.layout.targets / "expectations" / "fake.toml"
    assert list(load_expectations(path).entries) == ["alpha.second"]
    assert surveyor(checkout, *update, "--claim", "alpha.first").returncode == 0
    entries = load_expectations(path).entries
    assert list(entries) == ["alpha.first", "alpha.second"]
    checkout.suite(BAD.replace("InvalidInput", "NamespaceAlreadyExists") + other.replace("ResourceInUse", "Other"))
    assert surveyor(checkout, *update, "--claim", "alpha.second").returncode == 0
    assert load_expectations(path).entries == {"alpha.first": entries["alpha.first"]}
    assert surveyor(checkout, *update, "--area", "alpha").returncode == 0
    assert load_expectations(path).entries["alpha.first"].symptom.endswith("expected Other")


def test_survey_uses_the_embedded_target_by_default(checkout: Checkout) -> None:
    """Without --target the embedded target is surveyed."""
    checkout.suite(GOOD)
    checkout.target(name="embedded")
    completed = surveyor(checkout, "survey", "--workers", "1")
    assert completed.returncode == 0
    assert load_report(checkout.layout.root / "out" / "report.json").target.name == "embedded"


@pytest.mark.soak
@pytest.mark.parametrize(("workers", "number"), [("1", signal.SIGINT), ("2", signal.SIGINT), ("2", signal.SIGHUP)])
def test_an_interrupted_run_is_130_and_leaves_no_process(
    checkout: Checkout, workers: str, number: signal.Signals
) -> None:
    """After Ctrl-C the report holds the verdicts so far, other claims are not-run, and the target is stopped.

    So it is when the terminal is closed, which sends SIGHUP to the process and its workers.
    """
    marker = checkout.layout.root / "pid"
    checkout.suite(
        GOOD
        + f"""
@proves("alpha.second")
def test_long(running_target, clock):
    '''It is so.'''
    open({str(marker)!r}, "w").write(str(running_target.process.pid))
    clock.wait(600)
"""
    )
    out = checkout.layout.root / "out"
    line = command(checkout, "conform", "--target", "fake", "--workers", workers, "--out", str(out))
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    WallClock().eventually(lambda: marker.exists() and marker.read_text(), within=30)
    os.killpg(process.pid, number)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stdout + stderr
    assert stderr.splitlines()[-1] == "surveyor: interrupted; nothing was left behind"
    pid = int(marker.read_text())
    WallClock().eventually(lambda: not Path(f"/proc/{pid}").exists(), within=10)
    report = json.loads((out / "report.json").read_text())
    assert report["interrupted"] is True
    verdicts = {claim["id"]: claim["verdict"] for claim in report["claims"]}
    assert verdicts["alpha.second"] == "not-run"

"""`surveyor conform` and `surveyor survey`: what they print, and the exit codes, which are an interface."""

from __future__ import annotations

import importlib.metadata
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from surveyor.clock import WallClock
from surveyor.report import load_report
from surveyor.targets.expectations import load_expectations

if TYPE_CHECKING:
    from tests.conftest import House

GOOD = (
    "@proves('alpha.first')\ndef test_good(cloudmap):\n    '''It is so.'''\n    assert cloudmap.list_namespaces()\n\n"
)
BAD = """
@proves("alpha.second")
def test_bad(cloudmap):
    '''It is so.'''
    with raises("InvalidInput"):
        cloudmap.create_http_namespace(Name="taken")

"""
RUN_IN = """
import sys
from pathlib import Path
from surveyor import layout
layout.find_layout = lambda: layout.Layout(Path(sys.argv[1]))
from surveyor.cli import main
sys.exit(main(sys.argv[2:]))
"""


def command(house: House, *arguments: str) -> list[str]:
    """The command line on a house instead of the checkout."""
    return [sys.executable, "-c", RUN_IN, str(house.layout.root), *arguments]


def surveyor(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    out = ("--out", str(house.layout.root / "out")) if arguments[0] in ("conform", "survey") else ()
    done = subprocess.run(command(house, *arguments, *out), capture_output=True, text=True, check=False, timeout=60)
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_all_as_expected_is_0(house: House) -> None:
    """A table by area, the times covered, the places of report and page, and exit 0."""
    house.suite(GOOD)
    done = surveyor(house, "conform", "--target", "fake")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert "area\tclaims\tpass\tnot-run\tunexpected" in lines
    assert "alpha\t4\t1\t3\t0" in lines
    assert lines[-3].startswith("1 of 4 claims judged in ")
    assert "(wall), covering " in lines[-3]
    assert lines[-3].endswith("of service time; all as expected")
    out = house.layout.root / "out"
    assert lines[-2:] == [f"report: {out / 'report.json'}", f"page:   {out / 'report.html'}"]
    assert load_report(house.layout.root / "out" / "report.json").summary["pass"] == 1


def test_moved_verdict_is_1_with_the_calls_behind_it(house: House) -> None:
    """What was expected, what came, the document and the very calls are printed."""
    house.suite(GOOD + BAD)
    done = surveyor(house, "conform", "--target", "fake")
    assert done.returncode == 1
    for part in (
        "alpha.second: expected pass, came fail",
        "documented: The second thing is so.",
        "suites/alpha/test_alpha.py::test_bad: fail",
        "expected the error InvalidInput, got NamespaceAlreadyExists from CreateHttpNamespace",
        'servicediscovery:CreateHttpNamespace {"Name": "taken", "CreatorRequestId": ',
        "-> 400 ",
        "; 1 unexpected",
    ):
        assert part in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--target", "fkae"], "unknown target 'fkae'; did you mean 'fake'?"),
        (["--target", "fake", "--area", "alhpa"], "unknown area 'alhpa'; did you mean 'alpha'?"),
        (["--target", "fake", "--claim", "alpha.frist"], "unknown claim 'alpha.frist'; did you mean 'alpha.first'?"),
        (["--target", "fake", "--claim", "alpha.second"], "nothing selected: no suite proves alpha.second"),
        (["--target", "fake", "--update-expectations", "--area", "alpha"], "needs a full run"),
        (["--target", "http://127.0.0.1:1", "--workers", "2"], "is there already, and workers would share its clock"),
        (["--target", "https://sts.amazonaws.com"], "never reached by a bare URL"),
    ],
)
def test_wrong_use_is_2_in_one_line(house: House, arguments: list[str], said: str) -> None:
    """What makes no sense is told in one line on stderr, with what was meant where that can be guessed."""
    house.suite(GOOD)
    done = surveyor(house, "conform", *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("surveyor: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_unwritable_out_is_2(house: House) -> None:
    """A report that could not be written is told before anything is run."""
    house.suite(GOOD)
    occupied = house.layout.root / "file"
    occupied.write_text("")
    done = subprocess.run(
        command(house, "conform", "--target", "fake", "--out", str(occupied / "out")),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith(f"surveyor: cannot write to {occupied / 'out'}")


def test_removed_working_directory_is_2(house: House) -> None:
    """Reports go below the current directory, and one that is gone is told in one line."""
    house.suite(GOOD)
    gone = house.layout.root / "gone"
    gone.mkdir()
    whole = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", *command(house, "conform", "--target", "fake")]
    done = subprocess.run(whole, cwd=gone, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (
        2,
        "surveyor: the current directory was removed; change to another\n",
    )


def test_an_installed_package_keeps_its_fingerprints(house: House) -> None:
    """Only in a checkout may the record of what documents say be rewritten."""
    done = surveyor(house, "claims", "drift", "--accept")
    assert done.returncode == 2
    assert "belongs to an installed package" in done.stderr


def test_version_is_told(house: House) -> None:
    """By itself, on one line."""
    assert surveyor(house, "--version").stdout == f"surveyor {importlib.metadata.version('surveyor')}\n"


def test_unknown_option_is_2(house: House) -> None:
    """The command line's own mistakes have the same code."""
    assert surveyor(house, "conform", "--tarket", "fake").returncode == 2
    assert surveyor(house, "conform").returncode == 2


@pytest.mark.parametrize("target", ["http://127.0.0.1:9", "broken"])
def test_unreachable_target_is_3_in_one_line(house: House, target: str) -> None:
    """Nothing listens, or nothing starts: one line on stderr and no verdict."""
    (house.layout.targets / "broken.toml").write_text('[start]\nargv = ["no-such-program"]\n')
    house.suite(GOOD)
    done = surveyor(house, "conform", "--target", target)
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be reached at http://127.0.0.1:9" in done.stderr or "no-such-program" in done.stderr
    assert load_report(house.layout.root / "out" / "report.json").summary["pass"] == 0


def test_a_target_that_never_started_prints_no_verdicts(house: House) -> None:
    """What the target's file says it lacks is known without it, and no reason to print a table of errors."""
    (house.layout.targets / "lame.toml").write_text('[start]\nargv = ["{python}", "-c", "import no_such_module"]\n')
    house.suite(GOOD + "@proves('alpha.named')\ndef test_named(cloudmap):\n    '''It is so.'''\n")
    done = surveyor(house, "conform", "--target", "lame")
    assert done.returncode == 3
    assert done.stdout.splitlines()[-2].startswith("report: ")
    assert "alpha.first" not in done.stdout
    (line,) = done.stderr.splitlines()
    assert "No module named 'no_such_module' before it was ready; surveyor doctor tells what is missing" in line


def test_uncollectable_suite_is_3(house: House) -> None:
    """A suite that breaks the rules is the harness's trouble, not the target's."""
    house.suite(GOOD.replace("first", "frist"))
    done = surveyor(house, "conform", "--target", "fake")
    assert done.returncode == 3
    assert "test_good proves the unknown claim 'alpha.frist'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_expectations_of_a_target_of_ones_own_stand_beside_it(house: House, tmp_path: Path) -> None:
    """They are in the folder of the target's file, and an installed package's targets keep theirs as they are."""
    house.suite(GOOD + BAD)
    refused = surveyor(house, "conform", "--target", "fake", "--update-expectations")
    assert refused.returncode == 2
    assert "fake.toml belongs to an installed package; copy it and give the copy as --target" in refused.stderr
    own = tmp_path / "ours" / "mine.toml"
    own.parent.mkdir()
    own.write_text((house.layout.targets / "fake.toml").read_text(encoding="utf-8"), encoding="utf-8")
    assert surveyor(house, "conform", "--target", str(own)).returncode == 1
    written = surveyor(house, "conform", "--target", str(own), "--update-expectations")
    assert f"expectations written to {own.parent / 'expectations' / 'mine.toml'}: 1" in written.stdout
    assert surveyor(house, "conform", "--target", str(own)).returncode == 0


def test_expectations_are_written_and_then_met(house: House) -> None:
    """After --update-expectations the same target gives 0; a full stop comes when it gets better."""
    (house.layout.root / "pyproject.toml").touch()  # a checkout
    house.suite(GOOD + BAD)
    done = surveyor(house, "conform", "--target", "fake", "--update-expectations")
    assert done.returncode == 0
    path = house.layout.targets / "expectations" / "fake.toml"
    assert f"expectations written to {path}: 1" in done.stdout
    entry = load_expectations(path).entries["alpha.second"]
    assert entry.symptom == 'test_bad: with raises("InvalidInput"): ClientError NamespaceAlreadyExists'
    assert entry.reason.startswith("documented: The second thing is so; came: expected the error InvalidInput")
    assert surveyor(house, "conform", "--target", "fake").returncode == 0
    house.suite(GOOD + BAD.replace("InvalidInput", "NamespaceAlreadyExists"))
    done = surveyor(house, "conform", "--target", "fake")
    assert done.returncode == 1
    assert "alpha.second: expected fail (documented: " in done.stdout
    assert "came pass" in done.stdout


def test_survey_is_of_the_embedded_target_by_default(house: House) -> None:
    """Without --target the one that comes along is surveyed."""
    house.suite(GOOD)
    house.target(name="embedded")
    done = surveyor(house, "survey", "--workers", "1")
    assert done.returncode == 0
    assert load_report(house.layout.root / "out" / "report.json").target.name == "embedded"


@pytest.mark.parametrize("workers", ["1", "2"])
def test_ctrl_c_is_130_and_leaves_no_process(house: House, workers: str) -> None:
    """At Ctrl-C what was judged is reported, what was not is not, and the target is stopped."""
    marker = house.layout.root / "pid"
    house.suite(
        GOOD
        + f"""
@proves("alpha.second")
def test_long(running, clock):
    '''It is so.'''
    open({str(marker)!r}, "w").write(str(running.process.pid))
    clock.wait(600)
"""
    )
    out = house.layout.root / "out"
    line = command(house, "conform", "--target", "fake", "--workers", workers, "--out", str(out))
    process = subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    WallClock().eventually(lambda: marker.exists() and marker.read_text(), within=30)
    os.killpg(process.pid, signal.SIGINT)
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

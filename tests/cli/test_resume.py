"""`surveyor conform --resume` judges what has no verdict yet, and reports both runs as one."""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from surveyor.report.file import load_report
from tests.cli.conform_command import surveyor

if TYPE_CHECKING:
    from tests.conftest import Checkout

pytestmark = pytest.mark.soak

SUITE = """
from pathlib import Path


def note(name):
    with Path({ran!r}).open("a") as file:
        file.write(name + " ")


@proves("alpha.first")
def test_first(cloudmap):
    '''It is so.'''
    note("first")


@proves("alpha.first", "alpha.second")
@pytest.mark.parametrize("case", ["a", "b"])
def test_second(cloudmap, case):
    '''It is so.'''
    note("second-" + case)
    if case == "b" and not Path({done!r}).exists():
        raise {error}
"""


EMPTY = '{"runs": [], "target": "fake", "options": {}, "areas": [], "claims": [], "seed": 7, "workers": 1}'


@dataclass
class Stopped:
    """A run in which one of three tests ended with an error of the harness."""

    checkout: Checkout
    ran: Path
    done: Path

    @property
    def out(self) -> Path:
        """Return the folder of its report."""
        return self.checkout.layout.root / "out"

    @property
    def run(self) -> str:
        """Return its id."""
        return str(json.loads((self.out / "run.json").read_text())["runs"][0])

    def resume(self, *arguments: str) -> Any:
        """Resume it, after the cause of the error is gone; return the completed process."""
        self.done.touch()
        self.ran.write_text("")
        return surveyor(self.checkout, "conform", "--resume", self.run, *arguments)


def stop(checkout: Checkout, folder: Path, error: str, code: int) -> Stopped:
    """Run the suite once; its last test raises an error."""
    found = Stopped(checkout, folder / "ran", folder / "done")
    checkout.suite(SUITE.format(ran=str(found.ran), done=str(found.done), error=error))
    completed = surveyor(checkout, "conform", "--target", "fake", "--workers", "1", "--seed", "11")
    assert completed.returncode == code, completed.stdout + completed.stderr
    return found


@pytest.fixture
def stopped(checkout: Checkout, tmp_path: Path) -> Stopped:
    """Run the suite once, and meet an error of the harness."""
    return stop(checkout, tmp_path, "ZeroDivisionError", 3)


@pytest.fixture(scope="module")
def untouched(shared_checkout: Checkout) -> Stopped:
    """The same, for tests that change nothing."""
    return stop(shared_checkout, shared_checkout.layout.root, "ZeroDivisionError", 3)


def test_an_interrupted_run_is_resumed(checkout: Checkout, tmp_path: Path) -> None:
    """After Ctrl-C the rest is judged, and the run is no longer an interrupted one."""
    found = stop(checkout, tmp_path, "KeyboardInterrupt", 130)
    assert found.resume().returncode == 0
    assert found.ran.read_text().split() == ["second-b"]
    assert not load_report(found.out / "report.json").interrupted


@pytest.mark.parametrize("workers", ["1", "2"])
def test_only_what_has_no_verdict_is_judged(stopped: Stopped, workers: str) -> None:
    """The report has the verdicts of both runs, the seed and the start of the first, and the durations of both."""
    before = load_report(stopped.out / "report.json")
    completed = stopped.resume("--workers", workers)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert "2 tests keep their verdict" in completed.stdout
    assert stopped.ran.read_text().split() == ["second-b"]
    after = load_report(stopped.out / "report.json")
    verdicts = {test.id.rpartition("::")[2]: str(test.verdict) for claim in after.claims for test in claim.tests}
    assert verdicts == {"test_first": "pass", "test_second[a]": "pass", "test_second[b]": "pass"}
    assert (after.seed, after.started) == (11, before.started)
    assert after.wall_seconds > before.wall_seconds


def test_every_output_says_that_the_run_was_resumed(stopped: Stopped) -> None:
    """The console, report.json, the page, JUnit, the summary and Allure."""
    completed = stopped.resume()
    runs = load_report(stopped.out / "report.json").runs
    assert runs[0] == stopped.run
    words = f"un {runs[0]} was resumed by {runs[1]}"
    assert words in completed.stdout
    for name in ("report.html", "summary.md", "junit.xml", "allure-results/environment.properties"):
        assert words in (stopped.out / name).read_text(), name
    assert ET.parse(stopped.out / "junit.xml").getroot().get("tests") == "4"


def test_a_complete_run_ends_as_its_report_says(stopped: Stopped) -> None:
    """Nothing is judged, and the files stay; also by the id of the run that resumed it, and by its folder."""
    stopped.resume()
    before = (stopped.out / "report.json").read_bytes()
    ids = json.loads((stopped.out / "run.json").read_text())["runs"]
    for name in (*ids, str(stopped.out)):
        again = surveyor(stopped.checkout, "conform", "--resume", name)
        assert (again.returncode, again.stderr) == (0, "")
        assert "is complete, nothing is left to judge" in again.stdout
    assert (stopped.out / "report.json").read_bytes() == before


def test_a_resumed_run_that_stops_again_is_resumed_again(stopped: Stopped) -> None:
    """Each time the verdicts of all runs before stay."""
    again = surveyor(stopped.checkout, "conform", "--resume", stopped.run)
    assert again.returncode == 3
    assert stopped.resume().returncode == 0
    assert stopped.ran.read_text().split() == ["second-b"]
    first, second, third = load_report(stopped.out / "report.json").runs
    assert f"run {first} was resumed by {second}, {third}" in (stopped.out / "junit.xml").read_text()


def test_verdicts_of_tests_that_are_gone_are_not_kept(stopped: Stopped) -> None:
    """After an upgrade: a test that no longer exists has no verdict, a new one is judged."""
    suite = stopped.checkout.layout.suites / "alpha" / "test_alpha.py"
    suite.write_text(suite.read_text().replace("test_first", "test_new"))
    assert stopped.resume().returncode == 0
    assert set(stopped.ran.read_text().split()) == {"first", "second-b"}
    claims = {claim.id: claim for claim in load_report(stopped.out / "report.json").claims}
    names = [test.id.rpartition("::")[2] for test in claims["alpha.first"].tests]
    assert names == ["test_new", "test_second[a]", "test_second[b]"]


def test_the_options_of_the_run_may_be_repeated(stopped: Stopped) -> None:
    """The same command line with --resume is the same run."""
    assert stopped.resume("--target", "fake", "--seed", "11").returncode == 0


@pytest.mark.parametrize(
    "options", [("--seed", "8"), ("--target", "embedded"), ("--account", "111111111111"), ("--area", "alpha")]
)
def test_another_target_or_selection_is_refused(untouched: Stopped, options: tuple[str, str]) -> None:
    """One line names both values, and nothing is changed."""
    before = (untouched.out / "report.json").read_bytes()
    completed = untouched.resume(*options)
    assert completed.returncode == 2
    assert completed.stderr.count("\n") == 1
    assert f"not {options[1]}: leave the option out, or begin a new run" in completed.stderr
    assert (untouched.out / "report.json").read_bytes() == before


def test_a_run_that_is_not_there_is_named(stopped: Stopped) -> None:
    """An unknown id, a run in progress, and one that was killed before it could write its report."""
    for name in ("ffffffff", "x" * 5_000, ""):
        unknown = surveyor(stopped.checkout, "conform", "--resume", name)
        assert (unknown.returncode, unknown.stderr.count("\n")) == (2, 1)
        assert f"there is no run {name[:200]}" in unknown.stderr
    (stopped.out / "report.json").unlink()
    with (stopped.out / ".lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        active = stopped.resume()
    assert (active.returncode, active.stderr.count("\n")) == (2, 1)
    assert "another run" in active.stderr
    lost = stopped.resume()
    assert (lost.returncode, lost.stderr.count("\n")) == (2, 1)
    assert "wrote no report to" in lost.stderr


@pytest.mark.parametrize("content", ["", "[]", '{"kind": "Run"}', "\x00", EMPTY])
def test_a_broken_file_of_a_run_is_named(untouched: Stopped, content: str) -> None:
    """One line with the path."""
    path, before = untouched.out / "run.json", (untouched.out / "run.json").read_text()
    path.write_text(content)
    completed = surveyor(untouched.checkout, "conform", "--resume", "0123abcd")
    path.write_text(before)
    assert (completed.returncode, completed.stderr.count("\n")) == (2, 1)
    assert "run.json" in completed.stderr


def test_plan_does_not_go_with_resume(untouched: Stopped) -> None:
    """A rest cannot be estimated."""
    assert untouched.resume("--plan").returncode == 2

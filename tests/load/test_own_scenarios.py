"""Load scenarios in files outside the checkout."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from surveyor.callers import MODELS
from surveyor.history import load_history
from surveyor.load.tally import Tally
from surveyor_emulator.runtime.envoy.binary import binary
from tests.documents import DOCS, python_example

pytestmark = pytest.mark.soak  # each test starts Locust

SCENARIO = """
from settings_of_ours import SECONDS
from surveyor.chaos import ServiceSetup
from surveyor.load.locust_driver import play
from surveyor.load.scenario import Phase, Scenario

SCENARIO = Scenario("calm", "Nothing happens.", ServiceSetup(count=2, warm_up=5), phases=(Phase("calm", SECONDS),),
                    vanish=True)
globals().update(play(SCENARIO))
"""
needs_envoy = pytest.mark.skipif(binary() is None, reason="Envoy is not installed here")

LOAD = """
import sys
import surveyor.cli.load
surveyor.cli.load._self_check = lambda *arguments: 1000.0
sys.exit(surveyor.cli.main())
"""
"""The command without the self-check of the instrument, which has separate tests."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, which has a space in its path."""
    folder = tmp_path / "our scenarios"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.soak
def test_a_scenario_runs_from_any_folder(folder: Path) -> None:
    """It may import modules beside it, and its results are in a folder with the name of its file."""
    (folder / "settings_of_ours.py").write_text("SECONDS = 20\n")
    (folder / "all_calm.py").write_text(SCENARIO)
    run = subprocess.run(
        [sys.executable, "-c", LOAD, "load", "all_calm.py", "--scale", "10", "--rate", "2", "--out", "out"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert "calm: " in run.stdout, run.stderr
    assert (folder / "out" / "all-calm" / "tally.json").is_file()
    [reported] = json.loads((folder / "out" / "report.json").read_text("utf-8"))["experiments"]
    assert reported["judged"]["title"] == "Nothing happens."
    history = load_history(folder / "out" / reported["history"])
    assert [(fault.fault, fault.lasting) for fault in history.faults] == [("address.vanish", True)]


def test_the_documented_example_is_a_scenario(folder: Path) -> None:
    """Locust finds a user class for each client model in it."""
    (folder / "lose_two.py").write_text(python_example("load.md", "Scenarios of your own"))
    command = [sys.executable, "-m", "locust", "-f", "lose_two.py", "--list"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.split()) >= 8, run.stdout


def test_the_documents_list_every_client_model() -> None:
    """The table of docs/load.md has one row for each client model, and no other."""
    rows = (DOCS / "load.md").read_text(encoding="utf-8").partition("| model |")[2].partition("\n\n")[0].splitlines()
    assert {row.split("`")[1] for row in rows if "`" in row.split("|")[1]} == MODELS.keys()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('Phase("calm", SECONDS),)', 'Phase("calm", SECONDS),), clients=("dsn",)', "there is no client model 'dsn'"),
        ("SECONDS\n", "SECONDS, MINUTES\n", "all_calm.py cannot be played: Locust ended with 1"),
    ],
    ids=["an unknown client", "a file that cannot be imported"],
)
def test_a_scenario_that_cannot_be_played_is_wrong_usage(folder: Path, old: str, new: str, message: str) -> None:
    """The command ends with 2, and does not wait for callers that have ended."""
    (folder / "settings_of_ours.py").write_text("SECONDS = 20\n")
    (folder / "all_calm.py").write_text(SCENARIO.replace(old, new, 1))
    run = subprocess.run(
        [sys.executable, "-c", LOAD, "load", "all_calm.py", "--out", "out"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert run.returncode == 2, run.stderr
    assert message in run.stderr


@pytest.mark.soak
@needs_envoy
def test_addresses_vanish_though_a_proxy_has_listened_there(folder: Path) -> None:
    """Calls to a task that has ended wait for their time-out, instead of being refused, though it had a proxy."""
    scenario = SCENARIO.replace("from settings_of_ours import SECONDS\n", "").replace(
        'ServiceSetup(count=2, warm_up=5), phases=(Phase("calm", SECONDS),)',
        "ServiceSetup(count=2, ttl=60, entry_points=True), clients=('dns-pinned',), "
        "phases=(Phase('stopped', 60, fault='task.stop', victims='one'),)",
    )
    (folder / "all_calm.py").write_text(scenario)
    run = subprocess.run(
        [sys.executable, "-c", LOAD, "load", "all_calm.py", "--scale", "10", "--rate", "20", "--out", "out"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    tally = Tally.loads((folder / "out" / "all-calm" / "tally.json").read_bytes())
    errors: Counter[str] = Counter()
    for entry in tally.entries():
        errors[entry.error] += entry.count if entry.outcome != "ok" else 0
    # A call at the moment between the end of the proxy and that of the interface may still be refused.
    assert errors["no connection in time"] > 5 * errors["refused"], (errors, run.stderr)

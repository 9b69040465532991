"""Searching on real targets: an honest one agrees, wrong ones are found out, and the programs show it by themselves."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.errors import TargetUnavailable
from surveyor.layout import find_layout
from surveyor.model_testing.script import Told, program
from surveyor.model_testing.search import Budget, Found, Search
from surveyor.model_testing.state_machine import machine_for
from surveyor.model_testing.steps import History, told
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from tests.model_testing.conftest import Activate

TOLD = Told("It is so.", "servicediscovery/X", "some target", "surveyor model")


def shown(found: Found, running: RunningTarget, folder: Path) -> subprocess.CompletedProcess[str]:
    """What the program of a divergence says when it runs against the target."""
    path = folder / "divergence.py"
    path.write_text(program(found, TOLD, running), encoding="utf-8")
    return subprocess.run(
        [sys.executable, str(path), running.endpoint], capture_output=True, text=True, timeout=60, check=False
    )


def test_embedded_target_agrees() -> None:
    """What the documents promise is what the embedded target does, in eighty histories."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        result = Search(running, Budget(histories=80, steps=12, seed=7)).go()
    assert [one.divergence for one in result.found] == []
    assert result.histories == 80
    assert result.left_out == set()


def test_ghost_of_moto_is_found_and_shown_in_five_calls(moto: RunningTarget, tmp_path: Path) -> None:
    """One id registered twice is there twice: the shortest history has five calls, and its program fails by itself."""
    claims = frozenset({"instances.register-again-updates"})
    result = Search(moto, Budget(histories=100, steps=15, seed=7, claims=claims)).go()
    [found] = result.found
    assert found.again
    assert found.divergence.promise.check.symptom == "a name comes twice"
    assert len(found.history) == 5, [told(step) for step in found.history]
    actual = shown(found, moto, tmp_path)
    assert actual.returncode == 1
    assert actual.stderr.splitlines()[-1].startswith("AssertionError: documented: each name comes once")


def test_several_divergences_of_moto_are_told_apart(moto: RunningTarget) -> None:
    """A search that keeps going passes over what it knows, and finds no divergence twice."""
    result = Search(moto, Budget(histories=20, steps=8, seed=3, keep_going=True)).go()
    keys = [one.divergence.key for one in result.found]
    assert len(keys) > 2
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "claim",
    [
        "discovery.query-parameters-must-all-match",
        "dns.srv.value",
        "health.custom.takes-thirty-seconds",
        "instances.initial-custom-health",
    ],
)
def test_mutants_are_noticed(claim: str, mutant: Activate, tmp_path: Path) -> None:
    """A target made wrong in one claim, on the wire or in its settings, is found out by that claim and shown again."""
    running = mutant(claim)
    [found] = Search(running, Budget(histories=200, steps=15, seed=7, claims=frozenset({claim}))).go().found
    assert found.again
    assert found.divergence.promise.claim == claim
    assert len(found.history) <= 7, [told(step) for step in found.history]
    wrong = shown(found, running, tmp_path)
    assert "AssertionError: documented:" in wrong.stderr, wrong.stderr
    honest = shown(found, mutant(""), tmp_path)
    assert honest.stdout == "as documented\n", honest.stderr


def test_one_seed_makes_the_same_histories() -> None:
    """The histories depend on the seed and the features, on nothing else."""
    from hypothesis import Phase, Verbosity, seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    def histories(number: int) -> list[History]:
        made: list[History] = []
        machine = seed(number)(machine_for(frozenset({"cloudmap", "ec2", "custom-health"}), made.append))
        how = settings(max_examples=20, phases=[Phase.generate], database=None, verbosity=Verbosity.quiet)
        run_state_machine_as_test(machine, settings=how)
        return made

    assert histories(7) == histories(7)
    assert histories(7) != histories(8)


def test_dead_target_ends_the_search() -> None:
    """A target that dies is no divergence: the search ends and says so."""
    with run_target(load_target("moto", find_layout().targets), 7) as running:
        assert running.process is not None
        running.process.stop()
        with pytest.raises(TargetUnavailable):
            Search(running, Budget(histories=5, steps=5)).go()

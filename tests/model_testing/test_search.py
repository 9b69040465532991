"""Searches on real targets: a correct target agrees, divergences are found, and the programs reproduce them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.errors import TargetUnavailable
from surveyor.layout import find_layout
from surveyor.model_testing.script import DivergenceContext, format_program
from surveyor.model_testing.search import FoundDivergence, Search, SearchBudget
from surveyor.model_testing.state_machine import machine_for
from surveyor.model_testing.steps import History, describe_step
from surveyor.targets import load_target
from surveyor.targets.running import RunningTarget, run_target
from tests.emulators import emulator
from tests.model_testing.conftest import Activate

CONTEXT = DivergenceContext("It is so.", "servicediscovery/X", "some target", "surveyor model")


def run_program(found: FoundDivergence, running: RunningTarget, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program of a divergence against the target."""
    path = folder / "divergence.py"
    path.write_text(format_program(found, CONTEXT, running), encoding="utf-8")
    token = running.process.token if running.process else ""
    return subprocess.run(
        [sys.executable, str(path), running.endpoint], env={**os.environ, "SURVEYOR_TOKEN": token},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.soak
def test_embedded_target_agrees() -> None:
    """The embedded target agrees with the documents in eighty histories."""
    with run_target(load_target("embedded", find_layout().targets), 7) as running:
        result = Search(running, SearchBudget(histories=80, steps=12, seed=7)).run()
    assert [found.divergence for found in result.found] == []
    assert result.histories == 80
    assert result.left_out == set()


@pytest.mark.soak
def test_duplicate_of_moto_is_found_and_reproduced_in_five_calls(moto: RunningTarget, tmp_path: Path) -> None:
    """An id registered twice is listed twice: the shortest history has five calls, and its program fails."""
    claims = frozenset({"instances.register-again-updates"})
    result = Search(moto, SearchBudget(histories=100, steps=15, seed=7, claims=claims)).run()
    [found] = result.found
    assert found.again
    assert found.divergence.promise.check.symptom == "a name is returned twice"
    assert len(found.history) == 5, [describe_step(step) for step in found.history]
    result_of_program = run_program(found, moto, tmp_path)
    assert result_of_program.returncode == 1
    last_line = result_of_program.stderr.splitlines()[-1]
    assert last_line.startswith("AssertionError: documented: each name is returned once")


@pytest.mark.soak
def test_several_divergences_of_moto_are_distinguished(moto: RunningTarget) -> None:
    """A search with `keep_going` ignores known divergences, and finds none twice."""
    result = Search(moto, SearchBudget(histories=20, steps=8, seed=3, keep_going=True)).run()
    keys = [found.divergence.key for found in result.found]
    assert len(keys) > 2
    assert len(set(keys)) == len(keys)


@pytest.mark.soak
@pytest.mark.parametrize(
    "claim",
    [
        "discovery.query-parameters-must-all-match",
        "dns.srv.value",
        "health.custom.takes-thirty-seconds",
        "instances.initial-custom-health",
    ],
)
def test_mutants_are_found(claim: str, mutant: Activate, tmp_path: Path) -> None:
    """A target that violates one claim, by a proxy or a setting, diverges in that claim, and its program fails."""
    running = mutant(claim)
    [found] = Search(running, SearchBudget(histories=200, steps=15, seed=7, claims=frozenset({claim}))).run().found
    assert found.again
    assert found.divergence.promise.claim == claim
    assert len(found.history) <= 7, [describe_step(step) for step in found.history]
    mutated = run_program(found, running, tmp_path)
    assert "AssertionError: documented:" in mutated.stderr, mutated.stderr
    correct = run_program(found, mutant(""), tmp_path)
    assert correct.stdout == "as documented\n", correct.stderr


@pytest.mark.soak
def test_seed_determines_the_histories() -> None:
    """The histories depend on the seed and the features, on nothing else."""
    from hypothesis import Phase, Verbosity, seed, settings
    from hypothesis.stateful import run_state_machine_as_test

    def histories(number: int) -> list[History]:
        generated: list[History] = []
        machine = seed(number)(machine_for(frozenset({"cloudmap", "ec2", "custom-health"}), generated.append))
        search_settings = settings(max_examples=20, phases=[Phase.generate], database=None, verbosity=Verbosity.quiet)
        run_state_machine_as_test(machine, settings=search_settings)
        return generated

    assert histories(7) == histories(7)
    assert histories(7) != histories(8)


@pytest.mark.soak
def test_dead_target_ends_the_search() -> None:
    """A target that dies is not a divergence: the search ends with TargetUnavailable."""
    with run_target(emulator("moto"), 7) as running:
        assert running.process is not None
        running.process.stop()
        with pytest.raises(TargetUnavailable):
            Search(running, SearchBudget(histories=5, steps=5)).run()

"""The example of docs/emulator.md, run as its reader would run it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.layout import find_layout
from surveyor.targets import load_target
from surveyor.targets.running import run_target
from tests.documents import python_example


@pytest.mark.soak  # the SDK's waiter asks every 15 wall seconds
def test_the_example_of_the_emulator_calls_three_tasks(tmp_path: Path) -> None:
    """The program prints three addresses, each of which answered with 200."""
    target = tmp_path / "flowing.toml"
    embedded = (find_layout().targets / "embedded.toml").read_text("utf-8")
    target.write_text(embedded.replace('"advance"', '"flow"').replace('clock = "control"', 'clock = "wall"'), "utf-8")
    program = tmp_path / "example.py"
    program.write_text(python_example("emulator.md", "Example"), "utf-8")
    with run_target(load_target(str(target), find_layout().targets), seed=1) as running:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ},
            "AWS_ENDPOINT_URL": running.endpoint,
            "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
            "AWS_ACCESS_KEY_ID": "000000000000",
            "AWS_SECRET_ACCESS_KEY": "surveyor",
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        done = subprocess.run(
            [sys.executable, program], env=environment, capture_output=True, text=True, timeout=180, check=False
        )
    lines = done.stdout.split("\n")[:-1]
    assert [line.split()[1] for line in lines] == ["200"] * 3, done.stderr
    assert len({line.split()[0] for line in lines}) == 3

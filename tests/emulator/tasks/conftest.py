"""Both ways in which containers are kept: in a PID namespace, and without one."""

from __future__ import annotations

from functools import partial

import pytest

from surveyor_emulator.runtime.tasks.namespace import find_problem
from tests.emulator.tasks.container_processes import Run, run_supervised


@pytest.fixture(params=["namespace", "keepers-only"])
def run(request: pytest.FixtureRequest) -> Run:
    """Return a function that runs a test with a new supervisor."""
    use_namespace = request.param == "namespace"
    if use_namespace and (problem := find_problem()):
        pytest.skip(f"this machine allows no PID namespace: {problem}")
    return partial(run_supervised, use_namespace=use_namespace)

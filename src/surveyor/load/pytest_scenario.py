"""The test that runs a load scenario, with the fixtures that create and delete its service; it is not part of tests/.

A plugin of the conductor gives it the scenario, as the steps of an experiment.
"""

from __future__ import annotations

from collections.abc import Callable

from surveyor.chaos import ExperimentRun


def test_scenario(experiment_run: ExperimentRun, scenario_steps: Callable[[ExperimentRun], object]) -> None:
    """Take the steps of the scenario."""
    scenario_steps(experiment_run)

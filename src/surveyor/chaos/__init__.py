"""Experiments: a service under observation, calls that go on, faults, and a history that checkers judge."""

from __future__ import annotations

from surveyor.chaos.checks import (
    ALWAYS,
    BY_DNS,
    agreed_at_rest,
    all_kept_at_rest,
    answered,
    dead_are_not_called,
    drained,
    gone,
    no_ghost,
    no_resurrection,
    revision_follows_membership,
    ttl_is_kept,
    visible,
)
from surveyor.chaos.experiment import Experiment, Setting, experiment
from surveyor.chaos.experiment_run import ExperimentRun

__all__ = [
    "ALWAYS",
    "BY_DNS",
    "Experiment",
    "ExperimentRun",
    "Setting",
    "agreed_at_rest",
    "all_kept_at_rest",
    "answered",
    "dead_are_not_called",
    "drained",
    "experiment",
    "gone",
    "no_ghost",
    "no_resurrection",
    "revision_follows_membership",
    "ttl_is_kept",
    "visible",
]

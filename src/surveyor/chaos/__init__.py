"""Chaos experiments: inject faults into an observed service under traffic, and judge the recorded history."""

from __future__ import annotations

from surveyor.chaos.checks import (
    ALWAYS,
    BY_DNS,
    answered,
    drained,
    gone,
    no_ghost,
    no_loss_at_rest,
    no_resurrection,
    no_traffic_to_the_dead,
    revision_rises_with_membership,
    ttl_is_kept,
    views_agree_at_rest,
    visible,
)
from surveyor.chaos.experiment import Experiment, ServiceSetup, experiment
from surveyor.chaos.experiment_run import ExperimentRun

__all__ = [
    "ALWAYS",
    "BY_DNS",
    "Experiment",
    "ExperimentRun",
    "ServiceSetup",
    "answered",
    "drained",
    "experiment",
    "gone",
    "no_ghost",
    "no_loss_at_rest",
    "no_resurrection",
    "no_traffic_to_the_dead",
    "revision_rises_with_membership",
    "ttl_is_kept",
    "views_agree_at_rest",
    "visible",
]

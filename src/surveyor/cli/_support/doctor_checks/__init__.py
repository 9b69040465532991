"""The checks of `surveyor doctor`."""

from __future__ import annotations

from collections.abc import Iterator

from surveyor.cli._support.doctor_checks.network import network_checks
from surveyor.cli._support.doctor_checks.programs import program_checks
from surveyor.cli._support.doctor_checks.requirements import environment_checks, required_checks, target_check
from surveyor.cli._support.doctor_checks.surroundings import surrounding_checks
from surveyor.cli._support.doctor_checks.values import DoctorCheck

__all__ = ["DoctorCheck", "run_checks", "target_check"]


def run_checks() -> Iterator[DoctorCheck]:
    """Run all checks but the start of the embedded target, those of required parts first."""
    yield from required_checks()
    yield from network_checks()
    yield from surrounding_checks()
    yield from program_checks()
    yield from environment_checks()

"""What a survey needs of Python, its packages and the files of Surveyor, and whether the embedded target starts."""

from __future__ import annotations

import importlib.metadata
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from packaging.requirements import Requirement

from surveyor.cli._support.doctor_checks.values import DoctorCheck
from surveyor.errors import SurveyorError
from surveyor.layout import find_layout

__all__ = ["environment_checks", "required_checks", "target_check"]

_INSTALL = "pip install surveyor, or make setup in a checkout"


def required_checks() -> Iterator[DoctorCheck]:
    """Check Python, the packages and the files of Surveyor."""
    version = ".".join(map(str, sys.version_info[:3]))
    cure = "install it and run make setup PYTHON=/path/to/python"
    yield DoctorCheck("python", sys.version_info >= (3, 11), f"{version}, 3.11 or newer is needed", cure=cure)
    for text in importlib.metadata.requires("surveyor") or ():
        requirement = Requirement(text)
        if requirement.marker is None:
            problem = _unmet(requirement)
            found = problem or importlib.metadata.version(requirement.name)
            yield DoctorCheck(requirement.name, not problem, found, cure=_INSTALL)
    yield _check_data()


def _unmet(requirement: Requirement) -> str:
    """Return what is missing of a package; "" if nothing is."""
    try:
        installed = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        installed = ""
    if not installed or not requirement.specifier.contains(installed, prereleases=True):
        return f"{installed or 'not installed'}, needed is {requirement.specifier}"
    return ""


def _check_data() -> DoctorCheck:
    from surveyor.claims import load_claims
    from surveyor.targets import target_names

    layout = find_layout()
    try:
        claims = load_claims(layout.claims)
    except SurveyorError as error:
        return DoctorCheck("claims and targets", False, str(error), cure=_INSTALL)
    names = target_names(layout.targets)
    found = f"{len(claims.by_id)} claims; {', '.join(names)}"
    return DoctorCheck("claims and targets", "embedded" in names, found, cure=_INSTALL)


def target_check() -> DoctorCheck:
    """Start the embedded target, call it, and stop it."""
    from surveyor.targets import load_target
    from surveyor.targets.running import reach_target

    name, began = "embedded target", time.monotonic()
    try:
        target = replace(load_target("embedded", find_layout().targets), region="us-east-1")
        with reach_target(target, seed=1) as running:
            running.clients.client("servicediscovery", "000000000000").list_namespaces()
    except SurveyorError as error:
        return DoctorCheck(name, False, str(error), cure="see the other lines that say MISSING")
    return DoctorCheck(name, True, f"started and answered, {time.monotonic() - began:.1f} s")


def environment_checks() -> Iterator[DoctorCheck]:
    """Check for the environments of emulators, which are created when they are first needed."""
    from surveyor.targets import all_versions
    from surveyor.targets.environments import creation_problem, find_python
    from surveyor.targets.loading import find_target

    folder = find_layout().targets
    try:
        targets = [find_target(label, folder) for label in all_versions(folder)]
        pythons = [(target.label, find_python(target.environment)) for target in targets if target.environment]
    except SurveyorError as error:
        yield DoctorCheck("environments of targets", False, str(error), required=False)
        return
    problem = creation_problem()
    for label, python in pythons:
        missing = problem or f"created at first use, or now by surveyor targets --create {label}"
        yield DoctorCheck(label, python is not None, str(python.parent.parent) if python else missing, required=False)

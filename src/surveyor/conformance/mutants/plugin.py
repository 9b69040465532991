"""A pytest plugin: run each test against the mutant of each claim that it proves, instead of an unchanged target.

With --unchanged-first each test runs against the unchanged target as well, before its mutants. The tests that remain
for a mutant are left out as soon as one has failed: the mutant is caught. All run against the unchanged target.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest

from surveyor.claims.selection import Selection
from surveyor.conformance.mutants.http_proxy import CONTROL
from surveyor.conformance.mutants.model import Mutant, load_mutants, mutants_by_claim
from surveyor.errors import NotNeeded, TargetUnavailable
from surveyor.pytest_plugin.busy_machine import IGNORE_MACHINE
from surveyor.pytest_plugin.collection import CLAIMS
from surveyor.pytest_plugin.options import SETTINGS, is_suite
from surveyor.pytest_plugin.session import SESSION
from surveyor.pytest_plugin.verdict import RESULT
from surveyor.report.test_results import TestResult
from surveyor.typed_json import parse_json
from surveyor.verdicts import Verdict

__all__ = ["MARK", "UNCHANGED", "UNCHANGED_FIRST", "mutant_in", "without_mutant"]

MARK = "mutant="
UNCHANGED = "unchanged"
"""What stands for the mutant in the id of a test against the unchanged target; the ids of mutants contain a dot."""

UNCHANGED_FIRST = "--unchanged-first"
_KNOWN = pytest.StashKey[Mapping[str, list[Mutant]]]()
_CAUGHT = pytest.StashKey[set[str]]()


def mutant_in(nodeid: str) -> str:
    """Return the id of the mutant that a test ran against, read from the test's id."""
    return nodeid.partition(MARK)[2].partition("=")[0]


def without_mutant(nodeid: str) -> str:
    """Return the part of a test's id that is the same for all mutants."""
    head, _, tail = nodeid.partition(MARK)
    return head + tail.partition("=")[2]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option of this plugin."""
    parser.addoption(UNCHANGED_FIRST, action="store_true", help="run each test against the unchanged target as well")


def pytest_configure(config: pytest.Config) -> None:
    """Count each failed test: a mutant is caught also while the machine is busy."""
    config.stash[IGNORE_MACHINE] = True
    config.stash[_CAUGHT] = set()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the test once for each mutant of its selected claims."""
    config = metafunc.config
    if not is_suite(metafunc.definition):
        return
    if _KNOWN not in config.stash:
        settings = config.stash[SETTINGS]
        selection = Selection(settings.areas, settings.claims)
        claims = config.stash[CLAIMS] if CLAIMS in config.stash else selection.load(settings.layout.claims)
        selected = selection.select(claims)
        areas = {claim.area for claim in selected.values()}
        known = mutants_by_claim(load_mutants(settings.layout.mutants, claims.by_id, areas))
        config.stash[_KNOWN] = {claim: mutants for claim, mutants in known.items() if claim in selected}
    proven = dict.fromkeys(claim for mark in _marks(metafunc.definition) for claim in mark.args)
    mutants = [mutant.id for claim in proven for mutant in config.stash[_KNOWN].get(claim, ())]
    if mutants and config.getoption(UNCHANGED_FIRST):
        mutants.insert(0, UNCHANGED)
    metafunc.fixturenames.append("mutant")
    metafunc.parametrize("mutant", mutants, ids=[f"{MARK}{mutant}=" for mutant in mutants])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests without any mutant of a claim that they prove: there is nothing for them to notice."""
    config.hook.pytest_deselected(items=[item for item in items if not _is_asked(item)])
    items[:] = [item for item in items if _is_asked(item)]


def _marks(definition: pytest.Item) -> Iterator[Any]:
    """Yield the marks with claims: of the test, and of the cases that it is parametrized with."""
    yield from definition.iter_markers("proves")
    for parametrized in definition.iter_markers("parametrize"):
        for case in parametrized.args[1] if len(parametrized.args) > 1 else ():
            yield from (mark for mark in getattr(case, "marks", ()) if getattr(mark, "name", "") == "proves")


def _is_asked(item: pytest.Item) -> bool:
    """Return whether the test, with its parameters, proves the claim of its mutant; an unchanged target has none."""
    mutant_id = mutant_in(item.nodeid)
    claims = {claim for mark in item.iter_markers("proves") for claim in mark.args}
    return bool(mutant_id) and (mutant_id == UNCHANGED or mutant_id.partition("#")[0] in claims)


@pytest.fixture
def mutant() -> None:
    """Stand for the parameter of this name; `pytest_runtest_setup` reads the mutant from the test's id."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Activate the test's mutant, or none, before any fixture is set up; skip the test if the mutant is caught."""
    if not is_suite(item):
        return
    if mutant_in(item.nodeid) in item.config.stash[_CAUGHT]:
        raise NotNeeded("the mutant is caught already")
    endpoint = urlsplit(item.config.stash[SESSION].get().endpoint)
    connection = http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=10)
    try:
        mutant_id = mutant_in(item.nodeid)
        body = json.dumps({"mutant": "" if mutant_id == UNCHANGED else mutant_id})
        connection.request("POST", CONTROL, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise TargetUnavailable(f"the mutant cannot be activated: {text[:600]}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Remember the mutants that a test has caught in this process."""
    report = yield
    result, mutant_id = getattr(report, RESULT, ""), mutant_in(item.nodeid)
    if result and mutant_id != UNCHANGED and parse_json(result, TestResult).verdict is Verdict.FAIL:
        item.config.stash[_CAUGHT].add(mutant_id)
    return report

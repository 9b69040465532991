"""A pytest plugin: run each test against the mutant of each claim that it proves, instead of an unchanged target.

With --unchanged-first each test runs against the unchanged target as well, before its mutants.
"""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest

from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.mutants.http_proxy import CONTROL
from surveyor.conformance.mutants.model import load_mutants
from surveyor.errors import TargetUnavailable
from surveyor.pytest_plugin.busy_machine import IGNORE_MACHINE
from surveyor.pytest_plugin.collection import CLAIMS
from surveyor.pytest_plugin.options import SETTINGS, is_suite
from surveyor.pytest_plugin.session import SESSION

__all__ = ["MARK", "UNCHANGED", "UNCHANGED_FIRST", "claim_in", "without_mutant"]

MARK = "mutant="
UNCHANGED = "unchanged"
"""What stands for the claim in the id of a test against the unchanged target; the ids of claims contain a dot."""

UNCHANGED_FIRST = "--unchanged-first"
_KNOWN = pytest.StashKey[frozenset[str]]()


def claim_in(nodeid: str) -> str:
    """Return the id of the claim whose mutant a test ran against, read from the test's id."""
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run the test once for each of its selected claims that has a mutant."""
    config = metafunc.config
    if not is_suite(metafunc.definition):
        return
    if _KNOWN not in config.stash:
        settings = config.stash[SETTINGS]
        claims = config.stash[CLAIMS] if CLAIMS in config.stash else load_claims(settings.layout.claims)
        selected = Selection(settings.areas, settings.claims).select(claims)
        config.stash[_KNOWN] = frozenset(load_mutants(settings.layout.mutants, claims.by_id)) & selected.keys()
    proven = dict.fromkeys(claim for mark in metafunc.definition.iter_markers("proves") for claim in mark.args)
    broken = [claim for claim in proven if claim in config.stash[_KNOWN]]
    if broken and config.getoption(UNCHANGED_FIRST):
        broken.insert(0, UNCHANGED)
    metafunc.fixturenames.append("mutant")
    metafunc.parametrize("mutant", broken, ids=[f"{MARK}{claim}=" for claim in broken])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect tests without any mutant: there is nothing for them to notice."""
    config.hook.pytest_deselected(items=[item for item in items if not claim_in(item.nodeid)])
    items[:] = [item for item in items if claim_in(item.nodeid)]


@pytest.fixture
def mutant() -> None:
    """Stand for the parameter of this name; `pytest_runtest_setup` reads the mutant from the test's id."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Activate the test's mutant, or none, before any fixture is set up."""
    if not is_suite(item):
        return
    endpoint = urlsplit(item.config.stash[SESSION].get().endpoint)
    connection = http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=10)
    try:
        claim = claim_in(item.nodeid)
        body = json.dumps({"claim": "" if claim == UNCHANGED else claim})
        connection.request("POST", CONTROL, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise TargetUnavailable(f"the mutant cannot be activated: {text[:200]}")

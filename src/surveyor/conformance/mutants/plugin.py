"""Has each test run against the mutant of each claim that it proves, instead of against an honest target."""

from __future__ import annotations

import http.client
import json
from urllib.parse import urlsplit

import pytest

from surveyor.conformance.mutants.http_proxy import CONTROL
from surveyor.conformance.mutants.model import load_mutants
from surveyor.errors import TargetUnavailable
from surveyor.pytest_plugin.collection import CLAIMS
from surveyor.pytest_plugin.options import SETTINGS, is_suite
from surveyor.pytest_plugin.session import SESSION

__all__ = ["MARK", "claim_in"]

MARK = "mutant="
_KNOWN = pytest.StashKey[frozenset[str]]()


def claim_in(nodeid: str) -> str:
    """The claim whose mutant a test ran against, from the test's id."""
    return nodeid.partition(MARK)[2].partition("=")[0]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One run of the test for each of its claims that has a mutant."""
    config = metafunc.config
    if not is_suite(metafunc.definition):
        return
    if _KNOWN not in config.stash:
        layout = config.stash[SETTINGS].layout
        claims = config.stash[CLAIMS].by_id if CLAIMS in config.stash else _claims(config)
        config.stash[_KNOWN] = frozenset(load_mutants(layout.mutants, claims))
    proven = dict.fromkeys(claim for mark in metafunc.definition.iter_markers("proves") for claim in mark.args)
    broken = [claim for claim in proven if claim in config.stash[_KNOWN]]
    metafunc.fixturenames.append("mutant")
    metafunc.parametrize("mutant", broken, ids=[f"{MARK}{claim}=" for claim in broken])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test without any mutant has nothing to notice."""
    without = [item for item in items if not claim_in(item.nodeid)]
    config.hook.pytest_deselected(items=without)
    items[:] = [item for item in items if item not in without]


@pytest.fixture
def mutant() -> None:
    """Stands for the parameter, which `pytest_runtest_setup` has read from the test by then."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make the test's mutant the active one before anything is set up."""
    if not is_suite(item):
        return
    endpoint = urlsplit(item.config.stash[SESSION].get().endpoint)
    connection = http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=10)
    try:
        body = json.dumps({"claim": claim_in(item.nodeid)})
        connection.request("POST", CONTROL, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if answer.status != 200:
        raise TargetUnavailable(f"the mutant could not be made active: {text[:200]}")


def _claims(config: pytest.Config) -> dict[str, object]:
    from surveyor.claims import load_claims

    return dict(load_claims(config.stash[SETTINGS].layout.claims).by_id)

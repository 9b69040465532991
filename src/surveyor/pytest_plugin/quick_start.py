"""Keep a run of few claims short.

Only the files of suites that may prove a selected claim are collected: a claim's id is a literal in @proves
(`find_proofs` refuses another expression), so a file without the quoted id of a selected claim has no test of the
selection, and is not imported. The fixtures of experiments are loaded if anything but suites is collected. And
Hypothesis is not imported for a summary of tests that did not use it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from surveyor.claims.proofs import names_any_claim
from surveyor.claims.selection import Selection
from surveyor.errors import UsageError
from surveyor.input_files import read_text
from surveyor.pytest_plugin.collection import CLAIMS
from surveyor.pytest_plugin.options import SETTINGS

__all__: list[str] = []

_EXPERIMENTS = "surveyor.chaos.pytest_fixture"
_SELECTED = pytest.StashKey[frozenset[str]]()


@pytest.hookimpl(trylast=True)  # the collection module loads the claims and refuses unknown ones
def pytest_configure(config: pytest.Config) -> None:
    settings = config.stash[SETTINGS]
    selection = Selection(settings.areas, settings.claims)
    if not selection.is_full:
        config.stash[_SELECTED] = frozenset(selection.select(config.stash[CLAIMS]))
    folder, suites = config.invocation_params.dir, config.stash[SETTINGS].layout.suites
    if not all((folder / name.partition("::")[0]).is_relative_to(suites) for name in config.args):
        config.pluginmanager.import_plugin(_EXPERIMENTS)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Ignore a file of tests below suites/ that names none of the selected claims; pytest asks for files it finds."""
    selected = config.stash.get(_SELECTED, None)
    if selected is None or not collection_path.name.startswith("test_") or collection_path.suffix != ".py":
        return None
    if not collection_path.is_relative_to(config.stash[SETTINGS].layout.suites):
        return None
    try:
        text = read_text(collection_path)
    except UsageError:
        return None  # the import reports the problem
    return None if names_any_claim(text, selected) else True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove Hypothesis's plugin before the summary if no test has imported Hypothesis, which takes half a second."""
    plugins = session.config.pluginmanager
    if "hypothesis" not in sys.modules and plugins.has_plugin("hypothesispytest"):
        plugins.unregister(name="hypothesispytest")

"""Collect garbage rarely: by default, Python looks through a run's tests and clients again and again, and finds little.

Tests and claims live as long as the run. Without this a run takes a few percent more CPU.
"""

from __future__ import annotations

import gc

import pytest

_BY_DEFAULT = gc.get_threshold()
_RARELY = (50_000, 20, 100)


def pytest_configure() -> None:
    """Collect nothing while tests are collected: everything that is made then is kept."""
    gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Exclude what the collection made from all later collections of garbage."""
    gc.freeze()
    gc.set_threshold(*_RARELY)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Collect garbage by Python's rules again, in a process that may run other sessions; a worker ends sooner so."""
    if hasattr(config, "workerinput"):
        return
    gc.unfreeze()
    gc.set_threshold(*_BY_DEFAULT)
    gc.enable()

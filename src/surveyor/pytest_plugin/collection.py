"""At collection: every test of a suite proves claims that exist, and only the tests of chosen claims stay.

A test that breaks the rule is a collection error of one line, never a test that is quietly left out.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

import pytest

from surveyor.claims import Claims, load_claims
from surveyor.claims.selection import Selection
from surveyor.errors import SurveyorError
from surveyor.messages import nearest
from surveyor.pytest_plugin.options import SETTINGS, is_experiment, is_judged, is_suite

__all__ = ["CLAIMS", "COLLECTED", "claims_of"]

CLAIMS = pytest.StashKey[Claims]()
"""There once a suite has been met."""

COLLECTED = pytest.StashKey[Mapping[str, tuple[str, ...]]]()
"""Which claims each test that stays proves."""


def claims_of(item: pytest.Item) -> tuple[str, ...]:
    """The ids that a test's @proves names, in order and once each."""
    return tuple(dict.fromkeys(claim for mark in item.iter_markers("proves") for claim in mark.args))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COLLECTED] = {}
    settings = config.stash[SETTINGS]
    if settings.areas or settings.claims:
        try:
            Selection(settings.areas, settings.claims).select(_known(config))
        except SurveyorError as wrong:
            raise pytest.UsageError(str(wrong)) from None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    items = [node for node in report.result or () if isinstance(node, pytest.Item) and is_judged(node)]
    if items and report.passed:
        wrong = _complaints(items)
        if wrong:
            report.outcome = "failed"
            report.longrepr = "\n".join(wrong)
            report.result = []
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    suites = [item for item in items if is_suite(item)]
    experiments = {item.nodeid: () for item in items if is_experiment(item)}
    config.stash[COLLECTED] = experiments
    if not suites:
        return
    settings = config.stash[SETTINGS]
    chosen = Selection(settings.areas, settings.claims).select(_known(config))
    left_out = {item for item in suites if not chosen.keys() & set(claims_of(item))}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    proofs = {item.nodeid: claims_of(item) for item in suites if item not in left_out}
    config.stash[COLLECTED] = {**experiments, **proofs}


def _known(config: pytest.Config) -> Claims:
    if CLAIMS not in config.stash:
        config.stash[CLAIMS] = load_claims(config.stash[SETTINGS].layout.claims)
    return config.stash[CLAIMS]


def _complaints(items: list[pytest.Item]) -> list[str]:
    try:
        known = _known(items[0].config)
    except SurveyorError as broken:
        return [str(broken)]
    wrong = []
    for item in items:
        claims = claims_of(item)
        if is_experiment(item):
            if item.get_closest_marker("experiment") is None:
                wrong.append(f"{item.nodeid} is no experiment: decorate it with @experiment(…)")
            continue
        if not claims:
            wrong.append(f"{item.nodeid} proves no claim: decorate it with @proves(…)")
        wrong += [
            f"{item.nodeid} proves the unknown claim {claim!r}{nearest(claim, known.by_id)}"
            for claim in claims
            if claim not in known.by_id
        ]
    return wrong

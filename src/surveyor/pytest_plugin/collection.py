"""Collection: check that every test of a suite proves existing claims, and keep the tests of the selected claims.

A test that breaks the rule is a collection error of one line; it is never left out silently.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterable, Sequence

import pytest

from surveyor.claims import Claims, load_claims
from surveyor.claims.selection import Selection
from surveyor.errors import SurveyorError
from surveyor.messages import nearest
from surveyor.pytest_plugin.options import SETTINGS, is_experiment, is_judged, is_replay, is_suite
from surveyor.pytest_plugin.session import SESSION

__all__ = ["CLAIMS", "COLLECTED", "claims_of", "short_lists_first"]

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_.]+")
_MAX_ID = 48

CLAIMS = pytest.StashKey[Claims]()
"""Set once a suite has been collected."""

COLLECTED = pytest.StashKey[dict[str, tuple[str, ...]]]()
"""The ids of the claims that each kept test proves, by node id."""


def claims_of(item: pytest.Item) -> tuple[str, ...]:
    """Return the ids that @proves names on a test, in order and without repetition."""
    return tuple(dict.fromkeys(claim for mark in item.iter_markers("proves") for claim in mark.args))


def pytest_make_parametrize_id(config: pytest.Config, val: object) -> str | None:
    """Return an id made from the value of a parameter, where pytest would use the name of the variable and a number.

    The id is part of the symptoms in expectations, which must not change when a variable in a suite is renamed.
    """
    if isinstance(val, (dict, list, tuple, set, frozenset)):
        text = str(sorted(val, key=str) if isinstance(val, (set, frozenset)) else val)
        if " at 0x" in text:  # an object without a description of its value
            return None
        short = _NOT_IN_IDS.sub("-", text).strip("-") if val else "empty"
        return short if 0 < len(short) <= _MAX_ID else f"{short[:_MAX_ID]}-{zlib.crc32(text.encode()):08x}"
    return None


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COLLECTED] = {}
    settings = config.stash[SETTINGS]
    if settings.areas or settings.claims:
        try:
            Selection(settings.areas, settings.claims).select(_known(config))
        except SurveyorError as error:
            raise pytest.UsageError(str(error)) from None


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    items = [node for node in report.result or () if isinstance(node, pytest.Item) and is_judged(node)]
    if items and report.passed:
        problems = _problems(items)
        if problems:
            report.outcome = "failed"
            report.longrepr = "\n".join(problems)
            report.result = []
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    suites = [item for item in items if is_suite(item)]
    without_claims: dict[str, tuple[str, ...]] = {
        item.nodeid: () for item in items if is_experiment(item) or is_replay(item)
    }
    config.stash[COLLECTED] = without_claims
    if not suites:
        return
    settings = config.stash[SETTINGS]
    chosen = Selection(settings.areas, settings.claims).select(_known(config))
    left_out = {item for item in suites if not chosen.keys() & set(claims_of(item))}
    proofs = {item.nodeid: claims_of(item) for item in suites if item not in left_out}
    config.stash[COLLECTED] = {**without_claims, **proofs}
    if settings.resume and settings.out:
        from surveyor.report.file import REPORT_FILE, load_report  # here, since a run that begins imports no reports
        from surveyor.report.resumed import judged_tests

        try:
            judged = judged_tests(load_report(settings.out / REPORT_FILE))
        except SurveyorError as error:
            raise pytest.UsageError(str(error)) from None
        left_out |= {item for item in suites if item.nodeid in judged}
    if left_out:
        config.hook.pytest_deselected(items=[item for item in items if item in left_out])
        items[:] = [item for item in items if item not in left_out]
    if not Selection(settings.areas, settings.claims).is_full:
        config.stash[SESSION].needed = frozenset(feature for claim in chosen.values() for feature in claim.features)
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    if config.stash[SESSION].target.is_one_account:
        items[:] = short_lists_first(items, _known(config))


def short_lists_first(items: Sequence[pytest.Item], claims: Claims) -> list[pytest.Item]:
    """Return the tests with those first that list operations.

    ListOperations has all operations of an account, and filters are applied within a page: late in a run, after
    thousands of operations, each list takes dozens of calls.
    """

    def is_late(item: pytest.Item) -> bool:
        known = (claims.by_id.get(claim) for claim in claims_of(item))
        return not any(claim is not None and "ListOperations" in claim.operations for claim in known)

    return sorted(items, key=is_late)


def _known(config: pytest.Config, needed: Iterable[str] = ()) -> Claims:
    """Return the claims of the selected areas, and the others as well if one of the `needed` claims is not there."""
    settings = config.stash[SETTINGS]
    if CLAIMS not in config.stash:
        config.stash[CLAIMS] = Selection(settings.areas, settings.claims).load(settings.layout.claims)
    if any(claim not in config.stash[CLAIMS].by_id for claim in needed):
        config.stash[CLAIMS] = load_claims(settings.layout.claims)
    return config.stash[CLAIMS]


def _problems(items: list[pytest.Item]) -> list[str]:
    try:
        known = _known(items[0].config, {claim for item in items for claim in claims_of(item)})
    except SurveyorError as error:
        return [str(error)]
    problems = []
    for item in items:
        claims = claims_of(item)
        if is_replay(item):
            continue
        if is_experiment(item):
            if item.get_closest_marker("experiment") is None:
                problems.append(f"{item.nodeid} is not an experiment: decorate it with @experiment(…)")
            continue
        if not claims:
            problems.append(f"{item.nodeid} proves no claim: decorate it with @proves(…)")
        problems += [
            f"{item.nodeid} proves the unknown claim {claim!r}{nearest(claim, known.by_id)}"
            for claim in claims
            if claim not in known.by_id
        ]
    return problems

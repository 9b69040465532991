"""Choose the claims of a quick run: those whose tests need no VPC, hosted zone, DNS, cluster or check by Route 53.

What a test needs follows from what it uses: the features of its claims, its fixtures, the values of its parameters, and
the names and words in its function and in the fixtures of its suite.
"""

from __future__ import annotations

import inspect
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from botocore import xform_name

from surveyor.account.resources import CREATES
from surveyor.claims import load_claims
from surveyor.claims.selection import Selection
from surveyor.conformance.pytest_run import RunConfig, run_pytest
from surveyor.conformance.run import run_failure
from surveyor.errors import UsageError
from surveyor.layout import Layout
from surveyor.pytest_plugin.collection import claims_of
from surveyor.pytest_plugin.collector import Collector

__all__ = ["SLOW_KINDS", "is_slow", "quick_selection"]

_FEATURES = frozenset({"cloudmap", "custom-health", "signatures"})
"""Features of claims that Cloud Map alone decides, for namespaces without names in DNS."""

SLOW_KINDS = frozenset({"VPC", "hosted zone", "cluster"})
"""What takes a minute or costs money: VPCs, zones (of namespaces, too), and what runs tasks."""

_FIXTURES = frozenset({"vpc", "second_vpc", "private_namespace", "public_namespace"})
_WORDS = frozenset({"private", "public"})
"""Kinds of namespaces with a zone, as suites name them to `make_namespace`."""

_CHECKED = "HealthCheckConfig"
"""Makes Cloud Map create a health check of Route 53, which costs money, for each instance of a service."""

_SERVICES = frozenset(operation.partition(":")[0] for operation in CREATES) - {"servicediscovery"}


def is_slow(operation: str) -> bool:
    """Return whether an operation (`service:Operation`) creates what a quick run does without."""
    created = CREATES.get(operation)
    return created is not None and (created.kind in SLOW_KINDS or operation.endswith("DnsNamespace"))


_METHODS = frozenset(xform_name(operation.partition(":")[2]) for operation in CREATES if is_slow(operation))


def quick_selection(selection: Selection, layout: Layout) -> Selection:
    """Return those claims of a selection that a quick run judges. Raises UsageError if there are none."""
    known = load_claims(layout.claims)
    chosen = selection.select(known)
    candidates = [name for name, claim in chosen.items() if _FEATURES.issuperset(claim.features)]
    chooser = _Chooser(suites=layout.suites)
    with tempfile.TemporaryDirectory(prefix="surveyor-") as scratch:
        config = RunConfig(layout, "embedded", Path(scratch), Selection(claims=tuple(candidates)))
        if candidates:
            run_failure(run_pytest(config, chooser, options=["--collect-only"]), chooser, config)
    quick = tuple(name for name in candidates if chooser.needs.get(name) is False)
    if not quick:
        raise UsageError("--quick: none of these claims is proved without a VPC, a zone, a name server or a cluster")
    return Selection(selection.areas, quick)


@dataclass(eq=False)  # pytest keeps its plugins in sets
class _Chooser(Collector):
    """Notes which claims have a test that needs more than a quick run has."""

    suites: Path = field(default_factory=Path)
    needs: dict[str, bool] = field(default_factory=dict)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Look at each test once all are known."""
        for item in session.items:
            needs_more = isinstance(item, pytest.Function) and _needs_more(item, self.suites)
            for claim in claims_of(item):
                self.needs[claim] = self.needs.get(claim, False) or needs_more


def _needs_more(item: pytest.Function, suites: Path) -> bool:
    names = set(item.fixturenames)
    values = list(item.callspec.params.values()) if hasattr(item, "callspec") else []
    if names & (_FIXTURES | _SERVICES) or _WORDS.intersection(value for value in values if isinstance(value, str)):
        return True
    words = {*names, *_words(item.function.__code__)}
    if _CHECKED in words or any(isinstance(value, Mapping) and _CHECKED in value for value in values):
        return True
    fixtures = [definitions[-1].func for definitions in item._fixtureinfo.name2fixturedefs.values()]  # noqa: SLF001  # pytest does not show it
    own = [function for function in fixtures if Path(inspect.getfile(function)).is_relative_to(suites)]
    return any(_uses_more(function) for function in (item.function, *own))


def _uses_more(function: Callable[..., Any]) -> bool:
    """Return whether a function names a slow creation, another service, or a kind of namespace with a zone."""
    members: Mapping[str, Any] = getattr(function, "__globals__", {})
    for word in _words(function.__code__):
        value = members.get(word)
        if word in _METHODS | _SERVICES | _WORDS:
            return True
        if isinstance(value, (list, tuple, set, frozenset, dict)) and _WORDS.intersection(map(str, value)):
            return True
    return False


def _words(code: CodeType) -> Iterator[str]:
    """Yield the names and the texts in the code of a function, and of the functions in it."""
    yield from code.co_names
    todo = list(code.co_consts)
    while todo:
        value = todo.pop()
        if isinstance(value, CodeType):
            yield from _words(value)
        elif isinstance(value, (tuple, frozenset)):
            todo += value
        elif isinstance(value, str):
            yield value

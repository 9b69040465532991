"""A failed test is inconclusive if the machine was busy and can be the cause; any other verdict stays."""

from __future__ import annotations

import textwrap
from types import SimpleNamespace
from typing import cast

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from surveyor import machine
from surveyor.claims.features import FEATURES
from surveyor.conformance.mutants import plugin as mutants_plugin
from surveyor.errors import NoAnswer, WrongAnswer
from surveyor.machine import BUSY
from surveyor.pytest_plugin.busy_machine import IGNORE_MACHINE, PROCESS_FEATURES, allow_for_busy_machine
from surveyor.pytest_plugin.verdict_rules import PhaseVerdict
from surveyor.verdicts import Verdict
from tests.conftest import Checkout

FAILED = PhaseVerdict(Verdict.FAIL, "test_it: not as documented within 900 s", "expected is steady", "DescribeServices")
WRONG = WrongAnswer("expected is steady within 900 service seconds", actual="not as documented within 900 s")
SILENT = (NoAnswer("no answer", actual="no answer"), ReadTimeoutError(endpoint_url="http://127.0.0.1:1"))


def test_the_features_exist() -> None:
    """Each feature whose claims depend on processes is one that a target can have."""
    assert FEATURES.keys() >= PROCESS_FEATURES


@given(st.sampled_from(sorted(PROCESS_FEATURES)), st.floats(BUSY, 100))
def test_a_failed_test_of_processes_is_inconclusive_on_a_busy_machine(feature: str, slowdown: float) -> None:
    """The detail states the slowdown and what failed; the symptom names neither."""
    judged = allow_for_busy_machine(FAILED, WRONG, "test_it", frozenset({"cloudmap", feature}), lambda: slowdown)
    assert judged.verdict is Verdict.INCONCLUSIVE
    assert judged.symptom == "test_it: the machine was busy"
    reason = f"the machine was busy: work took {slowdown:.1f} times as long as on an idle one"
    assert judged.detail == f"{reason}; expected is steady"


@given(st.sampled_from(sorted(PROCESS_FEATURES)), st.floats(1, BUSY, exclude_max=True))
def test_a_failed_test_on_an_idle_machine_stays_failed(feature: str, slowdown: float) -> None:
    """What fails on an idle machine is a fail, whatever the test needs."""
    assert allow_for_busy_machine(FAILED, WRONG, "test_it", frozenset({feature}), lambda: slowdown) is FAILED


def never() -> float:
    """Fail: the slowdown must not be needed."""
    raise AssertionError("the machine cannot be the cause")


@given(st.sets(st.sampled_from(sorted(FEATURES.keys() - PROCESS_FEATURES))))
def test_a_test_without_processes_stays_failed_on_any_machine(features: set[str]) -> None:
    """What a test observes without processes does not depend on the machine's speed."""
    assert allow_for_busy_machine(FAILED, WRONG, "test_it", frozenset(features), never) is FAILED


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.FAIL])
def test_only_fails_are_changed(verdict: Verdict) -> None:
    """Errors of the harness and every other verdict stay what they are."""
    judgement = PhaseVerdict(verdict, "test_it: it", "it")
    assert allow_for_busy_machine(judgement, WRONG, "test_it", frozenset({"ecs"}), never) is judgement


@pytest.mark.parametrize("error", SILENT, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("is_cause", [False, True])
def test_silence_of_a_target_on_a_busy_machine_is_inconclusive(error: Exception, is_cause: bool) -> None:
    """A target that did not answer in time may have had no time, whatever the test needs."""
    raised: BaseException = error
    if is_cause:
        raised = WrongAnswer("wrong", actual="wrong")
        raised.__cause__ = error
    judged = allow_for_busy_machine(FAILED, raised, "test_it", frozenset({"cloudmap"}), lambda: BUSY)
    assert judged.verdict is Verdict.INCONCLUSIVE


SUITE = """
from surveyor.errors import NoAnswer

@proves("alpha.first")
def test_silent(cloudmap):
    '''It is so.'''
    assert cloudmap.list_namespaces()
    raise NoAnswer("expected an answer, got none", actual="no answer")

@proves("alpha.second")
def test_wrong(cloudmap):
    '''It is so.'''
    assert cloudmap.list_namespaces()["Namespaces"] == ["another"]
"""


def test_mutants_are_judged_on_any_machine(pytestconfig: pytest.Config) -> None:
    """A test that fails on a mutant has noticed it: a run of mutants does not watch the machine."""
    config = SimpleNamespace(stash=pytest.Stash())
    mutants_plugin.pytest_configure(cast(pytest.Config, config))
    assert config.stash[IGNORE_MACHINE]
    assert IGNORE_MACHINE not in pytestconfig.stash


@pytest.mark.parametrize(("slowdown", "verdict"), [(9.0, Verdict.INCONCLUSIVE), (1.0, Verdict.FAIL)])
def test_a_run_judges_by_the_machine(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch, slowdown: float, verdict: Verdict
) -> None:
    """In a run, the slowdown during the test decides on silence; a wrong answer is a fail in any case."""
    monkeypatch.setattr(machine.MachineWatch, "slowdown", lambda self: slowdown)
    checkout.suite(textwrap.dedent(SUITE))
    verdicts = {claim.id: claim.verdict for claim in checkout.run().claims}
    assert verdicts["alpha.first"] is verdict
    assert verdicts["alpha.second"] is Verdict.FAIL

"""The order of verdicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor.verdicts import Verdict, worst


def test_verdicts_are_ordered_from_worst_to_best() -> None:
    """The order is error, fail, inconclusive, not-run, unsupported, pass."""
    order = ["error", "fail", "inconclusive", "not-run", "unsupported", "pass"]
    assert [str(worst(map(Verdict, order[index:]))) for index in range(len(order))] == order


def test_no_tests_is_not_run() -> None:
    """A claim without tests is not-run, not a pass."""
    assert worst([]) is Verdict.NOT_RUN


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.lists(st.sampled_from(Verdict), min_size=1))
def test_worst_of_parts_is_worst_of_all(left: list[Verdict], right: list[Verdict]) -> None:
    """The worst verdict does not depend on how tests are grouped among workers."""
    assert worst([worst(left), worst(right)]) is worst(left + right)

"""The order of verdicts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from surveyor.verdicts import Verdict, worst


def test_order_is_the_designs() -> None:
    """Error, fail, inconclusive, not-run, unsupported, pass: each outweighs all that follow."""
    order = ["error", "fail", "inconclusive", "not-run", "unsupported", "pass"]
    assert [str(worst(map(Verdict, order[index:]))) for index in range(len(order))] == order


def test_no_test_is_not_run() -> None:
    """A claim without tests has not passed."""
    assert worst([]) is Verdict.NOT_RUN


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.lists(st.sampled_from(Verdict), min_size=1))
def test_worst_of_parts_is_worst_of_all(left: list[Verdict], right: list[Verdict]) -> None:
    """It does not matter how tests are grouped among workers."""
    assert worst([worst(left), worst(right)]) is worst(left + right)

"""The engine decides as the table of the suites about the language of policies expects."""

from __future__ import annotations

import pytest

from surveyor_policies.engine import decide
from tests.policies.language import TABLE, table_cases


@pytest.mark.parametrize("claim", TABLE)
def test_the_engine_decides_as_the_table_expects(claim: str) -> None:
    """Every request of the table is allowed or refused as it says."""
    wrong = [
        entry.request
        for entry in table_cases(claim)
        if decide(entry.case.request, entry.case.policies).allowed is not entry.allowed
    ]
    assert wrong == []

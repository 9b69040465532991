"""The table of options and claims in docs/inside-the-vpc.md has the numbers of the claims."""

from __future__ import annotations

from dataclasses import replace

import pytest

from surveyor.claims.features import FEATURES
from tests.option_table import ALL, main, possible_features


def test_the_table_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the features of the claims and the options of the target `aws` say."""
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_no_option_creates_principals_in_the_second_account() -> None:
    """Users and roles are created in the account of the run only, and only with the option."""
    assert {"principals", "other-principals"} <= FEATURES.keys()
    assert "other-principals" not in possible_features()
    assert "principals" in possible_features()
    assert "principals" not in possible_features(replace(ALL, enable=()))

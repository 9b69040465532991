"""The table of options and claims in docs/inside-the-vpc.md has the numbers of the claims."""

from __future__ import annotations

import pytest

from surveyor.claims.features import FEATURES
from tests.option_table import main, possible_features


def test_the_table_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    """It is what the features of the claims and the options of the target `aws` say."""
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_no_option_creates_principals() -> None:
    """A run creates no users and roles in an account, whatever its options."""
    assert "principals" in FEATURES
    assert "principals" not in possible_features()

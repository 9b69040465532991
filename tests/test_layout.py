"""Where the output of a run goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.layout import Layout


@pytest.mark.parametrize(
    ("is_checkout", "current", "expected"),
    [
        (True, "checkout", "checkout"),
        (True, "checkout/suites/dns", "checkout"),
        (True, "elsewhere", "elsewhere"),
        (True, "checkout-of-another", "checkout-of-another"),
        (False, "checkout", "checkout"),
        (False, "checkout/suites/dns", "checkout/suites/dns"),
    ],
)
def test_output_is_near_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_checkout: bool, current: str, expected: str
) -> None:
    """Reports go to the checkout only from inside it; else, and from an installed package, below the current folder."""
    root = tmp_path / "checkout"
    (tmp_path / current).mkdir(parents=True, exist_ok=True)
    root.mkdir(exist_ok=True)
    if is_checkout:
        (root / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path / current)
    assert Layout(root).out == tmp_path / expected / "reports" / "out"

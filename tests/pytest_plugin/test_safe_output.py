"""What pytest prints and keeps of a test that repeats secrets and controls terminals."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import Checkout

SECRET = "SEKRETwJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLE"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
BODY = f"""
import logging

@proves('alpha.first')
def test_echo(cloudmap):
    '''It is true.'''
    text = chr(27) + ']0;owned' + chr(7) + chr(0x202e) + ' {SECRET} ' + '{SECRET}'[:20]
    print(text)
    logging.getLogger().warning(text)
    assert text == 'expected'
"""


@pytest.mark.soak
@pytest.mark.parametrize("workers", ["0", "1"])
def test_no_secret_and_no_control_is_kept_or_printed(checkout: Checkout, workers: str) -> None:
    """The terminal with captured output and log, --junitxml, Allure's results and the report."""
    checkout.suite(BODY)
    root = checkout.layout.root
    (root / "conftest.py").write_text('pytest_plugins = ["surveyor.pytest_plugin"]\n')
    words = ["suites", "-n", workers, "-rA", "--junitxml", "j.xml", "--alluredir", "allure", "--out", "here"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--target", "fake", *words],
        cwd=root, capture_output=True, text=True, check=False, env={**os.environ, "AWS_SECRET_ACCESS_KEY": SECRET},
    )  # fmt: skip
    written = [path for name in ("j.xml", "allure", "here") for path in [root / name, *(root / name).rglob("*")]]
    kept = {path.name: path.read_text("utf-8") for path in written if path.is_file()}
    assert "test_echo" in done.stdout, done.stdout + done.stderr
    assert {"j.xml", "report.json"} < kept.keys()
    for name, text in {"stdout": done.stdout, "stderr": done.stderr, **kept}.items():
        assert "SEKRETwJalrXUtn" not in text, name
        assert not CONTROLS.search(text), name

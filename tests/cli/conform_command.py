"""The command line of Surveyor, run on the checkout of a test, and two tests for its suites."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Checkout

GOOD = (
    "@proves('alpha.first')\ndef test_good(cloudmap):\n    '''It is so.'''\n    assert cloudmap.list_namespaces()\n\n"
)

BAD = """
@proves("alpha.second")
def test_bad(cloudmap):
    '''It is so.'''
    with raises("InvalidInput"):
        cloudmap.create_http_namespace(Name="taken")

"""

RUN_IN = """
import sys
from pathlib import Path
from surveyor import layout
layout.find_layout = lambda: layout.Layout(Path(sys.argv[1]))
from surveyor.cli import main
sys.exit(main(sys.argv[2:]))
"""


def command(checkout: Checkout, *arguments: str) -> list[str]:
    """Return the command that runs Surveyor with `checkout` as its layout."""
    return [sys.executable, "-c", RUN_IN, str(checkout.layout.root), *arguments]


def surveyor(checkout: Checkout, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, and check that it prints no traceback."""
    out = ("--out", str(checkout.layout.root / "out")) if arguments[0] in ("conform", "survey") else ()
    completed = subprocess.run(
        command(checkout, *arguments, *out), capture_output=True, text=True, check=False, timeout=60
    )
    assert "Traceback" not in completed.stdout + completed.stderr
    return completed

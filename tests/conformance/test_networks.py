"""docs/networks.md: each topology has a picture and a command, each command proves what it says, and claims exist."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from surveyor.audit.network_rules import NETWORK_RULES
from surveyor.claims import load_claims
from surveyor.layout import find_layout
from tests.documents import commands, sections

ROOT = find_layout().root
SECTIONS = sections("networks.md")
TOPOLOGIES = [heading for heading in SECTIONS if not heading.startswith("What is not")]
COMMANDS = [pytest.param(command, id=f"{heading} {number}") for heading, text in SECTIONS.items()
            for number, command in enumerate(commands(text), 1)]  # fmt: skip


def test_each_topology_has_a_picture_and_a_command() -> None:
    """The picture is the only block of its section, and the claims of the command exist and have suites."""
    claims = load_claims(ROOT / "claims")
    assert len(TOPOLOGIES) == 9
    for heading in TOPOLOGIES:
        text = SECTIONS[heading]
        assert text.count("\n```\n") == 2, heading
        [first, *_] = commands(text)
        assert first[:4] == ["surveyor", "conform", "--target", "embedded"], heading
        for option, value in zip(first[4::2], first[5::2], strict=True):
            assert option in ("--claim", "--area")
            assert option == "--area" or claims.by_id[value].unproven is None


def test_the_rules_of_an_audit_are_on_the_page() -> None:
    """Each rule of docs/audit.md about networks and registrars is named as the fault of a topology, and no other."""
    audit = sections("audit.md")
    documented = set()
    for heading in ("Networks", "Other registrars and clients"):
        documented |= set(re.findall(r"^\| `([a-z-]+)`", audit[heading], re.MULTILINE))
    named = {rule for text in SECTIONS.values() for rule in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text)}
    assert named & documented == documented - {"health-checks-on-private-addresses"}  # of no topology
    assert len(documented) == len(NETWORK_RULES) + 1  # with the note


@pytest.mark.soak
@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_proves_what_it_says(command: list[str]) -> None:
    """It ends with 0: all claims pass. Tests are only found here: they run by themselves."""
    module, *words = command
    words += ["--collect-only", "-q"] if module == "pytest" else []
    run = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    if module == "surveyor":
        [judged] = re.findall(r"(\d+) of (\d+) judged claims hold \(100 %\); all as expected", run.stdout)
        assert judged[0] == judged[1] != "0"
        assert "unsupported" not in run.stdout

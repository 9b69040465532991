"""A mutation is selected by an option at the start, or by a change of the settings."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from surveyor_emulator.core.clock import Clock
from surveyor_emulator.core.http import Request
from surveyor_emulator.core.settings import Settings
from surveyor_emulator.core.world import World
from surveyor_emulator.mutations import apply_mutation
from surveyor_emulator.mutations.edits import load_edits
from surveyor_emulator.runtime.service_connect import bootstrap
from surveyor_emulator.server.control import Control
from surveyor_emulator.server.options import parse_options

RETRIES = "never-retries"
HEADERS = {"authorization": "Bearer token", "content-type": "application/json"}
ORIGINAL = bootstrap.configuration


class NoServers:
    """No DNS servers."""

    name_servers = ("127.0.0.1", 53)

    def resolver(self, account: str, region: str, vpc_id: str) -> tuple[str, int]:
        """Raise OSError: there is none."""
        raise OSError


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    """Undo the mutation after each test."""
    yield
    apply_mutation(None)


def control(mutation: str | None = None) -> Control:
    """Return the control endpoint of a new world."""
    return Control(World(Settings(), Clock(scale=None)), NoServers(), "token", mutation)


def change_settings(endpoint: Control, *changes: str) -> tuple[int, Any]:
    """Post these changes; return the status and the JSON of the response."""
    body = json.dumps({"set": changes}).encode()
    response = asyncio.run(endpoint(Request("POST", "/_surveyor/settings", "", HEADERS, body)))
    return response.status, json.loads(response.body)


def test_settings_select_a_mutation_until_they_are_restored() -> None:
    """The change ``mutation=NAME`` applies one together with other settings; an empty list undoes both."""
    endpoint = control()
    status, settings = change_settings(endpoint, "custom_health=5", f"mutation={RETRIES}")
    assert (status, settings["custom_health"], settings["mutation"]) == (200, 5, RETRIES)
    assert bootstrap.configuration is not ORIGINAL
    status, settings = change_settings(endpoint)
    assert (status, settings["custom_health"], settings["mutation"]) == (200, 30, None)
    assert bootstrap.configuration is ORIGINAL


def test_an_unknown_mutation_changes_nothing() -> None:
    """The response names the change; settings and the applied mutation stay."""
    endpoint = control()
    change_settings(endpoint, f"mutation={RETRIES}")
    status, answer = change_settings(endpoint, "custom_health=5", "mutation=forgetful")
    assert status == 400
    assert answer["error"].startswith("mutation=forgetful: expected one of ")
    assert bootstrap.configuration is not ORIGINAL


def test_the_option_selects_the_first_mutation() -> None:
    """`--mutation` applies one at the start, which restoring the settings leaves applied."""
    options = parse_options(["--mutation", RETRIES])
    assert options.mutation == RETRIES
    assert parse_options([]).mutation is None
    endpoint = control(options.mutation)
    assert bootstrap.configuration is not ORIGINAL
    assert change_settings(endpoint, "mutation=never-ejects")[1]["mutation"] == "never-ejects"
    assert change_settings(endpoint)[1]["mutation"] == RETRIES


def test_the_option_refuses_unknown_mutations(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 2 and one line."""
    with pytest.raises(SystemExit, match="2"):
        parse_options(["--mutation", "forgetful"])
    assert capsys.readouterr().err.count("\n") == 1


def test_an_edit_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    """The response says where and why, and no mutation is applied."""
    file = tmp_path / "edits.json"
    file.write_text(
        json.dumps({"unfit": {"in": "aws.cloudmap.service_rules:read_dns_config", "find": "@@", "with": ""}})
    )
    load_edits(file)
    status, answer = change_settings(control(), "mutation=unfit")
    expected = (
        "mutation=unfit: aws.cloudmap.service_rules:read_dns_config: expected the text '@@' once; found it 0 times"
    )
    assert (status, answer["error"]) == (400, expected)

"""An edit that fits nowhere is refused in one line, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from surveyor.claims import load_claims
from surveyor.cli import main
from surveyor.conformance.mutants import Mutant, load_mutants
from surveyor.conformance.mutants.edits import edit_problem
from surveyor.layout import Layout, find_layout
from surveyor_emulator.mutations.edits import Edit
from surveyor_emulator.mutations.registry import Patches

LAYOUT = find_layout()
PLACE = "aws.cloudmap.filters:_Filter.matches"
FUNCTION = f"surveyor_emulator.{PLACE}"
LONG = "return " + "x" * 100
AGAIN = "let `find` be a text that occurs there once"
NAME = "name the one that has the text `find`"
FORM = "write `in` as module:function or module:Class.function"


def edit(**details: Any) -> Mutant:
    """Return a mutant that is an edit."""
    return Mutant("a.claim", "edit", {"with": "None", **details})


def test_all_edits_fit() -> None:
    """What the emulator takes (test_model.py) is not refused here."""
    known = load_mutants(LAYOUT.mutants, load_claims(LAYOUT.claims).by_id)
    assert {name: problem for name, found in known.items() if (problem := edit_problem(found))} == {}


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        ({"in": PLACE, "find": "no such text"}, f"'no such text' occurs 0 times in {FUNCTION}; {AGAIN}"),
        ({"in": PLACE, "find": LONG}, f"'{LONG[:40]}… (107 characters)' occurs 0 times in {FUNCTION}; {AGAIN}"),
        ({"in": PLACE, "find": "a\n    b"}, f"'a b' occurs 0 times in {FUNCTION}; {AGAIN}"),
        ({"in": PLACE, "find": "return"}, f"'return' occurs 2 times in {FUNCTION}; {AGAIN}"),
        ({"in": PLACE[:-2], "find": "return"}, f"there is no function {FUNCTION[:-2]}; {NAME}"),
        (
            {"in": "aws.cloudmap.filters:matches", "find": "return"},
            f"there is no function surveyor_emulator.aws.cloudmap.filters:matches; {NAME}",
        ),
        (
            {"in": "aws.ecs.permissions:_TASK"},
            "there is no surveyor_emulator.aws.ecs.permissions:_TASK; only a constant needs no `find`",
        ),
        ({"in": "aws.cloud:matches", "find": "x"}, f"there is no module surveyor_emulator.aws.cloud; {FORM}"),
        ({"in": "aws.cloudmap.filters"}, f"there is no name after surveyor_emulator.aws.cloudmap.filters; {FORM}"),
        ({"in": "surveyor_policies.../a:b", "find": "x"}, f"there is no module surveyor_policies.../a; {FORM}"),
    ],
)
def test_an_edit_that_fits_nowhere(details: dict[str, str], problem: str) -> None:
    """One line says where what was looked for, and the emulator refuses the edit as well."""
    assert edit_problem(edit(**details)) == problem
    if "/" not in details["in"]:
        with pytest.raises(ValueError, match=r".|\n"):
            Edit(details["in"], details.get("find", ""), "None").apply(Patches())


@pytest.mark.parametrize(
    "details",
    [
        {"in": PLACE, "find": "if self.condition", "with": "if (self.condition"},
        {"in": "aws.ecs.permissions:_TASKS", "with": "("},
    ],
)
def test_an_edit_that_is_no_python(details: dict[str, str]) -> None:
    """It could not be made where the mutant runs."""
    problem = edit_problem(edit(**details))
    assert problem.startswith("with `with` in place the source is not Python: ")
    assert len(problem) < 200
    assert edit_problem(edit(**details), parse=False) == ""
    with pytest.raises(SyntaxError):
        Edit(details["in"], details.get("find", ""), details["with"]).apply(Patches())


@pytest.mark.parametrize("arguments", [["--coverage"], ["--claim", "dns.srv.value"]])
def test_the_command_refuses_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """The message names the file and the mutant, and nothing runs."""
    (tmp_path / "dns.toml").write_text(
        f'"dns.srv.value" = [{{ operator = "edit", in = "{PLACE}", find = "{LONG}", with = "x" }}]'
    )
    monkeypatch.setattr(Layout, "mutants", tmp_path)
    assert main(["mutants", *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("surveyor: mutants/dns.toml: dns.srv.value#1: 'return xxx")
    assert len(line) < 240

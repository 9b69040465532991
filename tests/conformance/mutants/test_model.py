"""The data of mutants: each names a claim that suites prove, and errors name their file."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.claims import load_claims
from surveyor.claims.proofs import find_proofs
from surveyor.conformance.mutants import Mutant, load_mutants, missing_mutants
from surveyor.errors import UsageError
from surveyor.layout import find_layout
from surveyor_emulator.mutations import edits
from surveyor_emulator.mutations.edits import Edit
from surveyor_emulator.mutations.registry import Patches

LAYOUT = find_layout()
KNOWN = load_mutants(LAYOUT.mutants, load_claims(LAYOUT.claims).by_id)


def test_mutants_are_of_proven_claims() -> None:
    """A mutant of a claim that no suite proves could not be noticed."""
    claims = load_claims(LAYOUT.claims).by_id
    assert {mutant.claim for mutant in KNOWN.values()} <= set(find_proofs(LAYOUT.suites)) & set(claims)


EDITS = [mutant for mutant in KNOWN.values() if mutant.operator == "edit"]


@pytest.mark.parametrize("mutant", EDITS, ids=[mutant.id for mutant in EDITS])
def test_each_edit_fits_the_source(mutant: Mutant) -> None:
    """The place exists, the text occurs once, the result is Python, and undoing restores the code."""
    patches = Patches()
    edit = Edit(mutant.details["in"], mutant.details.get("find", ""), mutant.details["with"])
    before = _edited(edit)
    edit.apply(patches)
    assert _edited(edit) is not before
    patches.undo()
    assert _edited(edit) is before


def _edited(edit: Edit) -> object:
    """Return what an edit changes: the code of a function, or a constant."""
    _, owner, name = edit._locate()
    value = inspect.getattr_static(owner, name)
    return edits._function_in(value, edit.place).__code__ if edit.find else value


def test_what_a_claim_lacks() -> None:
    """Two mutants of different kinds are needed, one of them fine."""
    gross, fine = (
        Mutant("a.b", "drop", {"operation": "X", "path": "Y"}),
        Mutant("a.b", "stale", {"operation": "X"}, 2, True),
    )
    assert missing_mutants([]) == "2 more of another kind and a fine one"
    assert missing_mutants([gross, gross]) == "1 more of another kind and a fine one"
    assert missing_mutants([gross, replace(gross, fine=True)]) == "1 more of another kind"
    assert missing_mutants([gross, fine]) == ""


def test_a_mutant_in_the_file_of_another_area_is_refused(tmp_path: Path) -> None:
    """A run of one claim reads the file of its area."""
    (tmp_path / "ecs.toml").write_text('"dns.srv.value" = [{ operator = "dns-drop" }]')
    with pytest.raises(UsageError, match=r"/ecs\.toml:1: the mutants of dns\.srv\.value belong in dns\.toml"):
        load_mutants(tmp_path, {"dns.srv.value": None})
    assert load_mutants(tmp_path, {"dns.srv.value": None}, {"dns"}) == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"a.b" = [{ operator = "drop", operation = "X", path = "Y" }]', "there is no claim 'a.b'"),
        ('"dns.srv.value" = [{ operator = "forge" }]', "unknown operator 'forge'"),
        ('"dns.srv.value" = [{ operator = "drop", operation = "X" }]', "needs path"),
        ('"dns.srv.value" = [{ operator = "dns-drop", colour = "red" }]', "unknown key 'colour'"),
        (
            '"dns.srv.value" = [{ operator = "dns-drop", count = 1 }]',
            "dns.srv.value#1: operator dns-drop takes no count",
        ),
        ('"dns.srv.value" = [{ operator = "dns-first", count = "1" }]', "count: expected a whole number"),
        ('"dns.srv.value" = { operator = "dns-drop" }', "dns.srv.value: expected a list, got a table"),
        ('"dns.srv.value" = []', "expected a list of length >= 1"),
        ('"dns.srv.value" = [3]', "expected a table, got a whole number"),
        ('"dns.srv.value" = [{ operator = "dns-drop", fine = 1 }]', "fine: expected true or false, got a whole number"),
        (
            '"dns.srv.value" = [{ operator = "edit", in = "a:b", find = "c", with = "c" }]',
            "operator edit changes nothing: `find` and `with` are the same",
        ),
        ('"dns.srv.value" = {', "not valid TOML"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, line: str, message: str) -> None:
    """An error names the file and the line, and says what is invalid there."""
    (tmp_path / "dns.toml").write_text(line)
    with pytest.raises(UsageError, match=r"/dns\.toml:1: ") as refusal:
        load_mutants(tmp_path, {"dns.srv.value": None})
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)

"""Edits of the emulator's source as mutations: applied by name, undone completely, refused if they do not fit."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from surveyor_emulator.aws.ecs.connect import rules
from surveyor_emulator.aws.iam import moto_store
from surveyor_emulator.core import identifiers
from surveyor_emulator.core.identifiers import is_account
from surveyor_emulator.mutations import apply_mutation, load_edits, mutation_names
from surveyor_emulator.mutations.edits import Edit
from surveyor_emulator.mutations.registry import Patches
from surveyor_emulator.runtime.service_connect import values

FUNCTION = "core.identifiers:is_account"


def test_a_function_is_edited_in_place() -> None:
    """Every reference to the function has the edited code, and the original again after undoing."""
    patches = Patches()
    Edit(FUNCTION, "is not None", "is None").apply(patches)
    assert is_account("123")
    patches.undo()
    assert not is_account("123")


def test_a_constant_is_another_value() -> None:
    """The expression is evaluated in the module of the constant."""
    patches = Patches()
    Edit("core.identifiers:_ACCOUNT", "", 're.compile(r"[0-9]{3}")').apply(patches)
    assert is_account("123")
    patches.undo()
    assert not is_account("123")
    assert identifiers._ACCOUNT.pattern == "[0-9]{12}"


def test_a_constant_is_restored_in_a_module_that_was_loaded_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of the emulator are loaded when they are first used, and a mutant may be active then."""
    patches = Patches()
    Edit("runtime.service_connect.values:REQUEST_TIMEOUT", "", "14.0").apply(patches)
    late = ModuleType("surveyor_emulator.late")
    vars(late)["REQUEST_TIMEOUT"] = values.REQUEST_TIMEOUT
    monkeypatch.setitem(sys.modules, late.__name__, late)
    modules = (values, rules, late)
    assert [vars(module)["REQUEST_TIMEOUT"] for module in modules] == [14.0, 14.0, 14.0]
    patches.undo()
    assert [vars(module)["REQUEST_TIMEOUT"] for module in modules] == [15.0, 15.0, 15.0]


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (Edit("core.absent:x", "a", "b"), "core.absent:x: No module named"),
        (Edit("core.identifiers:absent", "a", "b"), "core.identifiers:absent: absent"),
        (Edit(FUNCTION, "absent", "b"), "expected the text 'absent' once; found it 0 times"),
        (Edit(FUNCTION, "t", "b"), "once; found it"),
        (Edit("core.identifiers:_REGION", "a", "b"), "is no function"),
        (Edit("mutations.registry:Patches.replace.__code__", "a", "b"), "is no function"),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edit: Edit, message: str) -> None:
    """The message names the place."""
    with pytest.raises(ValueError, match=message.replace("(", r"\\(")):
        edit.apply(Patches())
    assert not is_account("123")


def test_the_policy_engine_is_edited_and_compiles_again(tmp_path: Path) -> None:
    """An edit of the engine also changes a policy that was decided on before, and undoing restores it."""
    place = "surveyor_policies.parsing:_covers_action"
    file = tmp_path / "edits.json"
    file.write_text(json.dumps({"no-not-action": {"in": place, "find": "is not negated", "with": "is True"}}))
    load_edits(file)
    text = '{"Statement": {"Effect": "Allow", "NotAction": "ecs:*", "Resource": "*"}}'

    def covers_lists() -> bool:
        statement = moto_store._parse(text, "identity").statements[0]
        return statement.covers_action("ecs:ListServices")

    assert not covers_lists()
    apply_mutation("no-not-action")
    assert covers_lists()
    apply_mutation(None)
    assert not covers_lists()


def test_edits_of_a_file_are_mutations(tmp_path: Path) -> None:
    """A client selects an edit by its name."""
    file = tmp_path / "edits.json"
    file.write_text(json.dumps({"accounts-of-any-length": {"in": FUNCTION, "find": "is not None", "with": "is None"}}))
    load_edits(file)
    assert "accounts-of-any-length" in mutation_names()
    apply_mutation("accounts-of-any-length")
    assert is_account("123")
    apply_mutation(None)
    assert not is_account("123")

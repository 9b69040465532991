"""Mutations are applied by name, and undoing them leaves nothing behind."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping

import pytest

from surveyor.layout import find_layout
from surveyor_emulator.mutations import apply_mutation, check_mutation, mutation_names
from surveyor_emulator.mutations.registry import Patches

NAMES = mutation_names()


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    """Undo the mutation after each test."""
    yield
    apply_mutation(None)


def bindings() -> Mapping[tuple[str, str], object]:
    """Return (module, name) -> value of everything that the emulator's modules bind."""
    return {
        (module_name, name): value
        for module_name, module in list(sys.modules.items())
        if module_name.partition(".")[0] == "surveyor_emulator"
        for name, value in vars(module).items()
    }


def changed(before: Mapping[tuple[str, str], object]) -> list[tuple[str, str]]:
    """Return the names that are bound to another value now."""
    now = bindings()
    return sorted(key for key in before if now.get(key) is not before[key])


def test_every_mutation_of_a_mutant_exists() -> None:
    """The files in mutants/ name no mutation that the emulator does not have."""
    files = find_layout().mutants.glob("*.toml")
    mutants = [
        mutant for file in files for entries in tomllib.loads(file.read_text("utf-8")).values() for mutant in entries
    ]
    used = {mutant["name"] for mutant in mutants if mutant["operator"] == "mutation"}
    assert used
    assert used <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_undoing_restores_every_patched_attribute(name: str) -> None:
    """A mutation changes some binding of the emulator's modules, and undoing it restores all of them."""
    before = bindings()
    apply_mutation(name)
    assert changed(before)
    apply_mutation(None)
    assert changed(before) == []


def test_a_mutation_replaces_the_one_before() -> None:
    """Only one mutation is applied at a time."""
    before = bindings()
    apply_mutation("never-retries")
    apply_mutation("ignores-deny")
    assert changed(before) == [("surveyor_emulator.aws.iam.authorise", "decide")]


def test_every_module_that_has_bound_a_function_gets_the_replacement() -> None:
    """A function that a module imported by name is replaced there as well."""
    before = bindings()
    apply_mutation("names-elsewhere")
    assert {module.rpartition(".")[2] for module, _ in changed(before)} == {"environment", "task_files"}


def test_unknown_names_are_refused() -> None:
    """The message lists the mutations, and what is applied stays applied."""
    before = bindings()
    apply_mutation("fails-open")
    with pytest.raises(ValueError, match=r"expected one of accepts-http-1.0, .*; got 'forgetful'"):
        apply_mutation("forgetful")
    with pytest.raises(ValueError, match="got ''"):
        check_mutation("")
    assert changed(before)


def test_a_patch_of_nothing_is_an_error() -> None:
    """A function that no module of the emulator has bound cannot be replaced."""
    with pytest.raises(LookupError, match="no module of the emulator"):
        Patches().replace(bindings, bindings)

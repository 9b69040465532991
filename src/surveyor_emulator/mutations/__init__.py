"""Mutations: named patches, each of which breaks one documented behaviour of the emulator.

The harness selects one by name for mutants that no proxy can express, to prove that the suites notice. The code that is
patched does not know of them. `registry` applies and undoes; `iam`, `ecs` and `service_connect` define the patches;
`edits` reads further ones from a file, as edits of the source.
"""

from __future__ import annotations

from .edits import load_edits
from .registry import apply_mutation, check_mutation, mutation_names

__all__ = ["apply_mutation", "check_mutation", "load_edits", "mutation_names"]

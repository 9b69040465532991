"""A sample of source mutants by seed, spread over the areas of the emulator and over the kinds of edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

from tests.mutation.edits import Candidate, SourceMutant, candidates_in

__all__ = ["AREAS", "area_of", "choose", "source_files"]

AREAS: Mapping[str, tuple[str, ...]] = {
    "service-connect": ("surveyor_emulator/aws/ecs/connect/", "surveyor_emulator/runtime/service_connect/"),
    "cloud-map": ("surveyor_emulator/aws/cloudmap/",),
    "route53": ("surveyor_emulator/aws/route53/",),
    "dns": ("surveyor_emulator/dns/",),
    "iam": (
        *(
            "surveyor_policies/",
            "surveyor_emulator/aws/iam/",
            "surveyor_emulator/aws/ram/",
            "surveyor_emulator/aws/sts/",
        ),
        *("surveyor_emulator/server/authentication.py", "surveyor_emulator/server/signature.py"),
    ),
    "ecs": ("surveyor_emulator/aws/ecs/",),
}
"""Area -> beginnings of the paths of its files below src; the first that fits counts."""

_KINDS: Mapping[str, tuple[str, ...]] = {
    "comparison": ("swap_op", "keywords"),
    "condition": ("condition_true", "condition_false", "if_exp", "remove_unary_ops"),
    "constant": ("number", "number_minus", "name"),
    "text": ("string",),
    "removed call": ("removed_call",),
    "argument": ("arg_removal",),
    "other": (),
}
"""Kinds of edits -> operators. Kinds are chosen with equal chances: most candidates are arguments."""


def source_files(root: Path) -> list[Path]:
    """Return the files below src that belong to an area."""
    return [path for path in sorted(root.rglob("*.py")) if area_of(path.relative_to(root).as_posix())]


def area_of(file: str) -> str:
    """Return the area of a file, named by its path below src; "" if it has none."""
    return next((area for area, beginnings in AREAS.items() if file.startswith(beginnings)), "")


def choose(root: Path, count: int, seed: int, areas: Sequence[str] = ()) -> list[SourceMutant]:
    """Return `count` mutants, as many of each area and of each kind as there are, without repetition."""
    generator, groups = Random(seed), _groups(root, areas)
    for group in groups.values():
        for candidates in group.values():
            generator.shuffle(candidates)
    chosen: dict[str, SourceMutant] = {}
    while len(chosen) < count and any(groups.values()):
        for group in groups.values():
            for kind in list(group):
                if not group[kind]:
                    del group[kind]
            if group and len(chosen) < count:
                mutant = group[generator.choice(list(group))].pop().render()
                if mutant.before != mutant.after:
                    chosen[mutant.key] = mutant
    return list(chosen.values())


def _groups(root: Path, areas: Sequence[str]) -> dict[str, dict[str, list[Candidate]]]:
    """Return area -> kind -> candidates."""
    groups: dict[str, dict[str, list[Candidate]]] = {area: {} for area in AREAS if not areas or area in areas}
    for path in source_files(root):
        area = area_of(path.relative_to(root).as_posix())
        if area in groups:
            for candidate in candidates_in(root, path):
                groups[area].setdefault(_kind(candidate.operator), []).append(candidate)
    return groups


def _kind(operator: str) -> str:
    return next((kind for kind, operators in _KINDS.items() if operator in operators), "other")

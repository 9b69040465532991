"""A sample of source mutants by seed, spread over the areas of the emulator and over the kinds of edits."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

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
    """Return `count` mutants, as many of each area and of each kind as there are, without repetition.

    The rank of an edit depends on the seed and on its function alone, so that other changes of the source leave it.
    """
    groups = _groups(root, seed, areas)
    chosen: dict[str, SourceMutant] = {}
    while len(chosen) < count and any(groups.values()):
        for kinds in groups.values():
            if kinds and len(chosen) < count:
                candidates = kinds.pop(0)
                mutant = candidates.pop(0).render()
                if candidates:
                    kinds.append(candidates)
                if mutant.before != mutant.after:
                    chosen[mutant.key] = mutant
    return list(chosen.values())


def _groups(root: Path, seed: int, areas: Sequence[str]) -> dict[str, list[list[Candidate]]]:
    """Return area -> for each kind its candidates, in the order of the sample."""
    groups: dict[str, dict[str, list[tuple[str, Candidate]]]] = {
        area: {} for area in AREAS if not areas or area in areas
    }
    for path in source_files(root):
        area = area_of(path.relative_to(root).as_posix())
        if area in groups:
            seen: Counter[str] = Counter()
            for candidate in candidates_in(root, path):
                name = f"{candidate.file} {candidate.function} {candidate.operator}"
                seen[name] += 1
                rank = hashlib.sha256(f"{seed} {name} {seen[name]}".encode()).hexdigest()
                groups[area].setdefault(_kind(candidate.operator), []).append((rank, candidate))
    return {
        area: [[candidate for _, candidate in sorted(kinds[kind], key=lambda pair: pair[0])] for kind in sorted(kinds)]
        for area, kinds in groups.items()
    }


def _kind(operator: str) -> str:
    return next((kind for kind, operators in _KINDS.items() if operator in operators), "other")

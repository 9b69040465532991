"""The part of three APIs that Surveyor watches, and what explains each operation, member and enum value of it.

Explained is what a claim names as its source, what a claim or the suite that proves it mentions, and what
claims/not-covered.toml gives a reason for. Anything else is new, or was never looked at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import msgspec
from botocore import xform_name

from surveyor.claims.documents import Documents
from surveyor.claims.loading import NOT_COVERED
from surveyor.claims.model import Claims, SourceKind
from surveyor.errors import UsageError
from surveyor.input_files import read_text
from surveyor.typed_toml import read_entries

__all__ = ["WATCHED", "Knowledge", "NotCovered", "Surface", "explain", "load_not_covered", "read_knowledge"]

WATCHED = ("servicediscovery", "route53", "ecs")
_WORD = re.compile(r"\w[\w.-]*\w|\w")
_BRACES = re.compile(r"(.*?)\{([^{}]*)\}(.*)")


class NotCovered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Operations (`route53/GetDNSSEC`), members (`ecs/Service.roleArn`), values (`ecs/OSFamily:LINUX`) without claim.

    `items` may have `*`, and alternatives in braces: `ecs/Cluster.{statistics,configuration}`. What lies below a member
    that is not covered is not watched either.
    """

    items: tuple[str, ...]
    because: str

    def patterns(self) -> Iterator[str]:
        """Yield the items without braces."""
        pending = [*reversed(self.items)]
        while pending:
            item = pending.pop()
            if braces := _BRACES.fullmatch(item):
                pending += [f"{braces[1]}{name.strip()}{braces[3]}" for name in braces[2].split(",")]
            else:
                yield item


@dataclass(frozen=True)
class Knowledge:
    """What claims, suites and not-covered.toml say about the APIs."""

    sources: Collection[str]
    words: Collection[str]
    not_covered: tuple[NotCovered, ...] = ()

    def mentions(self, path: str) -> bool:
        """Return whether a claim rests on the whole shape of a path, or a claim or suite mentions its last name."""
        service, _, rest = path.partition("/")
        shape, _, name = rest.replace(":", ".", 1).partition(".")
        names = (name,) if name else (shape, xform_name(shape))
        return f"{service}/{shape}" in self.sources or any(name in self.words for name in names)

    def pattern(self, path: str) -> tuple[str, str] | None:
        """Return the pattern of not-covered.toml that matches a path, and its reason."""
        pairs = ((pattern, entry.because) for entry in self.not_covered for pattern in entry.patterns())
        return next(((pattern, reason) for pattern, reason in pairs if fnmatchcase(path, pattern)), None)

    def unused(self, surface: Surface) -> Iterator[str]:
        """Yield the patterns that explain nothing."""
        for entry in self.not_covered:
            yield from (pattern for pattern in entry.patterns() if pattern not in surface.patterns)


@dataclass
class Surface:
    """Every watched operation, member and enum value, and the reason of those that are not covered."""

    paths: set[str] = field(default_factory=set)
    unexplained: set[str] = field(default_factory=set)
    reasons: dict[str, str] = field(default_factory=dict)
    patterns: set[str] = field(default_factory=set)
    """The patterns of not-covered.toml that explain a path."""


def load_not_covered(folder: Path) -> tuple[NotCovered, ...]:
    """Return the entries of not-covered.toml in `folder`; empty if there is no file.

    Raise UsageError with file and line for a file that has not this form, an unknown service and a pattern twice.
    """
    path = folder / NOT_COVERED
    if not path.exists():
        return ()
    seen: set[str] = set()
    entries = read_entries(path, "not-covered", NotCovered).entries
    for entry in entries:
        if not entry.value.because.strip():
            raise UsageError(f"{entry.location('because')}: expected a reason")
        for pattern in entry.value.patterns():
            if pattern.partition("/")[0] not in WATCHED:
                raise UsageError(f"{entry.location('items')}: {pattern!r} must begin with {', '.join(WATCHED)} and /")
            if pattern in seen:
                raise UsageError(f"{entry.location('items')}: {pattern!r} is a second time")
            seen.add(pattern)
    return tuple(entry.value for entry in entries)


def read_knowledge(claims: Claims, folder: Path, suites: Path) -> Knowledge:
    """Return what the claims, their suites and not-covered.toml in `folder` say."""
    texts = [read_text(path) for path in sorted(suites.rglob("*.py"))]
    sources = {f"servicediscovery/{name}" for claim in claims.by_id.values() for name in claim.operations}
    for claim in claims.by_id.values():
        texts += [claim.id, claim.statement, claim.check, claim.source.text]
        texts += [claim.unproven.note] if claim.unproven else []
        if claim.source.kind is SourceKind.MODEL:
            sources.add(claim.source.text)
    words = {word for text in texts for found in _WORD.findall(text) for word in (found, *re.split(r"[.-]", found))}
    return Knowledge(sources, words, load_not_covered(folder))


def explain(documents: Documents, knowledge: Knowledge, new: Collection[str] = ()) -> Surface:
    """Walk from the operations to their members and enum values, and explain each.

    A mention is no explanation of the paths in `new`: a new member may have a name that others have too.
    """
    surface = Surface()
    for service in WATCHED:
        model = documents.model(service)
        if model is None:
            continue
        for name, operation in sorted(model["operations"].items()):
            if _is_watched(f"{service}/{name}", surface, knowledge, new):
                for part in ("input", "output"):
                    if part in operation:
                        _walk(service, model["shapes"], operation[part]["shape"], surface, knowledge, new)
    return surface


def _walk(
    service: str,
    shapes: Mapping[str, Any],
    root: str,
    surface: Surface,
    knowledge: Knowledge,
    new: Collection[str],
) -> None:
    pending = [root]
    while pending:
        name = pending.pop()
        shape = shapes[name]
        for value in shape.get("enum", ()):
            _is_watched(f"{service}/{name}:{value}", surface, knowledge, new)
        for member, reference in shape.get("members", {}).items():
            path = f"{service}/{name}.{member}"
            if path not in surface.paths and _is_watched(path, surface, knowledge, new):
                pending.append(reference["shape"])
        pending += [shape[part]["shape"] for part in ("member", "key", "value") if part in shape]


def _is_watched(path: str, surface: Surface, knowledge: Knowledge, new: Collection[str]) -> bool:
    """Record what explains a path; return whether the parts below it are watched too."""
    surface.paths.add(path)
    if path in knowledge.sources:
        return True
    if found := knowledge.pattern(path):
        surface.patterns.add(found[0])
        surface.reasons[path] = found[1]
        return False
    if path in new or not knowledge.mentions(path):
        surface.unexplained.add(path)
    return True

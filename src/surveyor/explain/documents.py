"""Policy files with the position of each statement, so that an explanation can name file and line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.input_files import read_text
from surveyor_policies.model import MalformedPolicy, Policy
from surveyor_policies.parsing import DocumentKind, parse_policy

__all__ = ["Document", "parse_document", "read_document"]


_LIMIT = 512 * 1024
"""Bytes of a policy; those of AWS have 20,480 characters at most."""


@dataclass(frozen=True)
class Document:
    """A policy with the text and the line (from 1) of each statement in the file."""

    policy: Policy
    texts: tuple[str, ...]
    lines: tuple[int, ...]


def read_document(path: Path, kind: DocumentKind) -> Document:
    """Return the policy in a file. Raises UsageError, which names the file."""
    try:
        return parse_document(read_text(path, _LIMIT), str(path), kind)
    except MalformedPolicy as error:
        raise UsageError(f"{path}: is not a valid {kind} policy: {error}") from None


def parse_document(text: str, name: str, kind: DocumentKind) -> Document:
    """Return a policy with the texts and lines of its statements. Raises `MalformedPolicy`."""
    policy = parse_policy(text, name, kind=kind)
    spans = _spans(text, len(policy.statements))
    return Document(
        policy,
        tuple(text[start:end] for start, end in spans),
        tuple(text.count("\n", 0, start) + 1 for start, _ in spans),
    )


def _spans(text: str, count: int) -> Sequence[tuple[int, int]]:
    """Return start and end of each statement. A text that was parsed has a Statement key with `count` values."""
    decoder = json.JSONDecoder(parse_int=str, parse_float=str)  # of any number of digits
    at = 0
    while (at := text.find('"Statement"', at)) >= 0:
        at += len('"Statement"')
        start = _skip(text, at)
        if text[start : start + 1] != ":":  # a value with that text
            continue
        start = _skip(text, start + 1)
        if text[start] == "{":
            return [(start, decoder.raw_decode(text, start)[1])]
        spans: list[tuple[int, int]] = []
        for _ in range(count):
            start = _skip(text, start + 1)  # past the bracket or the comma
            end = decoder.raw_decode(text, start)[1]
            spans.append((start, end))
            start = _skip(text, end)
        return spans
    return [(0, len(text))] * count  # the key is written with escapes; show the whole document


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] in (" ", "\t", "\r", "\n"):
        at += 1
    return at

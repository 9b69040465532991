"""Read the examples of Surveyor's documents, so that tests can run them."""

from __future__ import annotations

import shlex
from pathlib import Path

__all__ = ["DOCS", "commands", "python_example", "sections"]

DOCS = Path(__file__).resolve().parents[1] / "docs"


def python_example(document: str, heading: str) -> str:
    """Return the first Python program below a heading: the indented lines that begin with a docstring."""
    section = (DOCS / document).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = section.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith('    """'))
    rest = lines[first:]
    end = next((number for number, line in enumerate(rest) if line and not line.startswith("    ")), len(rest))
    return "\n".join(line.removeprefix("    ") for line in rest[:end]).rstrip() + "\n"


def sections(document: str) -> dict[str, str]:
    """Return the text of each section of a document, by its heading of the second level."""
    parts = (DOCS / document).read_text(encoding="utf-8").split("\n## ")[1:]
    return {heading: text for heading, _, text in (part.partition("\n") for part in parts)}


def commands(text: str) -> list[list[str]]:
    """Return the words of the commands in a text: indented lines that begin with surveyor or pytest."""
    lines = [line.strip() for line in text.splitlines() if line.startswith(("    surveyor ", "    pytest "))]
    return [shlex.split(line) for line in lines]

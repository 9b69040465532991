"""Read the examples of Surveyor's documents, so that tests can run them."""

from __future__ import annotations

from pathlib import Path

__all__ = ["DOCS", "python_example"]

DOCS = Path(__file__).resolve().parents[1] / "docs"


def python_example(document: str, heading: str) -> str:
    """Return the first Python program below a heading: the indented lines that begin with a docstring."""
    section = (DOCS / document).read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = section.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith('    """'))
    rest = lines[first:]
    end = next((number for number, line in enumerate(rest) if line and not line.startswith("    ")), len(rest))
    return "\n".join(line.removeprefix("    ") for line in rest[:end]).rstrip() + "\n"

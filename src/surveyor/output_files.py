"""Write the files that are kept: without the secrets of the run, and without hidden characters.

JSON and TOML have escapes for those, which their writers use before.
"""

from __future__ import annotations

import os
from pathlib import Path

from surveyor.secret_values import blank
from surveyor.visible_text import visible

__all__ = ["append_text", "replace_text", "write_text"]


def write_text(path: Path, text: str) -> None:
    """Write a text to a file."""
    path.write_text(visible(blank(text)), encoding="utf-8")


def append_text(path: Path, text: str) -> None:
    """Add a text to the end of a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(visible(blank(text)))


def replace_text(path: Path, text: str) -> None:
    """Write a text to a file atomically: a reader sees the old file or the complete new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    write_text(fresh, text)
    fresh.replace(path)

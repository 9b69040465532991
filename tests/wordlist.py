"""Check that no file uses the words that CONTRIBUTING asks to avoid.

    python -m tests.wordlist

Every tracked text file is checked: code, documents, claims, templates. Exit code 1 if a word is found.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

__all__ = ["EXCEPTIONS", "REPLACEMENTS", "find_words", "main"]

ROOT = Path(__file__).resolve().parents[1]

REPLACEMENTS = {
    "told": "described, reported, passed",
    "tells": "says, returns, reports",
    "came": "actual, was returned, arrived",
    "felt": "measured, seen by clients",
    "whom": "which",
    "nobody": "no client, no task",
    "somebody": "another client, another user",
    "whoever": "the client that, the process that",
    "is to be": "must",
    "goes on": "continues, is in progress",
    "so many": "that number of",
    "of its own": "own, separate",
    "most_": "max_",
    "least_": "min_",
}
"""Each word, and what to write instead. ``most_`` and ``least_`` are prefixes of identifiers."""

EXCEPTIONS = (
    ("tests/wordlist.py", "*", "the list itself"),
    ("CONTRIBUTING.md", "*", "explains the list"),
    ("reports/published/*", "*", "reports are records of runs"),
    ("requirements/lock.txt", "*", "generated"),
    ("*package-lock.json", "*", "generated"),
    ("*", "namespaces.http-name-tells-reused-names-apart", "a claim id"),
    ("*", "least_privilege", "the name of the principle"),
    ("*", "most_common", "a method of collections.Counter"),
    ("LICENSE", "*", "the text of the license"),
    ("tests/test_wordlist.py", "*", "tests the list"),
    ("*history/*", "told", "a member of version 1 of histories, which is still read"),
    ("*", "ecs.events.unhealthy-instance-is-told", "a claim id: recordings and reports cite ids, which never change"),
)
"""File pattern; word, longer phrase that contains it, or ``*``; and the reason why it may stand there."""


def _pattern(word: str) -> str:
    if word.endswith("_"):
        return rf"(?<![A-Za-z0-9_]){word}(?=[a-z])"
    return rf"(?<![A-Za-z]){word}(?![A-Za-z])".replace(" ", r"\s+")


_PATTERNS = {word: re.compile(_pattern(word), re.IGNORECASE) for word in REPLACEMENTS}


def find_words(name: str, text: str) -> Iterator[str]:
    """Yield a message for each word of the list in the text of the file ``name``."""
    plain = " ".join(text.lower().split())  # a look here first takes a twentieth of the time
    words = [word for word in REPLACEMENTS if word in plain]
    matches = ((match, word) for word in words for match in _PATTERNS[word].finditer(text))
    for match, word in sorted(matches, key=lambda found: found[0].start()):
        if not _is_excepted(name, word, text, match):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {match[0]!r}; write: {REPLACEMENTS[word]}"


def _is_excepted(name: str, word: str, text: str, match: re.Match[str]) -> bool:
    """Return whether an exception covers a word, itself or as part of an excepted phrase."""
    return any(
        fnmatch(name, pattern)
        and (
            phrase in ("*", word)
            or (
                len(phrase) > len(word)
                and phrase in text[max(0, match.start() - len(phrase)) : match.end() + len(phrase)]
            )
        )
        for pattern, phrase, _ in EXCEPTIONS
    )


def main() -> int:
    """Check every tracked file and return the exit code."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    problems: list[str] = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and b"\0" not in (data := path.read_bytes()):
            problems += find_words(name, data.decode("utf-8"))
    sys.stdout.write(("\n".join(problems) or "no words of the list") + "\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

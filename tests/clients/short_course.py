"""Put a command through a course of a minute and a half, and print its verdicts as JSON.

python -m tests.clients.short_course [--repeat S] COMMAND...
"""

from __future__ import annotations

import json
import sys

from surveyor.clients.course import CourseLengths, play_course
from surveyor.clients.judging import judge
from surveyor.sandbox import enter_or_explain

SHORT = CourseLengths(60, 8, 20, 6, 18, 4, 14, 14, 14, 4)


def main(words: list[str]) -> None:
    """Print trait and figure of each check."""
    repeat = float(words[1]) if words[0] == "--repeat" else None
    command = words[2:] if repeat else words
    seen = play_course(command, lengths=SHORT, negative_ttl=5, repeat=repeat)
    verdicts = {verdict.check: (verdict.trait, verdict.seconds) for verdict in judge(seen)}
    sys.stdout.write(json.dumps({"software": seen.software, "verdicts": verdicts}) + "\n")


if __name__ == "__main__":
    enter_or_explain()
    main(sys.argv[1:])

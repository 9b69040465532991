"""`python -m tests.mutation source` or `responses`: which small mistakes of a target the suites notice.

Exit codes: 0 the share is at least --at-least, 1 it is not, 2 usage.
"""

from __future__ import annotations

import argparse
import sys
import time

from surveyor.layout import find_layout
from surveyor.machine import default_workers
from tests.mutation.report import (
    SURVIVORS,
    load_free,
    load_set_aside,
    reason_free,
    save_survivors,
    save_unnoticed,
    summarise,
)
from tests.mutation.responses import choose_changes, judge_changes, record_changes
from tests.mutation.sample import AREAS, choose
from tests.mutation.source import judge_mutants, record_reach


def main(arguments: list[str]) -> int:
    """Judge a sample and print the shares; --save writes what was not noticed to mutants/."""
    values = _parse(arguments)
    sys.stdout.write(f"seed {values.seed}\n")
    return _source(values) if values.kind == "source" else _responses(values)


def _source(values: argparse.Namespace) -> int:
    began = time.monotonic()
    reasons = load_set_aside()
    chosen = choose(find_layout().root / "src", values.count, values.seed, values.area)
    aside = [mutant for mutant in chosen if mutant.key in reasons]
    mutants = [mutant for mutant in chosen if mutant.key not in reasons]
    reach = record_reach(values.workers, _say, values.suites)
    judged = judge_mutants(mutants, reach, values.workers, budget=values.budget, say=_say, suites=values.suites)
    summary = summarise(judged, aside, planned=len(mutants), seed=values.seed, seconds=time.monotonic() - began)
    sys.stdout.write(f"{summary.text}\n")
    if values.save:
        save_survivors(find_layout().root / SURVIVORS, summary, judged, aside, reasons)
    return 0 if summary.percent >= values.at_least else 1


def _responses(values: argparse.Namespace) -> int:
    began = time.monotonic()
    recorded, free = record_changes(values.workers, _say), load_free()
    counting = [change for change in recorded.tests if not reason_free(change, free)]
    changes = choose_changes(counting, values.count, values.seed)
    _say(f"{len(changes)} of {len(counting)} response mutants that count")
    judged = judge_changes(changes, recorded, values.workers, budget=values.budget, say=_say)
    aside = len(recorded.tests) - len(counting)
    text = save_unnoticed(judged, aside, values.seed, time.monotonic() - began, save=values.save)
    sys.stdout.write(f"{text}\n")
    return 0 if 100 * sum(found.noticed for found in judged) >= values.at_least * len(judged) else 1


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__, allow_abbrev=False)
    parser.add_argument("kind", choices=("source", "responses"), help="edits of the emulator's source, or of answers")
    add = parser.add_argument
    add("--count", type=int, help="how many mutants (source 300, responses 2500)")
    add("--seed", type=int, default=7, help="seed of the sample (%(default)s)")
    add("--area", action="append", default=[], choices=list(AREAS), help="source: only mutants of this area")
    add("--suites", default="suites", help="source: folder of the suites that must notice (%(default)s)")
    add("--budget", type=float, default=7200, help="wall seconds after which none is started (%(default)s)")
    add("--workers", type=int, default=default_workers(), help="processes (%(default)s)")
    add("--at-least", type=float, default=85.0, help="percent that must be noticed (%(default)s)")
    add("--save", action="store_true", help="write what was not noticed to mutants/")
    values = parser.parse_args(arguments)
    values.count = values.count or (300 if values.kind == "source" else 2500)
    if values.count < 1 or values.workers < 1:
        parser.error("--count and --workers must be at least 1")
    if not (find_layout().root / values.suites).is_dir():
        parser.error(f"no folder {values.suites}")
    return values


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

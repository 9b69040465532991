"""Judge response mutants: note which changes the answers of each test allow, then make each and run these tests."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from random import Random

from surveyor.conformance.mutants.response_change import ResponseChange
from surveyor.layout import find_layout
from surveyor.verdicts import Verdict
from tests.mutation.pool import Lost, run_jobs
from tests.mutation.source import all_tests, cache_folder, digest
from tests.mutation.worker import Job, Outcome

__all__ = ["JudgedChange", "choose_changes", "judge_changes", "record_changes"]

_START_SECONDS, _SLOWDOWN = 60.0, 5.0


@dataclass(frozen=True)
class JudgedChange:
    """What the suites made of a response mutant; `test` noticed it first, `tests` receive such answers."""

    change: ResponseChange
    noticed: bool
    test: str = ""
    tests: int = 0


@dataclass(frozen=True)
class Recorded:
    """`seconds`: wall seconds of each test that passes; `tests`: the tests whose answers allow a change."""

    seconds: Mapping[str, float]
    tests: Mapping[ResponseChange, Sequence[str]]


def record_changes(workers: int, say: Callable[[str], None]) -> Recorded:
    """Return which changes the answers of each test allow, from the cache or by running all suites once."""
    path = cache_folder() / f"answers-{digest()}.json"
    if path.exists():
        saved = json.loads(path.read_text("utf-8"))
        return Recorded(saved["seconds"], {ResponseChange(*change): names for change, names in saved["tests"]})
    tests = all_tests()
    say(f"noting which answers {len(tests)} tests receive")
    jobs = [Job(str(part), tuple(tests[part::workers]), answers=True) for part in range(workers)]
    seconds: dict[str, float] = {}
    receivers: dict[ResponseChange, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="surveyor-answers-") as name:
        for outcome in run_jobs(jobs, Path(name), _target(), workers=workers, limit=lambda job: 1800.0):
            if isinstance(outcome, Lost):
                raise RuntimeError(f"the suites could not be run through the proxy: {outcome.reason}")
            seconds.update({test: took for test, verdict, took in outcome.results if verdict is Verdict.PASS})
            for test, changes in outcome.changes.items():
                for change in changes:
                    receivers.setdefault(change, []).append(test)
    found = {
        change: sorted(set(names) & seconds.keys(), key=lambda test: (seconds[test], test))
        for change, names in receivers.items()
    }
    recorded = Recorded(seconds, {change: names for change, names in found.items() if names})
    rows = [(astuple(change), names) for change, names in recorded.tests.items()]
    path.write_text(json.dumps({"seconds": seconds, "tests": rows}), "utf-8")
    return recorded


def choose_changes(candidates: Iterable[ResponseChange], count: int, seed: int) -> list[ResponseChange]:
    """Return `count` of the changes, or all if there are fewer, spread over the answers."""
    generator = Random(seed)
    by_answer: dict[str, list[ResponseChange]] = {}
    for change in sorted(candidates):
        by_answer.setdefault(change.answer, []).append(change)
    for changes in by_answer.values():
        generator.shuffle(changes)
    chosen: list[ResponseChange] = []
    while len(chosen) < count and any(by_answer.values()):
        chosen += [changes.pop() for changes in by_answer.values() if changes]
    return chosen[:count]


def judge_changes(
    changes: Sequence[ResponseChange],
    recorded: Recorded,
    workers: int,
    *,
    budget: float,
    say: Callable[[str], None],
) -> list[JudgedChange]:
    """Return what the suites made of the changes."""
    jobs = [Job(str(change), tuple(recorded.tests[change]), change=change) for change in changes]
    by_key = {str(change): change for change in changes}
    judged: list[JudgedChange] = []

    def limit(job: Job) -> float:
        return _START_SECONDS + _SLOWDOWN * sum(recorded.seconds[test] for test in job.tests)

    with tempfile.TemporaryDirectory(prefix="surveyor-answers-") as name:
        until = time.monotonic() + budget
        for outcome in run_jobs(jobs, Path(name), _target(), workers=workers, limit=limit, until=until):
            judged.append(_judged(by_key[outcome.key], outcome, len(recorded.tests[by_key[outcome.key]])))
            if not judged[-1].noticed or len(judged) % 100 == 0:
                say(f"{len(judged)} of {len(jobs)}: {'noticed' if judged[-1].noticed else 'NOT NOTICED'} {outcome.key}")
    return judged


def _target() -> str:
    return (find_layout().targets / "mutant.toml").read_text("utf-8")


def _judged(change: ResponseChange, outcome: Outcome | Lost, tests: int) -> JudgedChange:
    if isinstance(outcome, Lost):
        return JudgedChange(change, True, outcome.reason, tests)
    last = outcome.results[-1] if outcome.results else ("", Verdict.PASS, 0.0)
    noticed = last[1] in (Verdict.FAIL, Verdict.ERROR)
    return JudgedChange(change, noticed, last[0] if noticed else "", tests)

"""Judge source mutants: record once which tests reach which lines, then run these tests for each mutant.

What was judged is kept in a cache, under everything that could change it: the edit, and the text of the emulator and of
the suites. Another text makes a cached result a hint only: the test that noticed the edit before runs first.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from surveyor.layout import find_layout
from surveyor.verdicts import Verdict
from tests.mutation.edits import SourceMutant
from tests.mutation.pool import Lost, run_jobs
from tests.mutation.reach import Reach, load_reach, merge_recorded, save_reach
from tests.mutation.worker import Job, Outcome

__all__ = ["Judged", "all_tests", "cache_folder", "digest", "judge_mutants", "record_reach"]

_PACKAGES = ("surveyor_emulator", "surveyor_policies", "surveyor_agents")
_START_SECONDS = 60.0
"""What a job may take beside its tests, on a slow machine."""
_SLOWDOWN = 5.0


@dataclass(frozen=True)
class Judged:
    """What the suites made of a mutant. `how` is "noticed", "died" (the target ended or hung) or "survived".

    `test` noticed it first; `tests` is how many reach it, `ran` how many of them ran.
    """

    mutant: SourceMutant
    how: str
    test: str = ""
    symptom: str = ""
    tests: int = 0
    ran: int = 0
    seconds: float = 0.0

    @property
    def noticed(self) -> bool:
        """Whether a run of the suites would have ended with something other than success."""
        return self.how != "survived"


def cache_folder() -> Path:
    """Return the folder of what was recorded and judged; it may be deleted at any time."""
    folder = find_layout().root / "reports" / "out" / "source-mutants"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def record_reach(workers: int, say: Callable[[str], None], suites: str = "suites") -> Reach:
    """Return which tests of a folder reach which line, from the cache or by running them once."""
    path = cache_folder() / f"reach-{digest(suites)}.json"
    if path.exists():
        return load_reach(path)
    tests = all_tests(suites)
    say(f"recording which of {len(tests)} tests run which lines")
    with tempfile.TemporaryDirectory(prefix="surveyor-reach-") as name:
        scratch = Path(name)
        jobs = [Job(str(part), tuple(tests[part::workers]), lines=name) for part in range(workers)]
        target = _target("tests.mutation.recorder", name)
        seconds: dict[str, float] = {}
        for outcome in run_jobs(jobs, scratch, target, workers=workers, limit=lambda job: 1800.0):
            if isinstance(outcome, Lost):
                raise RuntimeError(f"the suites could not be recorded: {outcome.reason}")
            seconds.update({test: took for test, verdict, took in outcome.results if verdict is Verdict.PASS})
        if not seconds:
            raise RuntimeError("no test passes on the unchanged target")
        reach = merge_recorded(scratch, seconds)
    save_reach(reach, path)
    return reach


def judge_mutants(
    mutants: Sequence[SourceMutant],
    reach: Reach,
    workers: int,
    *,
    budget: float,
    say: Callable[[str], None],
    suites: str = "suites",
) -> list[Judged]:
    """Return what the suites made of the mutants, in their order, as far as the budget (wall seconds) goes."""
    cache = _Cache(cache_folder() / "judged.jsonl", suites)
    judged = {mutant.key: found for mutant in mutants if (found := cache.find(mutant)) is not None}
    jobs, by_key = [], {mutant.key: mutant for mutant in mutants}
    for mutant in mutants:
        if mutant.key not in judged:
            tests = reach.tests_of(mutant.file, mutant.line, at_import=mutant.at_import)
            hint = cache.hint(mutant)
            jobs.append(Job(mutant.key, tuple(sorted(tests, key=lambda test: test != hint)), mutant.file, mutant.text))
    say(f"{len(mutants)} mutants: {len(judged)} judged before, {len(jobs)} to judge")

    def limit(job: Job) -> float:
        return _START_SECONDS + _SLOWDOWN * sum(reach.seconds[test] for test in job.tests)

    with tempfile.TemporaryDirectory(prefix="surveyor-source-mutants-") as name:
        until = time.monotonic() + budget
        sizes = {job.key: len(job.tests) for job in jobs}
        for outcome in run_jobs(
            jobs, Path(name), _target("surveyor_emulator"), workers=workers, limit=limit, until=until
        ):
            found = _judged(by_key[outcome.key], outcome, sizes[outcome.key])
            judged[outcome.key] = found
            cache.add(found)
            say(f"{len(judged)} of {len(mutants)}: {_line(found)}")
    return [judged[mutant.key] for mutant in mutants if mutant.key in judged]


def _target(*module: str) -> str:
    """Return a target file that runs a module instead of the emulator, with further arguments before the emulator's."""
    embedded = (find_layout().targets / "embedded.toml").read_text("utf-8")
    return embedded.replace('"surveyor_emulator", "--port"', ", ".join([*(f'"{word}"' for word in module), '"--port"']))


def _judged(mutant: SourceMutant, outcome: Outcome | Lost, tests: int) -> Judged:
    if isinstance(outcome, Lost):
        return Judged(mutant, "died", symptom=outcome.reason, tests=tests)
    seconds = sum(took for _, _, took in outcome.results)
    last = outcome.results[-1] if outcome.results else ("", Verdict.PASS, 0.0)
    if last[1] in (Verdict.FAIL, Verdict.ERROR):
        how = "noticed" if last[1] is Verdict.FAIL else "died"
        return Judged(mutant, how, last[0], outcome.symptom, tests, len(outcome.results), seconds)
    return Judged(mutant, "survived", tests=tests, ran=len(outcome.results), seconds=seconds)


def _line(judged: Judged) -> str:
    mutant = judged.mutant
    return f"{judged.how} {mutant.file}:{mutant.line} {mutant.before[:60]!r} -> {mutant.after[:60]!r}"


class _Cache:
    """What was judged, one JSON line for each."""

    def __init__(self, path: Path, suites: str) -> None:
        self._path, self._digest = path, digest(suites)
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self._rows = {row["key"]: row for row in map(json.loads, lines)}

    def find(self, mutant: SourceMutant) -> Judged | None:
        """Return the result for this edit, if nothing has changed since."""
        row = self._rows.get(mutant.key)
        if row is None or row["digest"] != self._digest:
            return None
        return Judged(mutant, row["how"], row["test"], row["symptom"], row["tests"], row["ran"], row["seconds"])

    def hint(self, mutant: SourceMutant) -> str:
        """Return the test that noticed the edit before."""
        return str(self._rows.get(mutant.key, {}).get("test", ""))

    def add(self, found: Judged) -> None:
        """Keep a result."""
        row = {
            "key": found.mutant.key,
            "digest": self._digest,
            "how": found.how,
            "test": found.test,
            "symptom": found.symptom,
            "tests": found.tests,
            "ran": found.ran,
            "seconds": round(found.seconds, 2),
        }
        self._rows[found.mutant.key] = row
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def digest(suites: str = "suites") -> str:
    """Return a digest of the source of the emulator, of the suites, and of the name of the folder that is run."""
    layout = find_layout()
    found = hashlib.sha256(suites.encode())
    for folder in (layout.suites, *(layout.root / "src" / package for package in _PACKAGES)):
        for path in sorted(folder.rglob("*.py")):
            found.update(path.relative_to(layout.root).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:16]


def all_tests(suites: str = "suites") -> list[str]:
    """Return the ids of the tests in a folder of suites."""
    import subprocess
    import sys

    root = find_layout().root
    command = [sys.executable, "-m", "pytest", suites, "--collect-only", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if "::" in line]

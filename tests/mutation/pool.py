"""Run jobs in workers, each with its own copy of the source; replace a worker that takes too long or dies."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import queue
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surveyor.layout import find_layout
from tests.mutation.worker import Job, Outcome, Started, Work, work

__all__ = ["Lost", "run_jobs"]

_FORK = multiprocessing.get_context("fork")
_PACKAGES = ("surveyor_emulator", "surveyor_policies", "surveyor_agents")
_POLL = 0.5


@dataclass(frozen=True)
class Lost:
    """A job without outcome: `reason` is that it took too long, or that the worker died."""

    key: str
    reason: str


@dataclass
class _Worker:
    """A worker process, and the job that it has."""

    process: Any
    jobs: Any
    job: Job | None = None
    began: float = field(default_factory=time.monotonic)

    def kill(self) -> None:
        """End the process with all that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.join()


def run_jobs(
    jobs: Sequence[Job],
    scratch: Path,
    target: str,
    *,
    workers: int,
    limit: Callable[[Job], float],
    until: float = float("inf"),
) -> Iterator[Outcome | Lost]:
    """Yield what becomes of each job, as it ends.

    `target` is the text of a target file; `limit`: wall seconds that a job may take. No job is
    started after the monotonic time `until`.
    """
    waiting, outcomes = list(reversed(jobs)), _FORK.Queue()
    pool = {number: _start(number, scratch, target, outcomes) for number in range(min(workers, len(jobs)))}
    try:
        while any(worker.job for worker in pool.values()) or waiting:
            for worker in pool.values():
                if worker.job is None and waiting and time.monotonic() < until:
                    worker.job, worker.began = waiting.pop(), time.monotonic()
                    worker.jobs.put(worker.job)
            if not any(worker.job for worker in pool.values()):
                return
            with contextlib.suppress(queue.Empty):
                message = outcomes.get(timeout=_POLL)
                worker = pool[message.worker]
                if isinstance(message, Started):
                    worker.began = time.monotonic()
                elif worker.job is not None and worker.job.key == message.key:
                    worker.job = None
                    yield message
                continue
            for number, worker in pool.items():
                if worker.job is not None and (reason := _lost(worker, limit)):
                    yield Lost(worker.job.key, reason)
                    worker.kill()
                    pool[number] = _start(number, scratch, target, outcomes)
    finally:
        for worker in pool.values():
            worker.kill()


def _lost(worker: _Worker, limit: Callable[[Job], float]) -> str:
    assert worker.job is not None
    if not worker.process.is_alive():
        return f"the worker died with status {worker.process.exitcode}"
    took = time.monotonic() - worker.began
    return f"still running after {took:.0f} s" if took > limit(worker.job) else ""


def _start(number: int, scratch: Path, target: str, outcomes: Any) -> _Worker:
    folder = scratch / f"worker-{number}"
    shutil.rmtree(folder, ignore_errors=True)
    for package in _PACKAGES:
        shutil.copytree(find_layout().root / "src" / package, folder / "source" / package)
    file = folder / "target.toml"
    file.write_text(target, "utf-8")
    jobs = _FORK.Queue()
    what = Work(number, folder / "source", file, jobs, outcomes, folder / "out")
    process = _FORK.Process(target=work, args=(what,))
    process.start()
    return _Worker(process, jobs)

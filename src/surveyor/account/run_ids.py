"""The ids of runs. Those of a command inside a VPC follow from the run of its task, so that one sweep finds both."""

from __future__ import annotations

import hashlib
import itertools
import os
import secrets

__all__ = ["COMMAND", "ENCLOSING", "inner_runs", "new_run"]

COMMAND = "in-vpc"
"""What follows the prefix of the run in the names of cluster and task definition of a command inside a VPC."""

ENCLOSING = "SURVEYOR_ENCLOSING_RUN"
"""The variable in the environment of a command inside a VPC with the run of its task."""

_MAX_INNER = 100
_numbers = itertools.count()


def new_run() -> str:
    """Return the id of a new run: in a task of `surveyor in-vpc` one of the inner runs of its task, else a random one.

    The hundred-first run of one command would have a random id again; commands make one or a few.
    """
    enclosing = os.environ.get(ENCLOSING)
    number = next(_numbers) if enclosing else _MAX_INNER
    return _inner(enclosing, number) if enclosing and number < _MAX_INNER else secrets.token_hex(4)


def inner_runs(run: str) -> frozenset[str]:
    """Return the ids that the runs of a command have whose task is of this run."""
    return frozenset(_inner(run, number) for number in range(_MAX_INNER))


def _inner(enclosing: str, number: int) -> str:
    return hashlib.sha256(f"{enclosing}/{number}".encode()).hexdigest()[:8]

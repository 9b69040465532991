"""The command line.

Exit codes: 0 as expected, 1 a verdict moved or a check failed, 2 usage, 3 the target is unreachable, the harness failed
or something was not foreseen, 4 resources were left behind, 5 nothing could be judged, 130 interrupted (by Ctrl-C,
SIGTERM or SIGHUP), 141 nothing reads the output any more.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; print an expected error as one line on stderr."""
    try:
        from surveyor.cli.application import run  # here, since Ctrl-C may arrive while it is imported

        return run(argv)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    finally:
        if argv is None:  # the program ends: a second Ctrl-C has nothing to interrupt but the interpreter's own end
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            gc.freeze()  # or the interpreter looks for cycles once more, which takes a third of a second after a run

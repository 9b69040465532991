"""Run the embedded target: ``python -m surveyor_emulator``."""

from __future__ import annotations

import gc
import signal
import sys

# A KeyboardInterrupt during the imports would print a traceback; the event loop handles Ctrl-C from its start.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)

# Collecting garbage while modules are imported takes a tenth of the start, and finds none. The server enables it.
gc.disable()

from surveyor_emulator.server.serve import main  # noqa: E402  # imported with the collector off

sys.exit(main(sys.argv[1:]))

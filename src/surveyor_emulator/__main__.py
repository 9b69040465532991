"""Run the embedded target: ``python -m surveyor_emulator``."""

from __future__ import annotations

import gc
import sys

# Collecting garbage while modules are imported takes a tenth of the start, and finds none. The server enables it.
gc.disable()

from surveyor_emulator.server.serve import main  # noqa: E402 (imported with the collector off)

sys.exit(main(sys.argv[1:]))

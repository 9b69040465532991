"""Run the embedded target: ``python -m surveyor_emulator``."""

from __future__ import annotations

import sys

from surveyor_emulator.server.serve import main

sys.exit(main(sys.argv[1:]))

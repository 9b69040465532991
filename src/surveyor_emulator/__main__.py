"""``python -m surveyor_emulator``: runs the embedded target."""

from __future__ import annotations

import sys

from surveyor_emulator.server.serve import main

sys.exit(main(sys.argv[1:]))

"""``python -m surveyor.emulator``: runs the embedded target."""

from __future__ import annotations

import sys

from .serve import main

sys.exit(main(sys.argv[1:]))

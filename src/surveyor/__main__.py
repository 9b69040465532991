"""`python -m surveyor`: the command line, for where its script is not on the path."""

from __future__ import annotations

import sys

from surveyor.cli import main

sys.exit(main())

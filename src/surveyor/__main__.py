"""The program: `surveyor`, and `python -m surveyor` where its script is not on the path."""

from __future__ import annotations

import sys

from surveyor.early_interrupts import end_at_once, repeat_lost_interrupts

end_at_once()  # before the imports that take time
repeat_lost_interrupts()

from surveyor.cli import main  # noqa: E402  # as said above

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())

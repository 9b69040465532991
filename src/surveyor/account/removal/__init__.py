"""Taking away what a run made: things of its ledger and what is inside them, nothing else.

What an intent without an answer may have made is looked for by what only this run can have given it: its name, its
tag, its caller's reference.
"""

from __future__ import annotations

from surveyor.account.removal.account import Account, Found, Problems
from surveyor.account.removal.order import Outcome, delete_resources

__all__ = ["Account", "Found", "Outcome", "Problems", "delete_resources"]

"""A network and its name resolution for a process and all that it starts, without privileges (docs/sandbox.md)."""

from __future__ import annotations

from surveyor.sandbox.entering import command_in, enter, enter_or_explain, is_inside, try_parts
from surveyor.sandbox.entrance import MARK

__all__ = ["MARK", "command_in", "enter", "enter_or_explain", "is_inside", "try_parts"]

"""The result of a check."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DoctorCheck"]


@dataclass(frozen=True)
class DoctorCheck:
    """The result of one check. `required`: a survey of the embedded target does not work without it.

    `detail`: what was found. `without`: what works, or does not, where it is absent. `cure`: how to get it.
    `limited`: it is there in any case, but not as it should be.
    """

    name: str
    ok: bool
    detail: str
    required: bool = True
    without: str = ""
    cure: str = ""
    limited: bool = False

    @property
    def status(self) -> str:
        """Return the status as it is printed."""
        if self.ok:
            return "ok"
        return "MISSING" if self.required else "limited" if self.limited else "absent"

    @property
    def text(self) -> str:
        """Return what was found, and what follows where it is absent."""
        if self.ok:
            return self.detail
        cure = f"to change that: {self.cure}" if self.cure else ""
        return "; ".join(filter(None, (self.detail, self.without, cure)))

"""Select the claims of a run by area and by id; an unknown name is reported with the nearest known name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from surveyor.claims import Claim, Claims, load_claims
from surveyor.errors import UsageError
from surveyor.messages import nearest

__all__ = ["Selection"]


@dataclass(frozen=True)
class Selection:
    """The requested areas and claim ids; empty means all."""

    areas: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()

    @property
    def is_full(self) -> bool:
        """Return whether everything is selected."""
        return not self.areas and not self.claims

    def load(self, folder: Path) -> Claims:
        """Return the claims of the areas that a selection by id is of, which is quicker; else all.

        All as well if an id is unknown: the error names the nearest one. Raise UsageError as `load_claims` does.
        """
        if not self.claims or self.areas:
            return load_claims(folder)
        known = load_claims(folder, {claim.partition(".")[0] for claim in self.claims})
        return known if all(claim in known.by_id for claim in self.claims) else load_claims(folder)

    def select(self, known: Claims) -> dict[str, Claim]:
        """Return the selected claims by id.

        Raise UsageError for an unknown area or id, and if no claim is selected.
        """
        names = [area.name for area in known.areas]
        for area in self.areas:
            if area not in names:
                hint = nearest(area, names) or f"; known are {', '.join(names)}"
                raise UsageError(f"unknown area {area!r}{hint}")
        for claim in self.claims:
            if claim not in known.by_id:
                raise UsageError(f"unknown claim {claim!r}{nearest(claim, known.by_id)}")
        selected = {
            name: claim
            for name, claim in known.by_id.items()
            if (not self.areas or claim.area in self.areas) and (not self.claims or name in self.claims)
        }
        if not selected:
            raise UsageError("nothing selected: no claim fits both --area and --claim")
        return selected

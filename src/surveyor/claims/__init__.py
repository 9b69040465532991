"""Claims: what they are (`model`), their files (`load`) and what proves them (`proofs`, `coverage`).

Whether their sources still say it is for `documents` and `drift`.
"""

from __future__ import annotations

from surveyor.claims.loading import load_claims
from surveyor.claims.model import Area, Article, Claim, Claims, ClaimsError, Level, Opinion, Reason, Source, Unproven

__all__ = [
    "Area",
    "Article",
    "Claim",
    "Claims",
    "ClaimsError",
    "Level",
    "Opinion",
    "Reason",
    "Source",
    "Unproven",
    "load_claims",
]

"""Claims: their values (`model`), their files (`loading`), and the tests that prove them (`proofs`, `coverage`).

`documents` and `drift` compare the sources of claims with what the documents say today.
"""

from __future__ import annotations

from surveyor.claims.loading import load_claims
from surveyor.claims.model import Area, Article, Claim, Claims, Level, Opinion, Reason, Source, Unproven

__all__ = [
    "Area",
    "Article",
    "Claim",
    "Claims",
    "Level",
    "Opinion",
    "Reason",
    "Source",
    "Unproven",
    "load_claims",
]

"""Mutants: targets that break one documented behaviour each, to prove that the suites notice.

A proxy in front of a real target changes what passes (`http_proxy`) with one of a few operators (`api_operators`,
`dns_operators`); which operator breaks which claim is data (`model`, files in mutants/). `run` runs the suites of each
claim against its mutant.
"""

from __future__ import annotations

from surveyor.conformance.mutants.model import Mutant, load_mutants, missing_mutants, mutants_by_claim

__all__ = ["Mutant", "load_mutants", "missing_mutants", "mutants_by_claim"]

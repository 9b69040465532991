"""Mutants: targets made wrong on purpose in one documented behaviour, to prove that the suites notice.

A proxy stands in front of a real target and changes what passes (`http_proxy`), by one of a few operators
(`operators`, `dns_operators`); which operator breaks which claim is data (`model`, targets/mutants/). `run` holds
each against the suite of its claim.
"""

from __future__ import annotations

from surveyor.conformance.mutants.model import Mutant, load_mutants

__all__ = ["Mutant", "load_mutants"]

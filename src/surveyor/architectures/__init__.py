"""Four ways to reach the same tasks, side by side on one target: what each adds to a call, and what a dead task costs.

A load balancer, DNS service discovery, discovery by API, Service Connect: the architectures that articles about this
field compare in words. Here they are measured, one after another in one run, by the same caller.
"""

from __future__ import annotations

from surveyor.architectures.comparison import Row, rows_of
from surveyor.architectures.measurement import KINDS, Experiment, Measured, measure

__all__ = ["KINDS", "Experiment", "Measured", "Row", "measure", "rows_of"]

"""Compare four ways to reach tasks on one target: the latency that each adds, and the failed calls after a task dies.

A load balancer, DNS service discovery, discovery by API, Service Connect: the architectures that articles about this
field compare in words. Here they are measured, one after another in one run, by the same caller.
"""

from __future__ import annotations

from surveyor.architectures.comparison import MeasuredArchitecture, rows_of
from surveyor.architectures.measurement import KINDS, ComparisonOptions, Measurements, measure

__all__ = ["KINDS", "ComparisonOptions", "MeasuredArchitecture", "Measurements", "measure", "rows_of"]

"""Route 53: hosted zones, records and health checks of an account, and what the name servers know of them."""

from __future__ import annotations

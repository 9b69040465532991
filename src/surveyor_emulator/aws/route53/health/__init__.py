"""Health checks of an account: their operations, their rules, and the probing of endpoints."""

from __future__ import annotations

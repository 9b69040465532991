"""Health checks of an account: what they are, and what is known of their endpoints."""

from __future__ import annotations

"""The decision: a pure function of a request and the policies that apply to it."""

from __future__ import annotations

from .model import AccessRequest, Decision, PolicySet

__all__ = ["decide"]


def decide(request: AccessRequest, policies: PolicySet) -> Decision:
    """Whether ``policies`` allow ``request``, and which statement decided; whatever goes wrong is a denial."""
    raise NotImplementedError

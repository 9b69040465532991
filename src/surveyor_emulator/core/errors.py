"""The exceptions that a handler raises to answer with an error of its service, or not at all."""

from __future__ import annotations

from typing import Any

__all__ = ["ConnectionCut", "ServiceError"]


class ServiceError(Exception):
    """An error response: its code, its message, and further members of its shape in the model."""

    def __init__(self, code: str, message: str, *, status: int | None = None, **members: Any) -> None:
        """``status`` (HTTP) is needed only for errors that the service's model does not list."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members


class ConnectionCut(Exception):
    """Raised in place of an answer: the connection is reset."""

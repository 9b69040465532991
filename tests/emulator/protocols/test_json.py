"""AWS JSON: the statuses of errors."""

from __future__ import annotations

import pytest

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.protocols.api_models import load_service_model
from surveyor_emulator.protocols.cbor import CborProtocol
from surveyor_emulator.protocols.json import JsonProtocol

MODEL = load_service_model("servicediscovery")


@pytest.mark.parametrize(
    ("code", "in_model"),
    [("ServiceNotFound", 404), ("ResourceInUse", 409), ("DuplicateRequest", 409), ("InvalidInput", 400)],
)
def test_errors_of_the_caller_are_400(code: str, in_model: int) -> None:
    """In JSON an error has the status 400 whatever the model says; in CBOR it has that of the model."""
    error = ServiceError(code, "text")
    assert JsonProtocol(MODEL).write_error(None, error, "id").status == 400
    assert CborProtocol(MODEL).write_error(None, error, "id").status == in_model
    assert JsonProtocol(MODEL).write_error(None, ServiceError(code, "text", status=501), "id").status == 501

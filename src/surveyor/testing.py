"""What suites import: `proves` names the claims of a test, `raises` spells out the error that must come."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import pytest
from botocore.exceptions import ClientError

from surveyor.errors import Inconclusive, NotOffered, WrongAnswer

__all__ = ["Inconclusive", "proves", "raises"]


def proves(*claims: str) -> pytest.MarkDecorator:
    """Marks a test with the ids of the claims that it proves; a suite's test must have at least one."""
    return pytest.mark.proves(*claims)


class raises:  # noqa: N801 (it reads as a verb, as pytest's own does)
    """Expects exactly one error code of a call: `with raises("ResourceInUse") as refusal: …`.

    After the block `refusal.response` is the answer with the error's members, as in ClientError.response. No error,
    or one with another code, is a WrongAnswer; what is no answer of the API passes through.
    """

    def __init__(self, code: str) -> None:
        self.code = code
        self.response: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        if error is None:
            raise WrongAnswer(f"expected the error {self.code}; no error came", actual="no error came")
        if isinstance(error, NotOffered) or not isinstance(error, ClientError):
            return False
        self.response = dict(error.response)
        actual = str(error.response.get("Error", {}).get("Code", ""))
        if actual != self.code:
            raise WrongAnswer(
                f"expected the error {self.code}; came {actual or 'an error without a code'} from {error.operation_name}",
                actual=f"ClientError {actual}",
            ) from error
        return True

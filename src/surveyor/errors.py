"""The exceptions of Surveyor. Verdicts and exit codes follow from their types.

* SurveyorError: shown to the user as one line, never as a traceback
    * UsageError: exit 2, the request cannot be carried out as given
    * TargetUnavailable: exit 3, the target cannot be started or reached, or died
        * CredentialsEnded: the credentials of the run are not valid any more
* Inconclusive: a claim could not be judged
* NotNeeded: a test need not run any more
* FeatureLacking: the target declares that it lacks what the test needs
* WrongAnswer: the target answered differently from the document
    * NoAnswer: it did not answer
    * NotYet: it did not do something within a time that no document bounds
* NotOffered: the target does not have the operation
"""

from __future__ import annotations

from botocore.exceptions import ClientError

__all__ = [
    "CredentialsEnded",
    "FeatureLacking",
    "Inconclusive",
    "NoAnswer",
    "NotNeeded",
    "NotOffered",
    "NotYet",
    "SurveyorError",
    "TargetUnavailable",
    "Unavailable",
    "UsageError",
    "WrongAnswer",
]


class SurveyorError(Exception):
    """An error that the user can act on; its text is one line."""


class UsageError(SurveyorError):
    """A request that cannot be carried out: an unknown name, nothing selected, a folder that cannot be written."""


class TargetUnavailable(SurveyorError):
    """The target cannot be started or reached, or it died during the run."""


class CredentialsEnded(TargetUnavailable):
    """The credentials of the run are not valid any more; `code`: with which error a service said so, "" if none did."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Inconclusive(Exception):
    """Raised by a suite or a fixture when a claim could not be judged (no traffic, sampling too coarse, throttled)."""


class Unavailable(Inconclusive):
    """A service said that it cannot answer now; `label` is the same in every run."""

    def __init__(self, label: str, why: str) -> None:
        super().__init__(why)
        self.label = label


class NotNeeded(Exception):
    """Raised instead of a test that can show nothing new."""


class FeatureLacking(Exception):
    """Raised by a fixture that needs a feature which the target does not declare."""


class WrongAnswer(AssertionError):
    """An answer that contradicts the document, or the lack of one.

    `actual` is a label for the answer that is the same in every run: no ids, ports or times. `operation` and `cause`:
    which operation answered wrongly, and what is wrong with its answer; "" stands for the last call, and for `actual`.
    """

    def __init__(self, message: str, actual: str, *, operation: str = "", cause: str = "") -> None:
        super().__init__(message)
        self.actual = actual
        self.operation = operation
        self.cause = cause or actual


class NoAnswer(WrongAnswer):
    """No answer at all. `eventually` does not wait for this to change."""


class NotYet(WrongAnswer):
    """A condition was not true in time, and no document bounds this time: in an account that is no contradiction."""


class NotOffered(ClientError):
    """The target answered that it does not have this operation, as opposed to a wrong answer."""

    def __init__(self, service: str, operation: str, answer: str) -> None:
        super().__init__({"Error": {"Code": "NotOffered", "Message": answer}}, operation)
        self.service = service
        self.operation = f"{service}:{operation}"
        self.answer = answer

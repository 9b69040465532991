"""What may go wrong, as types, so that each kind gets its verdict and its exit code in one place.

* SurveyorError: told to the user in one line, never as a traceback
    * UsageError: exit 2, what was asked for makes no sense
        * TargetFileError: a target or expectations file says something wrong
    * TargetUnavailable: exit 3, the target cannot be started or reached, or died
* Inconclusive: a test could not be judged
* FeatureLacking: the target declares that it lacks what the test needs
* WrongAnswer: the target answered, and not as documented
    * NoAnswer: it did not answer
* NotOffered: the target does not know the operation at all
"""

from __future__ import annotations

from botocore.exceptions import ClientError

__all__ = [
    "FeatureLacking",
    "Inconclusive",
    "NoAnswer",
    "NotOffered",
    "SurveyorError",
    "TargetFileError",
    "TargetUnavailable",
    "UsageError",
    "WrongAnswer",
]


class SurveyorError(Exception):
    """Something the user can act on; its text is one clear line."""


class UsageError(SurveyorError):
    """What was asked for makes no sense: an unknown name, nothing selected, an unwritable place."""


class TargetFileError(UsageError):
    """A target or expectations file is missing or says something wrong; the text names the file."""


class TargetUnavailable(SurveyorError):
    """The target cannot be started or reached, or died during the run."""


class Inconclusive(Exception):
    """Raised by a suite or a fixture when a claim could not be judged (no traffic, sampling too coarse, throttled)."""


class FeatureLacking(Exception):
    """Raised by a fixture that needs a feature which the target declares not to have."""


class WrongAnswer(AssertionError):
    """An answer, or none, that the document rules out.

    `came` says what came in words that do not change from run to run: no ids, no ports, no times.
    """

    def __init__(self, message: str, actual: str) -> None:
        super().__init__(message)
        self.actual = actual


class NoAnswer(WrongAnswer):
    """Nothing came at all; waiting for a condition does not wait for this to change."""


class NotOffered(ClientError):
    """The target answered that it does not have this operation, which is not the same as answering it wrongly."""

    def __init__(self, service: str, operation: str, answer: str) -> None:
        super().__init__({"Error": {"Code": "NotOffered", "Message": answer}}, operation)
        self.service = service
        self.operation = f"{service}:{operation}"
        self.answer = answer

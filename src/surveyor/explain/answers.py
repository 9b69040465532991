"""Answers of AWS in a file: error messages, and the output of sts:DecodeAuthorizationMessage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from surveyor.errors import UsageError
from surveyor.explain.decoded import DecodedDenial, find_decoded
from surveyor.explain.messages import DenialMessage, parse_message, split_messages
from surveyor.explain.text import format_decoded, format_message, request_of
from surveyor.input_files import REPORT_LIMIT, SETTINGS_LIMIT, read_bytes
from surveyor_policies.model import AccessRequest

__all__ = ["DenialAnswer", "read_answer"]

_STANDARD_INPUT = "-"
_MAX_MESSAGES = 100
_JSON = ("{", "[", '"')


@dataclass(frozen=True)
class DenialAnswer:
    """A decoded message, or messages about denials."""

    decoded: DecodedDenial | None = None
    messages: tuple[str, ...] = ()

    @property
    def context_known(self) -> bool:
        """Whether it has the condition keys of its request."""
        return self.decoded is not None

    def explanations(self) -> Iterator[tuple[Sequence[str], AccessRequest | None]]:
        """Yield the lines about each denial, and its request if the answer names one."""
        if self.decoded is not None:
            context = self.decoded.context
            caller = context.principal.arn or context.principal.id
            details = DenialMessage(caller, context.action, context.resource or "*", None, self.decoded.explicit_deny)
            request = request_of(details, self.decoded.keys) if context.action else None
            yield tuple(format_decoded(self.decoded)), request
        for message in self.messages:
            parsed = parse_message(message)
            yield tuple(format_message(message)), request_of(parsed) if parsed else None


def read_answer(path: Path) -> DenialAnswer | None:
    """Return the answer of AWS in a file, `-` for standard input; None for JSON that is none, as a report.

    Raises UsageError, in one line, for a file that cannot be read, and for a text without an answer.
    """
    is_input = str(path) == _STANDARD_INPUT
    name = "standard input" if is_input else str(path)
    content = read_bytes(Path("/dev/stdin"), SETTINGS_LIMIT) if is_input else read_bytes(path, REPORT_LIMIT)
    if len(content) > SETTINGS_LIMIT:
        return None
    text = content.decode("utf-8-sig", "replace")
    if not is_input and '"apiVersion"' in text:
        return None
    messages = tuple(islice(dict.fromkeys(split_messages(text)), _MAX_MESSAGES))
    try:
        decoded = find_decoded(text)
    except ValueError as error:
        if not any(map(parse_message, messages)):
            raise UsageError(f"{name}: {str(error).replace('its run', 'it')}") from None
        decoded = None
    if decoded is not None:
        return DenialAnswer(decoded)
    if messages:
        return DenialAnswer(messages=messages)
    if text.lstrip().startswith(_JSON) and not is_input:
        return None
    raise UsageError(
        f"{name}: has no denial of AWS: expected a message such as 'User: ARN is not authorized to perform: ACTION', "
        "an encoded one, or the output of aws sts decode-authorization-message"
    )

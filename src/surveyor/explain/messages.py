"""Messages of AWS about a denial: caller, action, resource, and the policy that decided.

IAM User Guide, Troubleshoot access denied error messages: "User: USER is not authorized to perform: ACTION on
resource: RESOURCE because CONTEXT", where the context names the type of the policy, and lately the policy. EC2 adds a
reason that sts:DecodeAuthorizationMessage decodes. Some services do not support the format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surveyor.explain.policy_types import TypeName

__all__ = ["DenialMessage", "Encoded", "find_encoded", "parse_message", "split_messages"]

_MESSAGE = re.compile(
    r"User:\s+(?P<caller>\S+)\s+is\s+not\s+authorized\s+to\s+perform:\s+(?P<action>[\w-]+:[\w*]+)"
    r"(?:\s+on\s+resource:\s+\\?\"?(?P<resource>[^\s\"\\]+))?(?P<rest>.*)",
    re.DOTALL,
)
_REASON = re.compile(
    r"(?P<how>because\s+no|with\s+an\s+explicit\s+deny\s+in\s+(?:an?|the))\s+"
    r"(?P<type>[\w\s-]{1,40}?(?:policy|boundary))\b"
    r"(?:\s+transitively\s+through\s+(?:an?|the)\s+(?P<through>[\w\s-]{1,40}?policy)\b)?"
    r"(?::\s*(?P<policy>arn:[^\s\"\\]+))?"
)
_TYPES: dict[str, TypeName] = {
    "identity-based policy": "identity",
    "permissions boundary": "boundary",
    "session policy": "session",
    "sessions policy": "session",  # so in the guide
    "resource-based policy": "resource",
    "role trust policy": "resource",
    "trust policy": "resource",
    "service control policy": "service-control",
    "resource control policy": "resource-control",
    "vpc endpoint policy": "vpc-endpoint",
}
_ENCODED = re.compile(r"Encoded\s+authorization\s+failure\s+message:\s*(?P<text>[\w+/=-]+)(?P<end>…|\.\.\.)?")
_ALONE = re.compile(r"\s*(?P<text>[\w+/=-]{100,})(?P<end>…|\.\.\.)?\s*")
_REFUSED = re.compile(
    r"not authorized|unauthorized|access(?:\s+to\s+the\s+resource\s+\S{1,300})?\s+(?:is\s+)?denied|accessdenied",
    re.IGNORECASE,
)
_NEXT = re.compile(r"(?=User:\s)")
_MAX_ENCODED = 10_240
"""Characters (sts/DecodeAuthorizationMessageRequest.EncodedMessage)."""


@dataclass(frozen=True)
class DenialMessage:
    """The contents of an error message: caller, action, resource, and the type of policy that decided, if given.

    `policy`: its ARN, "" if the message has none.
    """

    caller: str
    action: str
    resource: str
    kind: TypeName | None
    explicit: bool
    policy: str = field(default="", compare=False)


@dataclass(frozen=True)
class Encoded:
    """A reason that only sts:DecodeAuthorizationMessage decodes; `complete`: no part of it is missing."""

    text: str
    complete: bool


def parse_message(message: str) -> DenialMessage | None:
    """Return the contents of a message; ``None`` if its form is unknown."""
    found = _MESSAGE.search(message)
    if not found:
        return None
    rest = found["rest"]
    resource = (found["resource"] or "").rstrip(".,;")
    if not resource.startswith("arn:"):  # "on resource: user alice" is no Resource of a policy
        resource = "*"
    reason = _REASON.search(rest)
    if reason is None:
        return DenialMessage(found["caller"], found["action"], resource, None, "explicit deny" in rest)
    # "in a VPC endpoint policy transitively through a service control policy": the latter decided.
    words = " ".join((reason["through"] or reason["type"]).lower().split())
    explicit = reason["how"].startswith("with")
    policy = (reason["policy"] or "").rstrip(".,;")
    return DenialMessage(found["caller"], found["action"], resource, _TYPES.get(words), explicit, policy)


def find_encoded(message: str) -> Encoded | None:
    """Return the encoded reason in a message, or the message itself if it is one; None if there is none."""
    found = _ENCODED.search(message) or _ALONE.fullmatch(message)
    if not found:
        return None
    cut = bool(found["end"]) or len(found["text"]) > _MAX_ENCODED
    return Encoded(found["text"], not cut)


def split_messages(text: str) -> Iterator[str]:
    """Yield the denials in a text such as the output of a command, each with what follows it.

    A text in none of the known forms that says that a call was refused is one.
    """
    parts = [part for part in _NEXT.split(text) if _MESSAGE.search(part)]
    if parts:
        yield from parts
    elif find_encoded(text) or _REFUSED.search(text):
        yield text

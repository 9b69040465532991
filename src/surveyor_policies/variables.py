"""Policy variables such as ``${aws:username}``, replaced by values of the request.

Source: IAM User Guide, Policy variables. A variable names a condition key, in any case, and may have a default in
single quotes; ``${*}``, ``${?}`` and ``${$}`` are the characters themselves; variables exist since version 2012-10-17,
before which the text is literal. A text with a variable whose key is absent or has several values matches nothing. The
value of a variable is literal: a ``*`` in a user's tag is no wildcard.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from .statements import Context

__all__ = ["Token", "Variable", "Wildcard", "has_variables", "resolve", "tokenise"]


class Wildcard(Enum):
    """The two wildcards of the policy language."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable: the condition key in lower case, and its default."""

    key: str
    default: str | None = None


Token = str | Wildcard | Variable
_LITERALS = frozenset("*?$")
_QUOTED = re.compile(r"\s*'(.*)'\s*")


def tokenise(text: str, *, variables: bool, wildcards: bool) -> tuple[Token, ...]:
    """Split ``text`` into literals, wildcards and variables; a kind that is switched off is literal."""
    tokens: list[Token] = []
    literal: list[str] = []

    def put(token: Token) -> None:
        if literal:
            tokens.append("".join(literal))
            literal.clear()
        tokens.append(token)

    at, last_brace = 0, text.rfind("}")
    while at < len(text):
        character = text[at]
        if variables and at < last_brace and text.startswith("${", at):
            end = text.index("}", at)
            name = text[at + 2 : end]
            if name in _LITERALS:
                literal.append(name)
            else:
                put(_variable(name))
            at = end + 1
            continue
        if wildcards and character in "*?":
            put(Wildcard(character))
        else:
            literal.append(character)
        at += 1
    if literal:
        tokens.append("".join(literal))
    return tuple(tokens)


def has_variables(tokens: tuple[Token, ...]) -> bool:
    """Return whether a variable is left to resolve."""
    return any(isinstance(token, Variable) for token in tokens)


def resolve(tokens: tuple[Token, ...], context: Context) -> tuple[str | Wildcard, ...] | None:
    """Return the tokens with each variable replaced, or ``None`` if one has neither a single value nor a default."""
    resolved: list[str | Wildcard] = []
    for token in tokens:
        if isinstance(token, Variable):
            values = context.get(token.key, ())
            value = values[0] if len(values) == 1 else token.default
            if value is None:
                return None
            resolved.append(value)
        else:
            resolved.append(token)
    return tuple(resolved)


def _variable(inside: str) -> Variable:
    key, _, default = inside.partition(",")
    quoted = _QUOTED.fullmatch(default)
    return Variable(key.strip().lower(), quoted[1] if quoted else None)

"""Compile patterns of the policy language into functions that match in time linear in the value.

A naive matcher needs exponential or high polynomial time for a pattern such as ``a*a*a*a*b``. The standard library's
fnmatch translates each part between two ``*`` into an atomic group, which does not backtrack. No match is lost: the
leftmost position of each part is as good as any other.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from collections.abc import Callable, Iterable, Sequence

from .statements import Context
from .variables import Token, Wildcard, has_variables, resolve, tokenise

__all__ = ["Match", "Test", "action_matcher", "arn_test", "resource_test", "text_test"]

Match = Callable[[str], bool]
Test = Callable[[str, Context], bool]
Resolved = tuple[str | Wildcard, ...]

_ARN_PARTS = 6  # arn, partition, service, Region, account, resource
_CACHED_PATTERNS = 2048


def action_matcher(patterns: Iterable[str]) -> Match:
    """Return a test whether an action matches one of ``patterns``, in any case (IAM User Guide, Action element)."""
    matchers = [_glob(_static(pattern.lower())) for pattern in patterns]
    return lambda action: any(matches(action) for matches in matchers)


def resource_test(pattern: str, *, variables: bool, completed: bool) -> Test:
    """Return a test whether a resource is covered by one value of a Resource element.

    A ``*`` also matches colons: documented for a ``*`` that ends a part; for others no document decides. Variables are
    replaced only after the fifth colon; before it they are literal. ``completed`` adds a ``*`` for each missing part to
    an ARN with fewer than six parts, as in identity-based policies (IAM User Guide, Resource element, Policy variables,
    IAM ARNs).
    """
    if pattern == "*":
        return _always
    parts = pattern.split(":", _ARN_PARTS - 1)
    if len(parts) < _ARN_PARTS and completed:
        parts += ["*"] * (_ARN_PARTS - len(parts))
    if len(parts) < _ARN_PARTS:
        return _test(_static(pattern), _glob)
    head = ":".join(parts[:-1]) + ":"
    return _test((*_static(head), *tokenise(parts[-1], variables=variables, wildcards=True)), _glob)


def text_test(pattern: str, *, variables: bool, wildcards: bool, any_case: bool = False) -> Test:
    """Return a test whether a text matches ``pattern``, for the string operators."""
    tokens = tokenise(pattern, variables=variables, wildcards=wildcards)
    if not any_case:
        return _test(tokens, _glob)
    inner = _test(tokens, lambda resolved: _glob(tuple(t.lower() if isinstance(t, str) else t for t in resolved)))
    return lambda value, context: inner(value.lower(), context)


def arn_test(pattern: str, *, variables: bool) -> Test:
    """Return a test whether a value is an ARN that matches ``pattern`` in each of its six parts."""
    return _test(tokenise(pattern, variables=variables, wildcards=True), _arn)


def _test(tokens: tuple[Token, ...], make: Callable[[Resolved], Match]) -> Test:
    if not has_variables(tokens):
        matches = make(resolve(tokens, {}) or ())
        return lambda value, context: matches(value)

    def test(value: str, context: Context) -> bool:
        resolved = resolve(tokens, context)
        return resolved is not None and make(resolved)(value)

    return test


def _always(value: str, context: Context) -> bool:
    return True


def _static(pattern: str) -> Resolved:
    return resolve(tokenise(pattern, variables=False, wildcards=True), {}) or ()


@functools.lru_cache(maxsize=_CACHED_PATTERNS)  # for patterns with variables, resolved again at each decision
def _glob(tokens: Resolved) -> Match:
    match tokens:
        case (Wildcard.ANY,):
            return lambda value: True
        case (str(prefix), Wildcard.ANY):
            return lambda value: value.startswith(prefix)
        case _ if not any(isinstance(token, Wildcard) for token in tokens):
            exact = "".join(token for token in tokens if isinstance(token, str))
            return lambda value: value == exact
    pattern = "".join(token.value if isinstance(token, Wildcard) else _escape(token) for token in tokens)
    matches = re.compile(fnmatch.translate(pattern)).match
    return lambda value: matches(value) is not None


def _escape(literal: str) -> str:
    """Escape ``literal`` for fnmatch."""
    return re.sub(r"[*?[]", r"[\g<0>]", literal)


@functools.lru_cache(maxsize=_CACHED_PATTERNS)
def _arn(tokens: Resolved) -> Match:
    parts = [_glob(part) for part in _parts(tokens)]
    if len(parts) != _ARN_PARTS:
        return lambda value: False

    def matches(value: str) -> bool:
        values = value.split(":", _ARN_PARTS - 1)
        return len(values) == _ARN_PARTS and all(part(v) for part, v in zip(parts, values, strict=True))

    return matches


def _parts(tokens: Resolved) -> Sequence[Resolved]:
    parts: list[list[str | Wildcard]] = [[]]
    for token in tokens:
        if isinstance(token, Wildcard):
            parts[-1].append(token)
            continue
        first, *others = token.split(":", _ARN_PARTS - len(parts))
        parts[-1].append(first)
        parts.extend([other] for other in others)
    return [tuple(part) for part in parts]

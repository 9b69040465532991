"""Parse and validate policy documents.

Source: IAM User Guide, Grammar of the IAM JSON policy language, and the pages of its elements. Size is not validated
here: quotas depend on what a policy is attached to, and a decision must work with any size.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Literal

from .conditions import compile_condition
from .matching import Test, action_matcher, resource_test
from .model import MalformedPolicy, Policy
from .principals import PRINCIPAL_TYPES
from .statements import Condition, Effect, Statement, StatementIndex

__all__ = ["DocumentKind", "parse_policy"]

DocumentKind = Literal["identity", "session", "resource", "trust"]
"""The kind of a document: identity-based policy or boundary, session policy, resource-based policy, trust policy."""

Object = dict[str, object]

_VERSIONS = ("2008-10-17", "2012-10-17")
_VARIABLES_SINCE = "2012-10-17"
_ELEMENTS = {"Version", "Id", "Statement"}
_STATEMENT_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
_PRINCIPAL_ELEMENTS = {"Principal", "NotPrincipal"}
_SID = re.compile(r"[A-Za-z0-9]*\Z")
_ACTION = re.compile(r"[A-Za-z0-9*?-]+:[A-Za-z0-9*?]+\Z")
_RESOURCE = re.compile(r"arn:[^:]*:[^:*?]+(:|\Z)")
_ARN_COLONS = 5
_IDENTITY_KINDS = ("identity", "session")
_MAX_SHOWN = 80  # characters of an invalid value that an error message repeats


class _Number(str):
    """A JSON number as written: allowed where a text names something, such as a value of a condition."""

    __slots__ = ()


def parse_policy(text: str, name: str = "", *, kind: DocumentKind) -> Policy:
    """Parse the policy in ``text``; ``name`` identifies it in decisions. Raise `MalformedPolicy` if it is invalid."""
    document = _object(_json(text))
    _only(document, _ELEMENTS - ({"Id"} if kind in _IDENTITY_KINDS else set()))
    version = _text(document.get("Version", _VERSIONS[0]))
    if version not in _VERSIONS:
        raise MalformedPolicy(f"expected Version {' or '.join(_VERSIONS)}, got {_shown(version)}")
    element = document.get("Statement")
    if not element:
        raise MalformedPolicy("expected a Statement element with at least one statement, got none")
    listed = element if isinstance(element, list) else [element]
    statements = []
    for index, entry in enumerate(listed):
        try:
            statements.append(_statement(index, entry, kind, variables=version >= _VARIABLES_SINCE))
        except MalformedPolicy as error:
            raise MalformedPolicy(f"statement {index + 1}: {error}") from None
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) < len(sids):
        repeated = next(sid for sid, times in Counter(sids).items() if times > 1)
        raise MalformedPolicy(f"expected unique statement ids in a policy, got {_shown(repeated)} twice")
    return Policy(name, tuple(statements), StatementIndex(statements))


def _statement(index: int, value: object, kind: DocumentKind, *, variables: bool) -> Statement:
    elements = _object(value)
    _only(elements, _STATEMENT_ELEMENTS | (set() if kind in _IDENTITY_KINDS else _PRINCIPAL_ELEMENTS))
    effect = elements.get("Effect")
    if effect != "Allow" and effect != "Deny":
        raise MalformedPolicy(f"expected Effect Allow or Deny, got {_shown(effect)}")
    sid = _text(elements.get("Sid", ""))
    if kind != "resource" and not _SID.match(sid):
        raise MalformedPolicy(f"expected a Sid of letters and digits, got {_shown(sid)}")
    action, actions = _either(elements, "Action")
    for pattern in actions:
        if pattern != "*" and not _ACTION.match(pattern):
            raise MalformedPolicy(f"expected {action} to be service:name or *, got {_shown(pattern)}")
    resource, resources = _resources(elements, kind)
    principal, principals = _principals(elements, kind, effect)
    conditions = _conditions(elements.get("Condition", {}), variables=variables)
    tests = [resource_test(pattern, variables=variables, completed=kind == "identity") for pattern in resources]
    return Statement(
        index,
        sid or None,
        effect,
        actions,
        resources,
        conditions,
        principals,
        not_actions=action == "NotAction",
        not_resources=resource == "NotResource",
        not_principals=principal == "NotPrincipal",
        reads_context=bool(conditions) or any("${" in pattern for pattern in resources),
        covers_action=_covers_action(actions, action == "NotAction"),
        covers_resource=_covers_resource(tests, resource == "NotResource"),
    )


def _covers_action(actions: tuple[str, ...], negated: bool) -> Callable[[str], bool]:
    named = action_matcher(actions)
    return lambda action: named(action.lower()) is not negated


def _covers_resource(tests: list[Test], negated: bool) -> Test:
    if len(tests) == 1 and not negated:
        return tests[0]
    return lambda resource, context: any(test(resource, context) for test in tests) is not negated


def _resources(elements: Object, kind: DocumentKind) -> tuple[str, tuple[str, ...]]:
    """Return the resources of a statement. A trust policy has none: it applies to the role that it is attached to."""
    if kind not in _IDENTITY_KINDS and not {"Resource", "NotResource"} & elements.keys():
        return "Resource", ("*",)
    if kind == "trust":
        raise MalformedPolicy("expected no Resource element in a trust policy; remove it")
    element, resources = _either(elements, "Resource")
    for resource in resources:
        if resource != "*" and not _RESOURCE.match(resource):
            raise MalformedPolicy(
                f"expected {element} to be an ARN whose service has no wildcard, or *, got {_shown(resource)}"
            )
        if kind == "session" and resource != "*" and resource.count(":") < _ARN_COLONS:
            raise MalformedPolicy(f"expected ARNs of six parts in a session policy, got {_shown(resource)}")
    return element, resources


def _principals(elements: Object, kind: DocumentKind, effect: Effect) -> tuple[str, tuple[tuple[str, str], ...] | None]:
    if kind in _IDENTITY_KINDS:
        return "Principal", None
    element = _one_of(elements, "Principal")
    if element == "NotPrincipal" and (kind == "trust" or effect == "Allow"):
        raise MalformedPolicy("NotPrincipal is allowed only with Deny, and not in a trust policy; name the principals")
    value = elements[element]
    if value == "*":
        return element, (("*", ""),)
    principals: list[tuple[str, str]] = []
    for type_, names in _object(value).items():
        if type_ not in PRINCIPAL_TYPES:
            raise MalformedPolicy(f"expected a principal of {', '.join(PRINCIPAL_TYPES)}, got {_shown(type_)}")
        for name in _texts(names):
            if ("*" in name or "?" in name) and (name != "*" or type_ != "AWS"):
                raise MalformedPolicy(f"expected a principal named in full, or *, got {_shown(name)}")
            principals.append((type_, name))
    if not principals:
        raise MalformedPolicy(f"expected {element} to name a principal, got none")
    return element, tuple(principals)


def _conditions(value: object, *, variables: bool) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for operator, keys in _object(value).items():
        if not _object(keys):
            raise MalformedPolicy(f"expected {_shown(operator)} to name a condition key, got none")
        for key, values in _object(keys).items():
            texts = _texts(values)
            if not texts:
                raise MalformedPolicy(f"expected {operator} to have a value for {_shown(key)}, got an empty list")
            try:
                conditions.append(compile_condition(operator, key, texts, variables=variables))
            except ValueError as error:
                raise MalformedPolicy(str(error)) from None
    return tuple(conditions)


def _json(text: str) -> object:
    try:
        return json.loads(
            text, object_pairs_hook=_unique, parse_int=_Number, parse_float=_Number, parse_constant=_no_constant
        )
    except RecursionError:
        raise MalformedPolicy("expected a policy, got JSON that is nested too deeply") from None
    except json.JSONDecodeError as error:
        raise MalformedPolicy(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None


def _unique(pairs: list[tuple[str, object]]) -> Object:
    unique = dict(pairs)
    if len(unique) < len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise MalformedPolicy(f"expected each key once, got {_shown(repeated)} twice")
    return unique


def _no_constant(name: str) -> object:
    raise MalformedPolicy(f"not JSON: expected a number, got {name}")


def _object(value: object) -> Object:
    if not isinstance(value, dict):
        raise MalformedPolicy(f"expected a JSON object, got {_shown(value)}")
    return value


def _only(elements: Object, known: set[str]) -> None:
    unknown = [key for key in elements if key not in known]
    if unknown:
        raise MalformedPolicy(f"expected {', '.join(sorted(known))}, got {_shown(unknown[0])}")


def _one_of(elements: Object, element: str) -> str:
    present = [name for name in (element, f"Not{element}") if name in elements]
    if len(present) != 1:
        raise MalformedPolicy(f"expected {element} or Not{element}, got {'both' if present else 'neither'}")
    return present[0]


def _either(elements: Object, element: str) -> tuple[str, tuple[str, ...]]:
    present = _one_of(elements, element)
    values = _texts(elements[present])
    if not values:
        raise MalformedPolicy(f"expected {present} to name something, got an empty list")
    return present, values


def _text(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, _Number):
        raise MalformedPolicy(f"expected a text, got {_shown(value)}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    """Return one text or a list of texts as a tuple, with numbers as written and booleans as texts."""
    listed = value if isinstance(value, list) else [value]
    return tuple(str(entry).lower() if isinstance(entry, (bool, _Number)) else _text(entry) for entry in listed)


def _shown(value: object) -> str:
    return json.dumps(value)[:_MAX_SHOWN]

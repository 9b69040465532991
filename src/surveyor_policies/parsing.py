"""A policy from its text, refused with one line where it is none.

IAM User Guide, Grammar of the IAM JSON policy language, and the pages of its elements. Size is not judged here: quotas
differ by what a policy is attached to (`size_of` counts as they do), and a decision must cope with any.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import Literal

from .conditions import condition
from .matching import Test, action_matcher, resource_test
from .model import MalformedPolicy, Policy
from .principals import PRINCIPAL_TYPES
from .statements import Condition, Effect, Statement, StatementIndex

__all__ = ["DocumentKind", "parse_policy", "size_of"]

DocumentKind = Literal["identity", "session", "resource", "trust"]
"""What a document is: an identity's or its boundary, a session's, a resource's, a role's trust policy."""

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
_OF_IDENTITIES = ("identity", "session")
_SHOWN = 80  # characters of what came that an error repeats
_WHITE_SPACE = str.maketrans("", "", " \t\r\n")


class _Number(str):
    """A JSON number as it was written: a condition's value may be one, nothing else."""

    __slots__ = ()


def size_of(text: str) -> int:
    """The size of a policy as quotas count it: characters without white space."""
    return len(text.translate(_WHITE_SPACE))


def parse_policy(text: str, name: str, *, arn: str | None = None, kind: DocumentKind = "identity") -> Policy:
    """The policy in ``text``; ``name`` is what errors will call it. Raises `MalformedPolicy`."""
    document = _object(_json(text), "a policy")
    _only(document, _ELEMENTS - ({"Id"} if kind in _OF_IDENTITIES else set()), "a policy")
    version = _text(document.get("Version", _VERSIONS[0]), "Version")
    if version not in _VERSIONS:
        raise MalformedPolicy(f"expected Version {' or '.join(_VERSIONS)}, got {_shown(version)}")
    if "Id" in document:
        _text(document["Id"], "Id")
    given = document.get("Statement")
    if not given:
        raise MalformedPolicy("expected a Statement element with at least one statement, got none")
    listed = given if isinstance(given, list) else [given]
    statements = tuple(
        _statement(index, each, kind, variables=version >= _VARIABLES_SINCE) for index, each in enumerate(listed)
    )
    sids = [statement.sid for statement in statements if statement.sid]
    if len(set(sids)) < len(sids):
        repeated = next(sid for sid, times in Counter(sids).items() if times > 1)
        raise MalformedPolicy(f"statement ids must be unique in a policy, and {_shown(repeated)} is there twice")
    return Policy(name, statements, StatementIndex(statements), arn, version)


def _statement(index: int, given: object, kind: DocumentKind, *, variables: bool) -> Statement:
    where = f"statement {index + 1}"
    elements = _object(given, where)
    _only(elements, _STATEMENT_ELEMENTS | (set() if kind in _OF_IDENTITIES else _PRINCIPAL_ELEMENTS), where)
    effect = elements.get("Effect")
    if effect != "Allow" and effect != "Deny":
        raise MalformedPolicy(f"{where}: expected Effect Allow or Deny, got {_shown(effect)}")
    sid = _text(elements.get("Sid", ""), f"{where}: Sid")
    if kind != "resource" and not _SID.match(sid):
        raise MalformedPolicy(f"{where}: expected a Sid of letters and digits, got {_shown(sid)}")
    action, actions = _either(elements, "Action", where)
    for pattern in actions:
        if pattern != "*" and not _ACTION.match(pattern):
            raise MalformedPolicy(f"{where}: expected {action} to be service:name or *, got {_shown(pattern)}")
    resource, resources = _resources(elements, kind, where)
    principal, principals = _principals(elements, kind, effect, where)
    conditions = _conditions(elements.get("Condition", {}), where, variables=variables)
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
        reads_context=bool(conditions) or any("${" in each for each in resources),
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


def _resources(elements: Object, kind: DocumentKind, where: str) -> tuple[str, tuple[str, ...]]:
    """The resources of a statement. A trust policy has none: it stands on the role that it is about."""
    if kind not in _OF_IDENTITIES and not {"Resource", "NotResource"} & elements.keys():
        return "Resource", ("*",)
    if kind == "trust":
        raise MalformedPolicy(f"{where}: a trust policy has no Resource element; leave it out")
    element, resources = _either(elements, "Resource", where)
    for resource in resources:
        if resource != "*" and not _RESOURCE.match(resource):
            raise MalformedPolicy(
                f"{where}: expected {element} to be an ARN whose service has no wildcard, or *, got {_shown(resource)}"
            )
        if kind == "session" and resource != "*" and resource.count(":") < _ARN_COLONS:
            raise MalformedPolicy(f"{where}: a session policy needs ARNs of six parts, got {_shown(resource)}")
    return element, resources


def _principals(
    elements: Object, kind: DocumentKind, effect: Effect, where: str
) -> tuple[str, tuple[tuple[str, str], ...] | None]:
    if kind in _OF_IDENTITIES:
        return "Principal", None
    element = _one_of(elements, "Principal", where)
    if element == "NotPrincipal" and (kind == "trust" or effect == "Allow"):
        raise MalformedPolicy(
            f"{where}: NotPrincipal may stand only with Deny, and in no trust policy; name principals"
        )
    given = elements[element]
    if given == "*":
        return element, (("*", "*"),)
    principals: list[tuple[str, str]] = []
    for type_, values in _object(given, f"{where}: {element}").items():
        if type_ not in PRINCIPAL_TYPES:
            raise MalformedPolicy(f"{where}: expected a principal of {', '.join(PRINCIPAL_TYPES)}, got {_shown(type_)}")
        for value in _texts(values, f"{where}: {element} {type_}"):
            if ("*" in value or "?" in value) and (value != "*" or type_ != "AWS"):
                raise MalformedPolicy(f"{where}: a principal is named in full or is *, got {_shown(value)}")
            principals.append((type_, value))
    if not principals:
        raise MalformedPolicy(f"{where}: expected {element} to name a principal, got none")
    return element, tuple(principals)


def _conditions(given: object, where: str, *, variables: bool) -> tuple[Condition, ...]:
    conditions: list[Condition] = []
    for operator, keys in _object(given, f"{where}: Condition").items():
        for key, values in _object(keys, f"{where}: {_shown(operator)}").items():
            texts = _texts(values, f"{where}: {_shown(operator)} {_shown(key)}", scalars=True)
            try:
                conditions.append(condition(operator, key, texts, variables=variables))
            except ValueError as error:
                raise MalformedPolicy(f"{where}: {error}") from None
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
    found = dict(pairs)
    if len(found) < len(pairs):
        repeated = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise MalformedPolicy(f"expected each key once, got {_shown(repeated)} twice")
    return found


def _no_constant(name: str) -> object:
    raise MalformedPolicy(f"not JSON: {name} is no number")


def _object(given: object, where: str) -> Object:
    if not isinstance(given, dict):
        raise MalformedPolicy(f"expected {where} to be a JSON object, got {_shown(given)}")
    return given


def _only(given: Object, known: set[str], where: str) -> None:
    unknown = [key for key in given if key not in known]
    if unknown:
        raise MalformedPolicy(f"expected {where} to have {', '.join(sorted(known))}, got {_shown(unknown[0])}")


def _one_of(elements: Object, element: str, where: str) -> str:
    present = [name for name in (element, f"Not{element}") if name in elements]
    if len(present) != 1:
        raise MalformedPolicy(f"{where}: expected {element} or Not{element}, got {'both' if present else 'neither'}")
    return present[0]


def _either(elements: Object, element: str, where: str) -> tuple[str, tuple[str, ...]]:
    present = _one_of(elements, element, where)
    values = _texts(elements[present], f"{where}: {present}")
    if not values:
        raise MalformedPolicy(f"{where}: expected {present} to name something, got an empty list")
    return present, values


def _text(given: object, where: str) -> str:
    if not isinstance(given, str) or isinstance(given, _Number):
        raise MalformedPolicy(f"expected {where} to be a text, got {_shown(given)}")
    return given


def _texts(given: object, where: str, *, scalars: bool = False) -> tuple[str, ...]:
    """One text or a list of them; ``scalars`` takes numbers (read as texts) and booleans too."""
    listed = given if isinstance(given, list) else [given]
    if scalars:
        listed = [str(each).lower() if isinstance(each, (bool, _Number)) else each for each in listed]
    return tuple(_text(each, where) for each in listed)


def _shown(given: object) -> str:
    text = json.dumps(given)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

"""Turn the evidence of a test into a few lines of boto3 and dig that reproduce it.

The program is a complete bug report: it names the claim, what is documented, what was expected and what the target
answered, and it ends by printing the answer in question.

Values of an answer that a later call used (ids, tokens, ARNs) become expressions, so that the lines run against a fresh
target, which has other ids. Evidence comes from the target: it enters the code only as a literal or inside a one-line
comment.
"""

from __future__ import annotations

import keyword
import math
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from botocore import xform_name

from surveyor.evidence import EvidenceEntry, operation_of
from surveyor.report.model import TargetReport, TestReport
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["Documented", "boto3_snippet", "dig_snippet", "expected_and_actual"]

_MAX_STEPS = 40
"""Steps shown of one test; only the last 40 are shown."""

_WIDTH = 96
_ZONE_PREFIX = "/hostedzone/"
_MORE = re.compile(r"… (\d{1,6}) more")  # marks a list that the evidence cut
_DIGIT = re.compile(r"\d")
_CUT = re.compile(r"(.*)… \((\d+) characters\)", re.DOTALL)  # marks a text that the evidence cut
_HEAD = """\
import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

plain = Config(parameter_validation=False, inject_host_prefix={prefix}, retries={{"total_max_attempts": 1}})
"""
_FRESH = {
    "embedded": "surveyor emulator --port 5000 --probe-loopback",
    "ministack": "GATEWAY_PORT=5000 ministack",
    "moto": "moto_server -p 5000",
}
"""Commands that start a target of this name at the address used in snippets."""

_FINISH = """
def finish(operation_id):
    while True:
        operation = cloudmap.get_operation(OperationId=operation_id)
        if operation["Operation"]["Status"] in ("SUCCESS", "FAIL"):
            return operation
        time.sleep(1)

"""


_ACCEPTED = re.compile(r"accepted (?:an invalid|the) request, expected (an error|.+)")
_REFUSED = re.compile(r"refused with (.+), expected (.+)")
_REFUSED_VALID = re.compile(r"refused a valid request with (.+)")
_DIFFERS = re.compile(r"(.+?): expected (.+), got (.+)")


@dataclass(frozen=True)
class Documented:
    """A claim that a test proves, with its statement and source."""

    claim: str
    statement: str
    source: str = ""


@dataclass(frozen=True)
class _Step:
    """The same call or question, `times` times in a row; `entry` is the last one."""

    entry: EvidenceEntry
    times: int


@dataclass(frozen=True)
class _Part:
    """A statement: a comment if `name` is "", else a call whose answer can be assigned to `name`.

    `error`: the error code of the answer.
    """

    name: str
    text: str
    error: str = ""
    times: int = 1

    def lines(self, *, decisive: bool, needed: bool) -> str:
        """Return Python code; an unused answer is not assigned, unless it is the one in question."""
        if not self.name:
            return f"{self.text}\n"
        again = f"  # {self.times} times in a row" if self.times > 1 and not self.text.startswith("finish(") else ""
        call = f"{self.name} = {self.text}{again}" if decisive or needed else f"{self.text}{again}"
        if self.error:
            handler = f"{self.name} = error.response" if decisive or needed else 'print(error.response["Error"])'
            call = f"try:\n    {call}\nexcept ClientError as error:  # actual: {self.error}\n    {handler}"
        return f"{call}\n"


@dataclass
class _Names:
    """Expressions for values that earlier answers returned."""

    known: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def learn(self, value: object, name: str, path: tuple[object, ...] = ()) -> None:
        """Keep the expressions of the values that the target generated in an answer with this name."""
        if isinstance(value, dict | Mapping):  # dict: checked in less time, and nearly all are
            for key, inner in value.items():
                self.learn(inner, name, (*path, key))
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self.learn(inner, name, (*path, number))
        elif isinstance(value, str) and value not in self.known and _is_generated(value):
            steps = (str(step) if isinstance(step, int) else _text(str(step)) for step in path)
            expression = self.known[value] = name + "".join(f"[{step}]" for step in steps)
            if value.startswith(_ZONE_PREFIX):  # Route 53 takes both forms of an id
                self.known.setdefault(value.removeprefix(_ZONE_PREFIX), expression)

    def learn_literal(self, value: object) -> None:
        """Keep the parameters of a call as literals, even if its answer repeats them."""
        if isinstance(value, Mapping):
            for inner in value.values():
                self.learn_literal(inner)
        elif isinstance(value, list):
            for inner in value:
                self.learn_literal(inner)
        elif isinstance(value, str):
            self.known.setdefault(value, "")

    def expression(self, text: str) -> str:
        found = self.known.get(text, "")
        if found:
            self.used.add(found.partition("[")[0])
        return found


def boto3_snippet(
    entries: Sequence[EvidenceEntry],
    target: TargetReport,
    test: TestReport | None = None,
    documented: Sequence[Documented] = (),
) -> str:
    """Return the calls among `entries` as a Python program, with DNS questions as comments; "" without calls.

    Its head says what `test` proves and what it found; at the end the answer of the operation in question is printed.
    """
    steps = list(_steps(entries))
    if not any(step.entry.get("kind") == "call" for step in steps):
        return ""
    names, left_out = _Names(), len(steps) - _MAX_STEPS
    is_whole = left_out <= 0 and not any(step.entry.get("kind") == "skipped" for step in steps)
    parts = [_Part("", f"# {left_out} earlier steps are left out.")] if left_out > 0 else []
    before: float | None = None
    decisive = last = ""
    for number, step in enumerate(steps[-_MAX_STEPS:], 1):
        at = step.entry.get("at")
        if isinstance(at, (int, float)):
            if before is not None and at - before >= 1 and step.entry.get("operation") != "GetOperation":
                parts.append(_Part("", f"# {round(at - before)} service seconds pass here."))
            before = at
        parts.append(_part(step, f"answer_{number}", names, is_whole=is_whole))
        last = parts[-1].name or last
        is_decisive = test is not None and test.operation and _operation(step.entry) == test.operation
        decisive = parts[-1].name if is_decisive and parts[-1].name else decisive
    decisive = decisive or last
    body = "".join(part.lines(decisive=part.name == decisive, needed=part.name in names.used) for part in parts)
    comments = "".join(f"# {one_line(line)}\n" for line in _comments(target, test, documented))
    printed = f'\n{decisive}.pop("ResponseMetadata", None)\nprint({decisive})\n' if decisive else ""
    return comments + _head(steps, target, finishing="finish(" in body) + body + printed


def expected_and_actual(test: TestReport) -> tuple[str, str]:
    """Return what a test that fails expected, and what the target answered, in words; "" for what is not known."""
    text = one_line(test.detail).removeprefix("set-up: ").removeprefix("tear-down: ")
    text = text.removeprefix(f"{test.operation}: ")
    if found := _ACCEPTED.fullmatch(text):
        return (found[1] if found[1] == "an error" else f"the error {found[1]}"), "no error: the request is accepted"
    if found := _REFUSED.fullmatch(text):
        return f"the error {found[2]}", f"the error {found[1]}"
    if found := _REFUSED_VALID.fullmatch(text):
        return "no error", f"the error {found[1]}"
    if found := _DIFFERS.fullmatch(text):
        return found[2], f"{found[3]} ({found[1]})"
    if text.endswith(" is missing"):
        return text.removesuffix(" is missing"), text
    return "", text


def dig_snippet(entries: Iterable[EvidenceEntry], target: TargetReport) -> str:
    """Return the DNS questions among `entries` as dig commands, each once; "" if there are none."""
    lines = list(dict.fromkeys(_dig(entry) for entry in entries if entry.get("kind") == "dns"))
    if lines and target.kind == "started":
        lines.insert(0, "# The server's address is from this run; a fresh target prints its own.")
    return "\n".join(lines)


def _comments(target: TargetReport, test: TestReport | None, documented: Sequence[Documented]) -> Iterator[str]:
    """Yield what stands above the program: the claims, what is documented, and what the target answered."""
    name = f"{target.name} {target.version}".strip()
    if not documented:
        yield f"Requests to {name}"
    for claim in documented:
        yield f"Claim {claim.claim} on {name}"
        yield f"documented: {claim.statement}" + (f" ({claim.source})" if claim.source else "")
    if test is not None and test.verdict is Verdict.FAIL:
        expected, actual = expected_and_actual(test)
        at = f"{test.operation}: " if test.operation else ""
        if expected:
            yield f"expected: {at}{expected}"
        yield f"got: {actual}" if expected else f"got: {at}{actual}"


def _operation(entry: EvidenceEntry) -> str:
    try:
        return operation_of(entry)
    except (AttributeError, TypeError):  # evidence of another shape, from a report that another program wrote
        return ""


def _steps(entries: Iterable[EvidenceEntry]) -> Iterator[_Step]:
    def request_of(entry: EvidenceEntry) -> tuple[str, ...]:
        keys = ("kind", "service", "operation", "params", "question", "server", "skipped")
        return tuple(repr(entry.get(key)) for key in keys)

    for _, same in groupby(entries, request_of):
        run = list(same)
        yield _Step(run[-1], sum(entry.get("times", 1) for entry in run))


def _head(steps: Sequence[_Step], target: TargetReport, *, finishing: bool) -> str:
    name = one_line(f"{target.name} {target.version}".strip(), 80)
    started = target.kind == "started"
    is_fake_account = started or target.credentials == "per-test"
    head = "import time\n\n" if finishing else ""
    head += _HEAD.format(prefix=not (target.endpoint or started))
    services = dict.fromkeys(str(step.entry.get("service", "")) for step in steps if step.entry.get("kind") == "call")
    if finishing:
        services.setdefault("servicediscovery")
    where: dict[str, str] = {}
    if started or target.endpoint:
        where["endpoint_url"] = target.endpoint or "http://127.0.0.1:5000"
    if started or target.region:
        where["region_name"] = target.region or "us-east-1"
    arguments = ""
    if where:
        comment = f"  # a fresh {name}" if started else ""
        comment += f": {_FRESH[target.name]}" if started and target.name in _FRESH else ""
        pairs = ", ".join(f"{_text(key)}: {_text(value)}" for key, value in where.items())
        head += f"where = {{{pairs}}}{comment}\n"
        arguments += ", **where"
    if is_fake_account:
        head += 'credentials = {"aws_access_key_id": "111111111111", "aws_secret_access_key": "surveyor"}\n'
        arguments += ", **credentials"
    for service in services:
        head += f"{_client(service)} = boto3.client({_text(service)}, config=plain{arguments})\n"
    return head + (_FINISH if finishing else "\n")


def _part(step: _Step, name: str, names: _Names, *, is_whole: bool) -> _Part:
    entry = step.entry
    if entry.get("kind") == "dns":
        return _Part("", f"# {_dig(entry)}" + (f"   ({step.times} times)" if step.times > 1 else ""))
    if entry.get("kind") != "call":
        return _Part("", f"# {_count(entry.get('skipped'))} calls are not in the evidence.")
    params, error = entry.get("params"), entry.get("error")
    params = params if isinstance(params, Mapping) else {}
    operation = str(entry.get("operation", ""))
    if operation.startswith("POST "):  # a hand-written request that no client sends
        return _Part("", f"# {one_line(operation, 80)}, signed, with {one_line(repr(dict(params)))}")
    if operation == "GetOperation" and list(params) == ["OperationId"] and error is None:
        if not is_whole and not names.known.get(str(params["OperationId"])):
            return _Part(
                "", "# Here the end of an operation is awaited that an earlier step started, which is left out."
            )
        call = f"finish({_literal(params['OperationId'], names, 0)})"
    else:
        method = f"{_client(str(entry.get('service', '')))}.{_identifier(xform_name(operation))}"
        call = f"{method}({_arguments(params, names, len(method), 0 if error is None else 4)})"
    names.learn_literal(params)
    names.learn(entry.get("response"), name)
    code = ""
    if error is not None:
        code = one_line(str(error.get("Code", "")) if isinstance(error, Mapping) else str(error), 80) or "an error"
    return _Part(name, call, code, step.times)


def _arguments(params: Mapping[str, object], names: _Names, width: int, indent: int) -> str:
    plain = all(key.isidentifier() and not keyword.iskeyword(key) for key in params)
    if not plain:
        return f"**{_literal(dict(params), names, indent)}"
    inner = indent + 4
    parts = [f"{key}={_literal(value, names, inner)}" for key, value in params.items()]
    flat = ", ".join(parts)
    if width + len(flat) <= _WIDTH and "\n" not in flat:
        return flat
    pad = " " * inner
    return "\n" + "".join(f"{pad}{part},\n" for part in parts) + " " * indent


def _literal(value: object, names: _Names, indent: int) -> str:
    """Return `value` as Python code, with expressions for values of earlier answers."""
    if isinstance(value, str):
        return names.expression(value) or _text(value)
    if isinstance(value, Mapping):
        parts = [f"{_text(str(key))}: {_literal(inner, names, indent + 4)}" for key, inner in value.items()]
        return _bracketed("{", parts, "}", indent)
    if isinstance(value, list):
        return _list_literal(value, names, indent)
    is_special = isinstance(value, float) and not math.isfinite(value)
    return f"float({_text(str(value))})" if is_special else repr(value)


def _list_literal(value: list[object], names: _Names, indent: int) -> str:
    """Return a list; the rest of one that the evidence cut is restored if its entries are numbered."""
    cut = _MORE.fullmatch(value[-1]) if len(value) > 2 and isinstance(value[-1], str) else None
    shown = value[:-1] if cut else value
    if cut:
        template = _numbered(shown)
        if template:
            return f"[{template} for number in range({len(shown) + int(cut[1])})]"
    parts = [_literal(inner, names, indent + 4) for inner in shown]
    return _bracketed("[", [*parts, f"# and {cut[1]} more"] if cut else parts, "]", indent)


def _numbered(items: Sequence[object]) -> str:
    """Return an expression of `number` that gives each item for its place; "" if there is none."""
    last = items[-1]
    structures = [item for item in items if isinstance(item, Mapping)]
    if len(structures) == len(items) and len({tuple(item) for item in structures}) == 1:
        parts = {key: _numbered([item[key] for item in structures]) for key in structures[0]}
        pairs = ", ".join(f"{_text(str(key))}: {part}" for key, part in parts.items())
        return f"{{{pairs}}}" if all(parts.values()) else ""
    if isinstance(last, str) and all(item == last for item in items):
        return _text(last)
    place = str(len(items) - 1)
    if not all(isinstance(item, str) for item in items) or str(last).count(place) != 1:
        return ""
    before, _, after = str(last).partition(place)
    if any(item != f"{before}{number}{after}" for number, item in enumerate(items)):
        return ""
    braces = str.maketrans({"{": "{{", "}": "}}"})
    return "f" + repr(f"{before.translate(braces)}\0{after.translate(braces)}").replace("\\x00", "{number}")


def _bracketed(opening: str, parts: Sequence[str], closing: str, indent: int) -> str:
    flat = f"{opening}{', '.join(parts)}{closing}"
    has_comment = bool(parts) and parts[-1].startswith("#")
    if indent + len(flat) <= _WIDTH and "\n" not in flat and not has_comment:
        return flat
    pad = " " * (indent + 4)
    return f"{opening}\n" + "".join(f"{pad}{part},\n" for part in parts) + " " * indent + closing


def _text(text: str) -> str:
    """Return a string literal; a cut text is restored if it repeats one character."""
    found = _CUT.fullmatch(text)
    if found and len(set(found[1])) == 1 and len(found[2]) < 10:
        return f"{_text(found[1][0])} * {int(found[2])}"
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain


def _dig(entry: EvidenceEntry) -> str:
    name, _, rdtype = str(entry.get("question", "")).rpartition(" ")
    address, _, port = str(entry.get("server", "")).rpartition(":")
    question = ["-q", name, "-t", rdtype] if name[:1] in ("-", "+", "@") else [name, rdtype]
    words = [f"@{address}", "-p", port, *question]
    return "dig " + " ".join(shlex.quote(one_line(word, 300)) for word in words)


def _is_generated(text: str) -> bool:
    """Return whether the target generated this value: an id, an ARN or a token, and not a word of the API."""
    return len(text) >= 8 and _DIGIT.search(text) is not None


def _client(service: str) -> str:
    return {"servicediscovery": "cloudmap"}.get(service) or _identifier(service)


def _identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}"


def _count(value: object) -> str:
    return str(value) if isinstance(value, int) else "some"

"""Turn the evidence of a test into a few lines of boto3 and dig that reproduce it.

The program is a complete bug report: it names the claim, what is documented, what was expected and what the target
answered, and it ends by printing the answer in question.

Values of an answer that a later call used (ids, tokens, ARNs) become expressions, since another target has other ids,
and the names that a test made up are new in each run of the program. Evidence comes from the target: it enters the code
only as a literal or inside a one-line comment.
"""

from __future__ import annotations

import keyword
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from botocore import xform_name

from surveyor.evidence import EvidenceEntry, operation_of
from surveyor.report.model import TargetReport, TestReport
from surveyor.report.snippet_values import KnownValues, call_arguments, find_run, find_tokens, literal, text_literal
from surveyor.verdicts import Verdict
from surveyor.visible_text import one_line

__all__ = ["Documented", "boto3_snippet", "dig_snippet", "expected_and_actual"]

_MAX_STEPS = 40
"""Steps shown of one test; only the last 40 are shown."""

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


_RUN = """\
run = uuid.uuid4().hex[:8]  # part of all names, so that they are new in each run
"""
_SHELL_RUN = "${run}"

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
    """The same call or question, `times` times in a row, with or without an error; `entry` is the last one."""

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
    params = _param_texts(steps)
    run = find_run(params)
    names, left_out = KnownValues(run, find_tokens(params)), len(steps) - _MAX_STEPS
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
    return comments + _head(steps, target, body) + body + printed


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
    steps = list(_steps(entries))
    run = find_run(_param_texts(steps))
    lines = list(dict.fromkeys(_dig(step.entry, run) for step in steps if step.entry.get("kind") == "dns"))
    if any(_SHELL_RUN in line for line in lines):
        lines.insert(0, "# run=... is what the program printed first: its names have it.")
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
        return *(repr(entry.get(key)) for key in keys), str("error" in entry)

    for _, same in groupby(entries, request_of):
        run = list(same)
        yield _Step(run[-1], sum(entry.get("times", 1) for entry in run))


def _param_texts(steps: Sequence[_Step]) -> list[str]:
    return [repr(step.entry.get("params")) for step in steps if step.entry.get("kind") == "call"]


def _head(steps: Sequence[_Step], target: TargetReport, body: str) -> str:
    finishing, names_run = "finish(" in body, "{run}" in body
    name = one_line(f"{target.name} {target.version}".strip(), 80)
    started = target.kind == "started"
    is_fake_account = started or target.credentials == "per-test"
    imports = [module for module, needed in (("time", finishing), ("uuid", names_run)) if needed]
    head = "".join(f"import {module}\n" for module in imports) + ("\n" if imports else "")
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
        pairs = ", ".join(f"{text_literal(key)}: {text_literal(value)}" for key, value in where.items())
        head += f"where = {{{pairs}}}{comment}\n"
        arguments += ", **where"
    if is_fake_account:
        head += 'credentials = {"aws_access_key_id": "111111111111", "aws_secret_access_key": "surveyor"}\n'
        arguments += ", **credentials"
    for service in services:
        head += f"{_client(service)} = boto3.client({text_literal(service)}, config=plain{arguments})\n"
    head += _RUN if names_run else ""
    head += 'print(f"run={run}")\n' if _SHELL_RUN in body else ""
    return head + (_FINISH if finishing else "\n")


def _part(step: _Step, name: str, names: KnownValues, *, is_whole: bool) -> _Part:
    entry = step.entry
    if entry.get("kind") == "dns":
        return _Part("", f"# {_dig(entry, names.run)}" + (f"   ({step.times} times)" if step.times > 1 else ""))
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
        call = f"finish({literal(params['OperationId'], names, 0)})"
    else:
        method = f"{_client(str(entry.get('service', '')))}.{_identifier(xform_name(operation))}"
        call = f"{method}({call_arguments(params, names, len(method), 0 if error is None else 4)})"
    names.learn_literal(params)
    names.learn(entry.get("response"), name)
    code = ""
    if error is not None:
        code = one_line(str(error.get("Code", "")) if isinstance(error, Mapping) else str(error), 80) or "an error"
    return _Part(name, call, code, step.times)


def _dig(entry: EvidenceEntry, run: str) -> str:
    """Return a question as a command of the shell, where the variable `run` has what the program printed."""
    name, _, rdtype = str(entry.get("question", "")).rpartition(" ")
    address, _, port = str(entry.get("server", "")).rpartition(":")
    question = ["-q", name, "-t", rdtype] if name[:1] in ("-", "+", "@") else [name, rdtype]
    words = [one_line(word, 300) for word in (f"@{address}", "-p", port, *question)]
    return "dig " + " ".join(_quoted_for_shell(word, run) for word in words)


def _quoted_for_shell(word: str, run: str) -> str:
    if not run or run not in word:
        return shlex.quote(word)
    return _SHELL_RUN.join(shlex.quote(part) if part else "" for part in word.split(run))


def _client(service: str) -> str:
    return {"servicediscovery": "cloudmap"}.get(service) or _identifier(service)


def _identifier(text: str) -> str:
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return name if name.isidentifier() and not keyword.iskeyword(name) else f"_{name}"


def _count(value: object) -> str:
    return str(value) if isinstance(value, int) else "some"

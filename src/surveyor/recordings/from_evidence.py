"""Make recordings from the calls that a run made in an account, without anything that belongs to the account.

Nothing is kept unless it is known to be harmless: names of members, values that the model lists, booleans, counts and
times to live. Every other value of a request becomes a variable, and of an answer only its presence is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape
from msgspec import structs

from surveyor.evidence import EvidenceEntry
from surveyor.recordings.model import Answer, Call, Confidence, Provenance, Recording, Relation
from surveyor.recordings.model_check import operation_model

__all__ = ["OWN_REPOSITORY", "RunOrigin", "confirmations", "recordings_of_test"]

OWN_REPOSITORY = "surveyor/own-run"
"""The repository of recordings that a run makes, until they are published in one."""

_REPLAYED_BY_SUITES = "made by a run: the suites of its claims repeat it"
_KEY = re.compile(
    r"(AWS|ECS|EC2)_[A-Z0-9_]+|AVAILABILITY_ZONE|REGION|AvailabilityZone|DeploymentId|\w+TimeoutInSeconds"
)
"""Keys of maps that AWS chooses; all others are words of the account."""

_NUMBERS = re.compile(
    r"(TTL|MaxResults|maxResults|MaxItems|FailureThreshold|RequestInterval|desiredCount|Weight|port)$"
)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,80}")
_MAX_PER_TEST = 6
_LEFT_OUT = "…"
_REMOVED = "(removed)"


@dataclass(frozen=True)
class RunOrigin:
    """The run that makes recordings: the day, the target, its region and Surveyor's version.

    `confidence`: low if the endpoint is not that of AWS.
    """

    day: date
    target: str
    region: str
    surveyor: str
    confidence: Confidence = Confidence.HIGH

    @property
    def text(self) -> str:
        """Return it in words."""
        return f"a run of Surveyor {self.surveyor} on {self.target} in {self.region}"


@dataclass
class _Variables:
    """The variables that stand for values of one test: equal values have one variable."""

    names: dict[str, str] = field(default_factory=dict)

    def stand_in(self, value: object) -> str:
        """Return the variable for a value."""
        return "{" + self.names.setdefault(str(value), f"value{len(self.names) + 1}") + "}"


def recordings_of_test(
    test: str,
    claims: Sequence[str],
    operations: Iterable[str],
    evidence: Iterable[EvidenceEntry],
    origin: RunOrigin,
    relation: Relation = Relation.CONFIRMS,
) -> Iterator[Recording]:
    """Yield a recording for each different call of a test that passed, of one of `operations` if it made any.

    `claims`: the ids of the claims that the test proves. `test`: its name, for the ids of the recordings.
    """
    wanted = set(operations)
    calls = [entry for entry in evidence if entry.get("kind") == "call" and "…" not in str(entry.get("operation"))]
    chosen = [entry for entry in calls if entry.get("operation") in wanted] or calls
    variables = _Variables()
    seen: set[str] = set()
    for entry in chosen:
        recording = _recording(test, claims, entry, origin, variables, len(seen) + 1)
        if recording is not None:
            recording = structs.replace(recording, relation=relation if claims else Relation.NONE)
        if recording is None:
            continue
        shape = repr((recording.request and recording.request.operation, recording.answer))
        if shape not in seen and len(seen) < _MAX_PER_TEST:
            seen.add(shape)
            yield recording


def confirmations(recordings: Iterable[Recording], origin: RunOrigin) -> Iterator[Recording]:
    """Yield a recording of today for each one that an account was found to agree with."""
    for recording in recordings:
        yield structs.replace(
            recording,
            id=f"own-{recording.id}",
            provenance=Provenance.OWN_RUN,
            repository=OWN_REPOSITORY,
            path=f"{origin.text}, as {recording.id} of {recording.source}",
            date=origin.day.isoformat(),
            confidence=origin.confidence,
            waived="",
        )


def _recording(
    test: str, claims: Sequence[str], entry: EvidenceEntry, origin: RunOrigin, variables: _Variables, number: int
) -> Recording | None:
    service, name = str(entry.get("service", "")), str(entry.get("operation", ""))
    model = operation_model(service, name)
    params = entry.get("params")
    if model is None or not isinstance(params, Mapping):  # a request that no client sends, such as a raw one
        return None
    request = Call(service, name, _neutral(model.input_shape, params, variables))
    answer, outcome = _answer(model, entry)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{test} {name}".lower()).strip("-")
    return Recording(
        id=f"own-{slug}-{number}",
        fact=f"{name} {outcome}.",
        provenance=Provenance.OWN_RUN,
        repository=OWN_REPOSITORY,
        path=f"{origin.text}, test {test}",
        confidence=origin.confidence,
        relation=Relation.CONFIRMS,
        answer=answer,
        claims=tuple(claims),
        date=origin.day.isoformat(),
        request=request,
        not_replayed=_REPLAYED_BY_SUITES,
    )


def _answer(model: OperationModel, entry: EvidenceEntry) -> tuple[Answer, str]:
    """Return what an answer has, and how it is called in a sentence."""
    status = entry.get("status") or None
    error = entry.get("error")
    if isinstance(error, Mapping):
        code = str(error.get("Code", ""))
        code = code if _CODE.fullmatch(code) else "Unknown"
        return Answer(error=code, status=status), f"is refused with {code}"
    present: list[str] = []
    absent: list[str] = []
    values: dict[str, Any] = {}
    _describe(model.output_shape, entry.get("response"), "", present, absent, values)
    answer = Answer(present=tuple(present), absent=tuple(absent), values=values, status=status)
    return answer, f"answers with {', '.join(name for name in present if '.' not in name) or 'nothing'}"


def _describe(
    shape: Shape | None, value: Any, path: str, present: list[str], absent: list[str], values: dict[str, Any]
) -> None:
    """Collect the members of an answer; of a list, those of its first element, if all have them."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, member in shape.members.items():
            where = f"{path}.{name}" if path else name
            if name not in value:
                if _LEFT_OUT not in value:
                    absent.append(where)
                continue
            present.append(where)
            _describe(member, value[name], where, present, absent, values)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        entries = [entry for entry in value if not (isinstance(entry, str) and entry.startswith(_LEFT_OUT))]
        if len(entries) == 1:  # several elements may differ, and an account may have others
            _describe(shape.member, entries[0], f"{path}.0", present, absent, values)
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        present += [f"{path}.{key}" for key in value if _KEY.fullmatch(str(key))]
    elif isinstance(value, bool) or (isinstance(value, str) and value in (getattr(shape, "enum", None) or ())):
        values[path] = value


def _neutral(shape: Shape | None, value: Any, variables: _Variables) -> Any:
    """Return a value of a request with variables for everything that may belong to the account."""
    if isinstance(value, Mapping):
        found = {}
        for key, inner in value.items():
            if isinstance(shape, StructureShape):
                member = shape.members.get(str(key))
                if member is None or key == _LEFT_OUT:
                    continue
                is_count = bool(_NUMBERS.search(str(key))) and isinstance(inner, int)
                found[str(key)] = inner if is_count else _neutral(member, inner, variables)
            elif key != _LEFT_OUT:
                name = str(key) if _KEY.fullmatch(str(key)) else variables.stand_in(key)
                found[name] = _neutral(getattr(shape, "value", None), inner, variables)
        return found
    if isinstance(value, list):
        entries = [entry for entry in value if not (isinstance(entry, str) and entry.startswith(_LEFT_OUT))]
        return [_neutral(getattr(shape, "member", None), entry, variables) for entry in entries]
    if isinstance(value, bool) or (isinstance(value, str) and value in (getattr(shape, "enum", None) or ())):
        return value
    return "{secret}" if value == _REMOVED else variables.stand_in(value)

"""Check recordings against botocore's models, and against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NoReturn

from botocore.exceptions import UnknownServiceError
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from surveyor.errors import UsageError
from surveyor.messages import nearest
from surveyor.recordings.model import Answer, Call, Provenance, Recording, Recordings
from surveyor.recordings.paths import PathStep, parse_path
from surveyor.service_models import model_loader

__all__ = ["check_recordings", "earlier_answers", "operation_model"]

_METADATA = "ResponseMetadata"


def check_recordings(recordings: Recordings) -> None:
    """Check that the models have all operations and members, and that recordings of one date do not disagree.

    Raise UsageError for the first recording that does not fit, with file and line.
    """
    for recording in recordings.by_id.values():
        try:
            _check_models(recording)
        except ValueError as error:
            raise UsageError(f"{recordings.locations[recording.id]}: recording {recording.id!r} {error}") from None
    for one, other, subject in _disagreements(list(recordings.by_id.values())):
        if one.date == other.date:
            raise UsageError(
                f"{recordings.locations[other.id]}: recording {other.id!r} disagrees with {one.id!r} "
                f"({recordings.locations[one.id]}) about {subject}; a history needs two dates"
            )


def earlier_answers(recordings: Recordings) -> Mapping[str, str]:
    """Return for each recording that a later one of the same request contradicts, the id of the later one."""
    pairs = _disagreements(list(recordings.by_id.values()))
    return {min(pair, key=_end).id: max(pair, key=_end).id for *pair, _ in pairs}


def operation_model(service: str, operation: str) -> OperationModel | None:
    """Return the model of an operation, or None if botocore does not have it."""
    model = _service(service)
    if model is None or operation not in model.operation_names:
        return None
    found: OperationModel = model.operation_model(operation)
    return found


def _end(recording: Recording) -> str:
    """Return the end of a recording's date."""
    return recording.date.rpartition("/")[2]


def _check_models(recording: Recording) -> None:
    calls = [
        *(recording.replay.before if recording.replay else ()),
        *([recording.request] if recording.request else []),
    ]
    for call in calls:
        operation = _operation(call)
        _check_params(operation.input_shape, call.params, f"the request of {call.operation}")
        for path in call.save.values():
            _check_path(operation.output_shape, path, call.operation)
            if any(step.name == "*" for step in parse_path(path)):
                raise ValueError(f"saves {path!r}, which may be several values; expected one")
    for pattern in recording.answer.formats.values():
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"has the format {pattern!r}, which is no regular expression: {error}") from None
    for path in _paths(recording.answer):
        parse_path(path)
        if recording.request:
            operation = _operation(recording.request)
            shape: Shape | None = operation.output_shape
            if recording.answer.error:
                shape = _error_shape(operation.service_model, recording.answer.error)
            if shape is not None or not recording.answer.error:
                _check_path(shape, path, recording.request.operation)


def _operation(call: Call) -> OperationModel:
    model = _service(call.service)
    if model is None:
        raise ValueError(f"calls the service {call.service!r}, which botocore does not have")
    if call.operation not in model.operation_names:
        hint = nearest(call.operation, model.operation_names)
        raise ValueError(f"calls {call.operation!r}, which the model of {call.service} does not have{hint}")
    operation: OperationModel = model.operation_model(call.operation)
    return operation


def _error_shape(model: ServiceModel, code: str) -> Shape | None:
    shapes = (shape for shape in model.error_shapes if isinstance(shape, StructureShape))
    return next((shape for shape in shapes if shape.error_code == code), None)


def _check_params(shape: Shape | None, value: Any, where: str) -> None:
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for name, entry in value.items():
            if name not in shape.members:
                _refuse_member(name, where, shape)
            _check_params(shape.members[name], entry, f"{where}, {name}")
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for entry in value:
            _check_params(shape.member, entry, where)
    elif shape is None and value:
        raise ValueError(f"has members in {where}, which takes none")


def _check_path(shape: Shape | None, path: str, operation: str) -> None:
    where = f"the answer of {operation}"
    steps = parse_path(path)
    if steps[0].name == _METADATA:
        return
    for step in steps:
        shape = _step(shape, step, where)
        if shape is None:
            return
        where += f", {step.name}"


def _step(shape: Shape | None, step: PathStep, where: str) -> Shape | None:
    """Return the shape after one step of a path; None where a model says nothing about what is inside."""
    if isinstance(shape, ListShape) and (step.name == "*" or step.name.isdigit()):
        return shape.member
    if isinstance(shape, MapShape):
        return shape.value
    if not isinstance(shape, StructureShape):
        if shape is not None and shape.type_name == "string":  # a document, such as that of a policy
            return None
        raise ValueError(f"names the member {step.name!r} of {where}, which has no members")
    if step.name not in shape.members:
        _refuse_member(step.name, where, shape)
    member: Shape = shape.members[step.name]
    if not step.key:
        return member
    if not isinstance(member, ListShape):
        raise ValueError(f"selects an element of {step.name!r} in {where}, which is no list")
    if isinstance(member.member, StructureShape) and step.key not in member.member.members:
        _refuse_member(step.key, f"{where}, {step.name}", member.member)
    return member.member


def _refuse_member(name: str, where: str, shape: StructureShape) -> NoReturn:
    raise ValueError(f"names {name!r} in {where}, which the model does not have{nearest(name, shape.members)}")


def _paths(answer: Answer) -> Iterator[str]:
    yield from (*answer.present, *answer.absent, *answer.order)
    for mapping in (answer.values, answer.formats, answer.contains, answer.lacks, answer.exactly):
        yield from mapping


def _disagreements(recordings: Sequence[Recording]) -> Iterator[tuple[Recording, Recording, str]]:
    """Yield two recordings of the same request in the same situation with contrary answers, and in what they differ."""
    by_request: dict[str, list[Recording]] = {}
    for recording in recordings:
        # The values of a run's own requests are variables, so that equal requests need not mean the same.
        is_anonymous = recording.provenance is Provenance.OWN_RUN and recording.replay is None
        if recording.request and not is_anonymous:
            before = (recording.replay.situation, recording.replay.before) if recording.replay else None
            by_request.setdefault(repr((recording.request, before)), []).append(recording)
    for same in by_request.values():
        for number, other in enumerate(same):
            for one in same[:number]:
                if subject := _contrary(one.answer, other.answer):
                    yield one, other, subject


def _contrary(one: Answer, other: Answer) -> str:
    """Return in what two answers cannot both be right; "" if they can."""
    if one.error != other.error:
        return f"the error ({one.error or 'none'} and {other.error or 'none'})"
    if None not in (one.status, other.status) and one.status != other.status:
        return f"the HTTP status ({one.status} and {other.status})"
    for left, right in ((one, other), (other, one)):
        for path in left.absent:
            if path in right.present or path in right.values or path in right.formats:
                return path
    return next((path for path, value in one.values.items() if other.values.get(path, value) != value), "")


@cache
def _service(name: str) -> ServiceModel | None:
    try:
        return ServiceModel(model_loader().load_service_model(name, "service-2"), name)
    except UnknownServiceError:
        return None

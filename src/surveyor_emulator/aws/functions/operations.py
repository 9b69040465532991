"""Operations on functions (lambda/CreateFunction, GetFunction, ListFunctions, DeleteFunction)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import Document

from .state import Function, FunctionState

__all__ = ["create_function", "delete_function", "get_function", "list_functions"]

DEFAULT_TIMEOUT, MAX_TIMEOUT = 3, 900
MAX_LISTED = 50
_HANDLER = re.compile(r"[A-Za-z_]\w*(/[A-Za-z_]\w*)*\.[A-Za-z_]\w*")
_ARN = re.compile(r"arn:aws:lambda:[a-z0-9-]+:\d{12}:function:([^:]+)(:.*)?")
Request = Mapping[str, Any]


def create_function(call: Call, request: Request) -> Document:
    """CreateFunction: Python code in a zip archive."""
    name, runtime = str(request["FunctionName"]), str(request.get("Runtime") or "")
    functions = call.world.regional(FunctionState, call.account, call.region).functions
    if name in functions:
        raise ServiceError("ResourceConflictException", f"Function already exist: {name}", status=409)
    if not runtime.startswith("python"):
        raise _invalid("this target runs functions of the runtimes python3.* only")
    if not _HANDLER.fullmatch(str(request.get("Handler") or "")):
        raise _invalid("Handler must be module.function")
    timeout = request.get("Timeout") or DEFAULT_TIMEOUT
    if not 1 <= timeout <= MAX_TIMEOUT:
        raise _invalid(f"Timeout must be from 1 to {MAX_TIMEOUT}")
    functions[name] = Function(
        name,
        f"arn:aws:lambda:{call.region}:{call.account}:function:{name}",
        runtime,
        str(request["Role"]),
        str(request["Handler"]),
        _read_code(request["Code"].get("ZipFile")),
        timeout,
        dict((request.get("Environment") or {}).get("Variables") or {}),
        call.now,
    )
    call.note("lambda.created", name)
    return _configuration(functions[name])


def get_function(call: Call, request: Request) -> Document:
    """GetFunction, by name or ARN."""
    return {"Configuration": _configuration(_find(call, request))}


def list_functions(call: Call, request: Request) -> Document:
    """ListFunctions, in pages of at most 50 by name (lambda/ListFunctionsRequest.MaxItems)."""
    functions = call.world.regional(FunctionState, call.account, call.region).functions
    marker, size = str(request.get("Marker") or ""), min(int(request.get("MaxItems") or MAX_LISTED), MAX_LISTED)
    after = [functions[name] for name in sorted(functions) if name > marker]
    page = after[:size]
    more: Document = {"NextMarker": page[-1].name} if len(after) > size else {}
    return {"Functions": [_configuration(function) for function in page], **more}


def delete_function(call: Call, request: Request) -> Document:
    """DeleteFunction, by name or ARN."""
    function = _find(call, request)
    del call.world.regional(FunctionState, call.account, call.region).functions[function.name]
    return {}


def _find(call: Call, request: Request) -> Function:
    reference = str(request["FunctionName"])
    match = _ARN.fullmatch(reference)
    name = match.group(1) if match else reference
    function = call.world.regional(FunctionState, call.account, call.region).functions.get(name)
    if function is None:
        raise ServiceError("ResourceNotFoundException", f"Function not found: {name}", status=404)
    return function


def _read_code(text: object) -> bytes:
    """Return the zip archive of a request, which must be one."""
    try:
        code = base64.b64decode(str(text or ""), validate=True)
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            names = archive.namelist()
    except (binascii.Error, zipfile.BadZipFile):
        raise _invalid("Code.ZipFile must be a zip archive") from None
    if any(name.startswith("/") or ".." in name.split("/") for name in names):
        raise _invalid("Code.ZipFile has a file outside of its folder")
    return code


def _configuration(function: Function) -> dict[str, object]:
    changed = datetime.fromtimestamp(function.created, UTC).isoformat(timespec="milliseconds")
    return {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": len(function.code),
        "CodeSha256": base64.b64encode(hashlib.sha256(function.code).digest()).decode(),
        "Timeout": function.timeout,
        "MemorySize": 128,
        "LastModified": changed.replace("+00:00", "+0000"),
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
    }


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", message, status=400)

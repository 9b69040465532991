"""S3, which moto answers inside this process: the mailbox between a run and its vantage is a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from importlib import import_module
from typing import Any
from urllib.parse import quote, urlencode

from surveyor_emulator.aws.iam.managed_policies import share_aws_policies
from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Response
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols import ParsedRequest, WireProtocol
from surveyor_emulator.protocols.api_models import Model
from surveyor_emulator.protocols.xml import escape

__all__ = ["answer", "load", "operations"]

_METHODS = {
    "ListBuckets": "GET", "CreateBucket": "PUT", "HeadBucket": "HEAD", "DeleteBucket": "DELETE",
    "GetBucketLocation": "GET", "ListObjectsV2": "GET", "DeleteObjects": "POST", "PutObject": "PUT",
    "GetObject": "GET", "DeleteObject": "DELETE",
}  # fmt: skip
_QUERIES = {"GetBucketLocation": {"location": ""}, "ListObjectsV2": {"list-type": "2"}, "DeleteObjects": {"delete": ""}}
_KEPT_HEADERS = frozenset({"content-type", "etag", "last-modified", "location"})
# moto takes a host without dots for one that has the bucket in the path.
_HOST = "localhost"


def load(service: str) -> None:
    """Import the module of moto that answers; takes some tenths of a second the first time."""
    import_module("moto.s3.responses")
    share_aws_policies()


def operations(service: str, model: Model) -> AbstractSet[str]:
    """Return the operations that are forwarded."""
    return _METHODS.keys() & model.operations.keys()


def answer(call: Call, parsed: ParsedRequest, wire: WireProtocol, request_id: str) -> Response:
    """Answer a request whose caller is known to be allowed to make it. Raises ServiceError."""
    from moto.core.request import Request as MotoRequest
    from moto.s3.responses import S3Response

    operation, params = parsed
    _require_own(call, str(params.get("Bucket", "")))
    path = "/".join(quote(str(params[name]), safe="/") for name in ("Bucket", "Key") if name in params)
    url = f"http://{_HOST}/{path}?{urlencode({**_QUERIES.get(operation, {}), **_queried(params)})}".removesuffix("?")
    scope = f"{call.account}/20000101/{call.region}/s3/aws4_request"
    headers = {
        "host": _HOST,
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "x-moto-account-id": call.account,
    }
    request = MotoRequest.from_primitives(_METHODS[operation], url, headers, _body(params))
    dispatch = S3Response.key_dispatch if "Key" in params else S3Response.bucket_dispatch
    status, answered, content = dispatch(request, url, headers)
    kept = {name: str(value) for name, value in answered.items() if name.lower() in _KEPT_HEADERS}
    return Response(int(status), content.encode() if isinstance(content, str) else content, kept)


def _require_own(call: Call, bucket: str) -> None:
    """Raise ServiceError if a bucket is another account's: without a policy of the bucket nothing is allowed there."""
    from moto.s3.models import s3_backends

    owner = s3_backends.bucket_accounts.get(bucket)
    if owner is not None and owner[1] != call.account and call.operation != "CreateBucket":
        raise ServiceError("AccessDenied", "Access Denied", status=403)


def _queried(params: Mapping[str, Any]) -> dict[str, str]:
    names = {"Prefix": "prefix", "ContinuationToken": "continuation-token", "MaxKeys": "max-keys"}
    names |= {"EncodingType": "encoding-type", "StartAfter": "start-after", "Delimiter": "delimiter"}
    names |= {"BucketRegion": "bucket-region", "MaxBuckets": "max-buckets"}
    return {names[name]: str(value) for name, value in params.items() if name in names}


def _body(params: Mapping[str, Any]) -> bytes:
    if "CreateBucketConfiguration" in params:
        place = escape(str(params["CreateBucketConfiguration"].get("LocationConstraint", "")))
        inside = f"<LocationConstraint>{place}</LocationConstraint>"
        return f"<CreateBucketConfiguration>{inside}</CreateBucketConfiguration>".encode()
    if "Delete" in params:
        keys = "".join(f"<Object><Key>{escape(entry['Key'])}</Key></Object>" for entry in params["Delete"]["Objects"])
        quiet = str(params["Delete"]["Quiet"]).lower()
        return f"<Delete>{keys}<Quiet>{quiet}</Quiet></Delete>".encode()
    body = params.get("Body", b"")
    return body if isinstance(body, bytes) else b""

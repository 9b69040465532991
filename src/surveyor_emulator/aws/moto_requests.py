"""Requests to moto, which answers some services inside this process.

moto gets a request that is written anew from the operation and the parameters that permission was asked for: of the
request that arrived nothing else reaches it, since it would read some requests otherwise.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.http import Request, Response
from surveyor_emulator.core.world import Call
from surveyor_emulator.protocols.api_models import Model

__all__ = ["forward_to_moto", "operations_of"]

_KEPT_HEADERS = ("content-type", "x-amzn-errortype", "x-amzn-query-error")


def operations_of(responses: Any, model: Model) -> AbstractSet[str]:
    """Return the operations of a model that moto's class ``responses`` has."""
    from moto.core.utils import camelcase_to_underscores, method_names_from_class

    methods = set(method_names_from_class(responses))
    return frozenset(name for name in model.operations if camelcase_to_underscores(name) in methods)


def forward_to_moto(responses: Any, call: Call, request: Request, endpoint: str) -> Response:
    """Return the response of moto's class ``responses`` to a request of the calling account.

    ``endpoint`` is the URL that moto takes for its own. Raises ServiceError for an operation that moto does not have.
    """
    from moto.core.request import Request as MotoRequest

    # moto reads the Region from the signature.
    scope = f"{call.account}/20000101/{call.region}/{call.service}/aws4_request"
    headers = {
        **request.headers,
        "authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        "x-moto-account-id": call.account,
    }
    forwarded = MotoRequest.from_primitives("POST", f"{endpoint}/", headers, request.body)
    try:
        status, answered, content = responses.dispatch(forwarded)
    except NotImplementedError as error:
        raise ServiceError("NotImplemented", f"moto does not offer this: {error}", status=501) from None
    kept = {name: str(value) for name, value in answered.items() if name.lower() in _KEPT_HEADERS}
    return Response(int(status), content.encode() if isinstance(content, str) else content, kept)

"""Find the public page of a source, so that a reader is one click away from the document that decides.

AWS documents each operation and nested structure of an API on its own page. Other shapes (errors, plain texts and
numbers) are on the page of the first operation or structure that uses them; botocore's models show which that is.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.exceptions import DataNotFoundError

from surveyor.claims import Source
from surveyor.claims.model import SourceKind
from surveyor.service_models import model_loader

__all__ = ["href"]

_DOCS = "https://docs.aws.amazon.com"
_REFERENCES = {
    "servicediscovery": (f"{_DOCS}/cloud-map/latest/api", "cloudmap"),
    "route53": (f"{_DOCS}/Route53/latest/APIReference", "Route53"),
    "route53resolver": (f"{_DOCS}/Route53/latest/APIReference", ""),
    "ecs": (f"{_DOCS}/AmazonECS/latest/APIReference", "ECS"),
    "appmesh": (f"{_DOCS}/app-mesh/latest/APIReference", ""),
    "ram": (f"{_DOCS}/ram/latest/APIReference", ""),
    "sts": (f"{_DOCS}/STS/latest/APIReference", ""),
    "elbv2": (f"{_DOCS}/elasticloadbalancing/latest/APIReference", ""),
}
"""The API reference of each service, by botocore's name, and the first word of the anchors of members in it."""

_GUIDES = {
    "AWS App Mesh User Guide": f"{_DOCS}/app-mesh/latest/userguide/{{}}.html",
    "AWS CLI Command Reference": f"{_DOCS}/cli/latest/reference/{{}}.html",
    "AWS Cloud Map Developer Guide": f"{_DOCS}/cloud-map/latest/dg/{{}}.html",
    "AWS Cloud Map FAQs": "https://aws.amazon.com/cloud-map/faqs/",
    "AWS Management Console": f"{_DOCS}/awsconsolehelpdocs/latest/gsg/{{}}.html",
    "AWS RAM User Guide": f"{_DOCS}/ram/latest/userguide/{{}}.html",
    "AWS Managed Policy Reference": f"{_DOCS}/aws-managed-policy/latest/reference/{{}}.html",
    "AWS PrivateLink Guide": f"{_DOCS}/vpc/latest/privatelink/{{}}.html",
    "Amazon API Gateway Developer Guide": f"{_DOCS}/apigateway/latest/developerguide/{{}}.html",
    "Amazon ECS Developer Guide": f"{_DOCS}/AmazonECS/latest/developerguide/{{}}.html",
    "Amazon Route 53 Developer Guide": f"{_DOCS}/Route53/latest/DeveloperGuide/{{}}.html",
    "IAM User Guide": f"{_DOCS}/IAM/latest/UserGuide/{{}}.html",
    "Service Authorization Reference": f"{_DOCS}/service-authorization/latest/reference/{{}}.html",
    "Amazon VPC User Guide": f"{_DOCS}/vpc/latest/userguide/{{}}.html",
}
"""The addresses of guides, by the names that sources use; the page replaces the braces."""


def href(source: Source) -> str:
    """Return the address of a source's page; "" if it is unknown."""
    if source.kind is SourceKind.MODEL:
        return _reference(source.text)
    if source.kind is SourceKind.GUIDE:
        guide, _, page = source.text.partition(", ")
        if guide.startswith("RFC "):
            section = f"#section-{page.removeprefix('section ')}" if page.startswith("section ") else ""
            return f"https://www.rfc-editor.org/rfc/rfc{guide.removeprefix('RFC ')}{section}"
        page = page.partition(" (")[0].replace(" ", "/")  # "vpc-dns (DNS quotas)"; "servicediscovery list-services"
        return _GUIDES.get(guide, "").format(page)
    if source.kind is SourceKind.REPORT:
        repository, _, number = source.text.partition("#")
        return f"https://github.com/{repository}/issues/{number}"
    return ""


def _reference(path: str) -> str:
    service, _, rest = path.partition("/")
    name, _, member = rest.partition(".")
    if service not in _REFERENCES:
        return ""
    root, word = _REFERENCES[service]
    if name == "examples" and member:
        return f"{root}/API_{member}.html"
    model = _model(service)
    if model is None or (name not in model["operations"] and name not in model["shapes"]):
        return f"{root}/Welcome.html"
    page, part, inner = _page(model, name, member, set())
    page_name = f"{service}_{page}" if service == "route53resolver" else page
    return f"{root}/API_{page_name}.html" + (f"#{word}-{part.format(page)}-{inner}" if word and inner else "")


def _page(model: Mapping[str, Any], name: str, member: str, seen: set[str]) -> tuple[str, str, str]:
    """Return the page, the pattern of its anchors, and the member on it ("" for the whole page)."""
    operations, shapes = model["operations"], model["shapes"]
    seen.add(name)
    if name in operations:
        return name, "", ""
    for operation, details in operations.items():
        if details.get("input", {}).get("shape") == name:
            return operation, "{}-request", member
        if details.get("output", {}).get("shape") == name:
            return operation, "{}-response", member
    for operation, details in operations.items():
        if any(error["shape"] == name for error in details.get("errors", ())):
            return operation, "", ""
    if shapes[name]["type"] == "structure":
        return name, "Type-{}", member
    for user, key in _users(shapes, name):
        if user not in seen:
            return _page(model, user, key, seen)
    return "Operations", "", ""


def _users(shapes: Mapping[str, Any], name: str) -> list[tuple[str, str]]:
    """Return the shapes that contain `name`, each with the member that holds it; structures first."""
    structures = [
        (user, key)
        for user, shape in shapes.items()
        for key, reference in shape.get("members", {}).items()
        if reference["shape"] == name
    ]
    collections = [
        (user, "")
        for user, shape in shapes.items()
        if any(shape.get(part, {}).get("shape") == name for part in ("member", "key", "value"))
    ]
    return structures + collections


@cache
def _model(service: str) -> Mapping[str, Any] | None:
    try:
        model: Mapping[str, Any] = model_loader().load_service_model(service, "service-2")
    except DataNotFoundError:
        return None
    return model

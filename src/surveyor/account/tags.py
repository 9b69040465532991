"""The names and the tags by which resources of a run are known, and the tags that a user adds."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

__all__ = [
    "MAX_TAGS",
    "TAG",
    "TagError",
    "add_run_tag",
    "add_tags",
    "belongs_to_run",
    "check_tags",
    "parse_tags",
    "run_prefix",
    "without_tags",
]

TAG = "surveyor:run"
"""The key of the tag; its value is the run."""

MAX_TAGS: Final = 50
"""Tags of one resource (Tagging AWS Resources User Guide, "Tag naming limits and requirements")."""

_MAX_OWN = MAX_TAGS - 1
_MAX_KEY, _MAX_VALUE = 128, 256
_CHARACTERS = re.compile(r"[\w\s+\-=._:/@]*")
"""Letters, digits, white space and + - = . _ : / @ in all services (the same page)."""

_RESERVED = ("aws:", "surveyor:")

_EC2_RESOURCE_TYPES: Mapping[str, tuple[str, ...]] = {
    "CreateInternetGateway": ("internet-gateway",),
    "CreateSecurityGroup": ("security-group",),
    "CreateVpc": ("vpc",),
    "CreateSubnet": ("subnet",),
    "RunInstances": ("instance", "volume", "network-interface"),
}
"""What a call creates; the first one gets the tag of the run."""

_CLOUD_MAP = ("CreateHttpNamespace", "CreatePrivateDnsNamespace", "CreatePublicDnsNamespace", "CreateService")
_ECS = ("CreateCluster", "CreateService", "RegisterTaskDefinition")

_RESOLVER = (
    "CreateResolverEndpoint", "CreateResolverRule", "CreateFirewallDomainList", "CreateFirewallRuleGroup",
    "AssociateFirewallRuleGroup",
)  # fmt: skip

_TAG_LISTS: Mapping[tuple[str, str], str] = {
    **{("servicediscovery", operation): "Tags" for operation in _CLOUD_MAP},
    **{("ecs", operation): "tags" for operation in (*_ECS, "RunTask", "StartTask", "CreateTaskSet")},
    **{("elbv2", f"Create{kind}"): "Tags" for kind in ("LoadBalancer", "TargetGroup", "Listener", "Rule")},
    **{("iam", f"Create{kind}"): "Tags" for kind in ("Role", "User", "Policy", "InstanceProfile")},
    ("acm-pca", "CreateCertificateAuthority"): "Tags",
    ("events", "PutRule"): "Tags",
    ("cloudwatch", "PutMetricAlarm"): "Tags",
    **{("route53resolver", operation): "Tags" for operation in _RESOLVER},
    ("ram", "CreateResourceShare"): "tags",
}
"""Calls that create something and take a list of tags: the member. In a list `tags`, keys are `key`, else `Key`."""

_TAG_MAPS = {
    ("lambda", "CreateFunction"): "Tags",
    ("logs", "CreateLogGroup"): "tags",
    ("sqs", "CreateQueue"): "tags",
}


class TagError(ValueError):
    """Tags that no resource may have; the message says which, and why."""


def run_prefix(run: str) -> str:
    """Return the prefix of all names of the run."""
    return f"surveyor-{run}-"


def parse_tags(texts: Collection[str]) -> dict[str, str]:
    """Return the tags in texts such as `cost-centre=42`; the value may be empty. Raises TagError."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise TagError(f"expected KEY=VALUE, got {text[:200]!r}")
        if key in found:
            raise TagError(f"{key[:200]!r} is given twice")
        found[key] = value
    return found


def check_tags(tags: Mapping[str, str]) -> None:
    """Raise TagError unless all services take these tags beside that of the run."""
    if len(tags) > _MAX_OWN:
        raise TagError(f"{len(tags)} tags, and a resource has at most {MAX_TAGS}, one of them that of the run")
    for key, value in tags.items():
        shown = repr(key[:_MAX_KEY])
        if not 1 <= len(key) <= _MAX_KEY:
            raise TagError(f"a key has 1 to {_MAX_KEY} characters, {shown} has {len(key)}")
        if len(value) > _MAX_VALUE:
            raise TagError(f"a value has at most {_MAX_VALUE} characters, that of {shown} has {len(value)}")
        if not _CHARACTERS.fullmatch(key) or not _CHARACTERS.fullmatch(value):
            raise TagError(f"{shown} or its value has characters beside letters, digits, spaces and + - = . _ : / @")
        if not (key + value).isprintable():
            raise TagError(f"{shown} or its value has characters that cannot be printed")
        if key.lower().startswith(_RESERVED):
            raise TagError(f"{shown} begins with a reserved prefix: {' and '.join(_RESERVED)} are not for users")
    by_case: dict[str, str] = {}
    for key in tags:  # IAM User Guide, "Controlling access ... using tags": keys in conditions ignore case
        if (other := by_case.setdefault(key.lower(), key)) != key:
            raise TagError(f"{other!r} and {key!r} differ only in case, and are one key for IAM")


def add_run_tag(
    service: str, operation: str, params: Mapping[str, Any], run: str, account: str = ""
) -> dict[str, Any] | None:
    """Return the parameters of a create call with the tag of the run. `account`: the run's, "" if it is not known.

    Returns None if the call takes no tags, or has tags already; those of Cloud Map get it beside others.
    """
    tag = [{"Key": TAG, "Value": run}]
    if service == "servicediscovery" and operation in _CLOUD_MAP:
        given = params.get("Tags", [])
        added = given if _may_be_anothers(params, account) else _with_entries(given, {TAG: run})
        return None if added is given or added == given else {**params, "Tags": added}
    if service == "ec2" and operation in _EC2_RESOURCE_TYPES and "TagSpecifications" not in params:
        return {**params, "TagSpecifications": [{"ResourceType": _EC2_RESOURCE_TYPES[operation][0], "Tags": tag}]}
    if service == "ecs" and operation in _ECS and "tags" not in params:
        return {**params, "tags": [{"key": TAG, "value": run}]}
    if service == "acm-pca" and operation == "CreateCertificateAuthority":
        return {**params, "Tags": [*params.get("Tags", ()), *tag]}
    if service == "route53resolver" and operation in _RESOLVER and "Tags" not in params:
        return {**params, "Tags": tag}
    if service == "ecs" and operation == "RunTask" and "startedBy" not in params:
        return {**params, "startedBy": run_prefix(run)}
    return None


def add_tags(
    service: str, operation: str, params: Mapping[str, Any], tags: Mapping[str, str], account: str = ""
) -> Mapping[str, Any]:
    """Return the parameters of a create call with the tags of the user; those that it has stay. `account`: the run's.

    Calls that create nothing, whose tags are wrong, or would be too many only with these, are returned as they are. The
    tasks of an ECS service get its tags if the call has neither tags nor `propagateTags` itself. Hosted zones and
    health checks take no tags on creation.
    """
    if not tags:
        return params
    if service == "ec2" and operation in _EC2_RESOURCE_TYPES:
        return _with_specifications(params, tags, _EC2_RESOURCE_TYPES[operation])
    if member := _TAG_MAPS.get((service, operation)):
        given = params.get(member, {})
        is_valid = isinstance(given, Mapping) and len({*given, *tags}) <= MAX_TAGS
        return {**params, member: {**tags, **given}} if is_valid else params
    member = _TAG_LISTS.get((service, operation), "")
    if not member or (service == "servicediscovery" and _may_be_anothers(params, account)):
        return params
    given = params.get(member) or []
    added = _with_entries(given, tags, *(("key", "value") if member == "tags" else ("Key", "Value")))
    if service == "ecs" and operation == "CreateService" and not _has_own_tags(params):
        params = {"propagateTags": "SERVICE", **params}
    return params if added is given else {**params, member: added}


def without_tags(answer: Any, tags: Mapping[str, str]) -> Any:
    """Return an answer without the tags of the user, so that what a test created has the tags that it gave it."""
    if isinstance(answer, Mapping):
        return {key: without_tags(value, tags) for key, value in answer.items()}
    if isinstance(answer, list):
        return [without_tags(entry, tags) for entry in answer if not _is_one_of(entry, tags)]
    return answer


def belongs_to_run(name: str, tags: list[dict[str, str]], run: str) -> bool:
    """Return whether a resource with this name and these tags belongs to the run."""
    return run_prefix(run) in name or any(tag.get("Key") == TAG and tag.get("Value") == run for tag in tags)


def _has_own_tags(params: Mapping[str, Any]) -> bool:
    """Return whether a call of ECS gives tags beside that of the run, be it an empty list."""
    keys = [tag.get("key") for tag in params["tags"] if isinstance(tag, Mapping)] if params.get("tags") else []
    return "tags" in params and keys != [TAG]


def _may_be_anothers(params: Mapping[str, Any], account: str = "") -> bool:
    """Return whether a namespace that is named by its ARN may be another account's: tags are refused there.

    The name of the service has the run.
    """
    namespace = str(params.get("NamespaceId", ""))
    return namespace.startswith("arn:") and (not account or f":{account}:" not in namespace)


def _with_specifications(
    params: Mapping[str, Any], tags: Mapping[str, str], types: Collection[str]
) -> Mapping[str, Any]:
    given = params.get("TagSpecifications") or []
    if not isinstance(given, list) or not all(isinstance(entry, Mapping) for entry in given):
        return params
    kinds = {entry.get("ResourceType"): entry for entry in given}
    added = [
        {**kinds.get(kind, {"ResourceType": kind}), "Tags": _with_entries(kinds.get(kind, {}).get("Tags") or [], tags)}
        for kind in types
    ]
    return {**params, "TagSpecifications": [*added, *(entry for kind, entry in kinds.items() if kind not in types)]}


def _with_entries(given: Any, tags: Mapping[str, str], key: str = "Key", value: str = "Value") -> Any:
    """Return a list of tags with those that it lacks; `given` itself if it is wrong, or would be too long."""
    if not isinstance(given, list) or not all(isinstance(tag, Mapping) for tag in given):
        return given
    present = {tag.get(key) for tag in given}
    added = [*given, *({key: name, value: text} for name, text in tags.items() if name not in present)]
    return given if len(given) <= MAX_TAGS < len(added) else added


def _is_one_of(entry: Any, tags: Mapping[str, str]) -> bool:
    if not isinstance(entry, Mapping) or len(entry) != 2:
        return False
    key, value = ("Key", "Value") if "Key" in entry else ("key", "value")
    return any(entry.get(key) == name and entry.get(value) == text for name, text in tags.items())

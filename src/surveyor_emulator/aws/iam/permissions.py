"""The permissions that requests to IAM need (Service Authorization Reference, AWS Identity and Access Management).

The ARN of an entity has its path, which only its creation names: it is that of the stored entity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from surveyor_emulator.core.errors import ServiceError
from surveyor_emulator.core.world import Call

from . import moto_store
from .action_resources import ActionTable, Find, NamedResource, arns, fill, named
from .permission_request import Keys, PermissionRequest

__all__ = ["permission_requests", "user_name"]

_ACCOUNT = "arn:aws:iam::{account}:"

# "If you do not specify a user name, IAM determines the user name implicitly" (iam/GetUser and others).
_IMPLICIT_USER = frozenset({
    "CreateAccessKey", "CreateLoginProfile", "DeactivateMFADevice", "DeleteAccessKey", "DeleteLoginProfile",
    "DeleteSigningCertificate", "GetLoginProfile", "GetUser", "ListAccessKeys", "ListMFADevices", "ListSSHPublicKeys",
    "ListServiceSpecificCredentials", "ListSigningCertificates", "UpdateAccessKey", "UpdateSigningCertificate",
    "UploadSigningCertificate",
})  # fmt: skip


def user_name(call: Call, params: Mapping[str, Any]) -> str | None:
    """Return the user that a request is about: the one it names, or the calling user. Raises ServiceError.

    None is the owner of the account.
    """
    if params.get("UserName") or call.operation not in _IMPLICIT_USER:
        return params.get("UserName")
    if call.caller is None:
        return None
    if call.caller.holder[0] != "user":
        raise ServiceError("ValidationError", "Must specify userName when calling with non-User credentials")
    return call.caller.holder[1]


def _stored(kind: str, member: str, find: Callable[[Any, str], Any]) -> Find:
    """Return a function that finds an entity by its name, with the path that it has or will have."""

    def find_entity(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
        name = user_name(call, params) if member == "UserName" else params.get(member)
        if not name:
            return
        store = moto_store.backend(call.account)
        known = find(store, str(name))
        path = str(params.get("Path") or "/")
        arn = str(known.arn) if known is not None else fill(f"{_ACCOUNT}{kind}{path}{{name}}", call, str(name))
        yield NamedResource(arn, tags=_tags(store, kind, known, arn))

    return find_entity


def _tags(store: Any, kind: str, known: Any, arn: str) -> dict[str, str]:
    if known is None:
        return {}
    if kind == "user":
        return dict(store.tagger.get_tag_dict_for_resource(arn))
    return dict(moto_store.tags_of(known)) if hasattr(known, "tags") else {}


def _by_name(attribute: str, member: str = "name") -> Callable[[Any, str], Any]:
    def find(store: Any, name: str) -> Any:
        return next((each for each in getattr(store, attribute).values() if getattr(each, member) == name), None)

    return find


def _policy(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    arn = str(params["PolicyArn"])
    known = moto_store.backend(call.account).managed_policies.get(arn)
    yield NamedResource(arn, tags=dict(moto_store.tags_of(known)) if known is not None else {})


def _new_policy(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    path = str(params.get("Path") or "/")
    yield NamedResource(fill(f"{_ACCOUNT}policy{path}{{name}}", call, str(params["PolicyName"])))


def _owner_of_key(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    found = moto_store.backend(call.account).access_keys.get(str(params["AccessKeyId"]))
    if found is not None and found.user_name:
        yield from _user(call, {"UserName": found.user_name})


def _linked_role(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    service, suffix = str(params["AWSServiceName"]), params.get("CustomSuffix")
    name = moto_store.linked_role_name(service) + (f"_{suffix}" if suffix else "")
    yield NamedResource(fill(f"{_ACCOUNT}role/aws-service-role/{service}/{{name}}", call, name))


def _role_of_deletion(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    """Find the role in the id of a deletion: task/aws-service-role/SERVICE/ROLE/ID."""
    parts = str(params["DeletionTaskId"]).split("/")
    if len(parts) == 5:
        yield NamedResource(fill(f"{_ACCOUNT}role/{{name}}", call, "/".join(parts[1:4])))


def _provider(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    host = str(params["Url"]).partition("://")[2]
    yield NamedResource(fill(f"{_ACCOUNT}oidc-provider/{{name}}", call, host))


def _renamed(kind: str, attribute: str, member: str) -> Find:
    """Return a function that finds what a new path or name makes of an entity (iam/UpdateUser, iam/UpdateGroup)."""

    def find(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
        known = _by_name(attribute)(moto_store.backend(call.account), str(params[member]))
        path = str(params.get("NewPath") or (known.path if known is not None else "/"))
        name = str(params.get(f"New{member}") or params[member])
        yield NamedResource(fill(f"{_ACCOUNT}{kind}{path}{{name}}", call, name))

    return find


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    keys: Keys = {}
    if "PolicyArn" in params and call.operation.startswith(("Attach", "Detach")):
        keys["iam:PolicyARN"] = (str(params["PolicyArn"]),)
    if "AWSServiceName" in params:
        keys["iam:AWSServiceName"] = (str(params["AWSServiceName"]),)
    boundary = params.get("PermissionsBoundary") or _boundary(call, params)
    if boundary:
        keys["iam:PermissionsBoundary"] = (str(boundary),)
    return keys


def _boundary(call: Call, params: Mapping[str, Any]) -> str | None:
    """Return the boundary that the user or role of a request has."""
    store = moto_store.backend(call.account)
    for member, attribute in (("UserName", "users"), ("RoleName", "roles")):
        known = _by_name(attribute)(store, str(params.get(member) or ""))
        if known is not None:
            return getattr(known, "permissions_boundary_arn", None)
    return None


def _passed_roles(call: Call, params: Mapping[str, Any]) -> Iterator[PermissionRequest]:
    """Yield the role that an instance profile passes to EC2 (iam/AddRoleToInstanceProfile)."""
    if call.operation == "AddRoleToInstanceProfile":
        for role in _role(call, params):
            yield PermissionRequest(role.arn, {"iam:PassedToService": ("ec2.amazonaws.com",)}, "iam:PassRole")


_user = _stored("user", "UserName", _by_name("users"))
_role = _stored("role", "RoleName", _by_name("roles"))
_group = _stored("group", "GroupName", _by_name("groups"))
_profile = _stored("instance-profile", "InstanceProfileName", _by_name("instance_profiles"))
_certificate = _stored("server-certificate", "ServerCertificateName", _by_name("certificates", "cert_name"))

permission_requests = ActionTable(
    types=[
        (
            _user,
            (
                "AttachUserPolicy CreateAccessKey CreateLoginProfile CreateUser DeactivateMFADevice DeleteAccessKey "
                "DeleteLoginProfile DeleteSSHPublicKey DeleteSigningCertificate DeleteUser "
                "DeleteUserPermissionsBoundary DeleteUserPolicy DetachUserPolicy EnableMFADevice GetLoginProfile "
                "GetSSHPublicKey GetUser GetUserPolicy ListAccessKeys ListAttachedUserPolicies ListGroupsForUser "
                "ListMFADevices ListSSHPublicKeys ListSigningCertificates ListUserPolicies ListUserTags "
                "PutUserPermissionsBoundary PutUserPolicy TagUser UntagUser UpdateAccessKey UpdateLoginProfile "
                "UpdateSSHPublicKey UpdateSigningCertificate UpdateUser UploadSSHPublicKey UploadSigningCertificate"
            ),
        ),
        (_owner_of_key, "GetAccessKeyLastUsed"),
        (_renamed("user", "users", "UserName"), "UpdateUser"),
        (
            _role,
            (
                "AttachRolePolicy CreateRole DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy "
                "DeleteServiceLinkedRole DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies "
                "ListInstanceProfilesForRole ListRolePolicies ListRoleTags PutRolePermissionsBoundary PutRolePolicy "
                "TagRole UntagRole UpdateAssumeRolePolicy UpdateRole UpdateRoleDescription"
            ),
        ),
        (_linked_role, "CreateServiceLinkedRole"),
        (_role_of_deletion, "GetServiceLinkedRoleDeletionStatus"),
        (
            _group,
            (
                "AddUserToGroup AttachGroupPolicy CreateGroup DeleteGroup DeleteGroupPolicy DetachGroupPolicy "
                "GetGroup GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies PutGroupPolicy "
                "RemoveUserFromGroup UpdateGroup"
            ),
        ),
        (_renamed("group", "groups", "GroupName"), "UpdateGroup"),
        (
            _profile,
            (
                "AddRoleToInstanceProfile CreateInstanceProfile DeleteInstanceProfile GetInstanceProfile "
                "ListInstanceProfileTags RemoveRoleFromInstanceProfile TagInstanceProfile UntagInstanceProfile"
            ),
        ),
        (
            _policy,
            (
                "CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion "
                "ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy "
                "UntagPolicy"
            ),
        ),
        (_new_policy, "CreatePolicy"),
        (_certificate, "DeleteServerCertificate GetServerCertificate UploadServerCertificate"),
        (_provider, "CreateOpenIDConnectProvider"),
        (
            arns("OpenIDConnectProviderArn"),
            (
                "DeleteOpenIDConnectProvider GetOpenIDConnectProvider ListOpenIDConnectProviderTags "
                "TagOpenIDConnectProvider UntagOpenIDConnectProvider UpdateOpenIDConnectProviderThumbprint"
            ),
        ),
        (named(f"{_ACCOUNT}saml-provider/{{name}}", "Name"), "CreateSAMLProvider"),
        (arns("SAMLProviderArn"), "DeleteSAMLProvider GetSAMLProvider UpdateSAMLProvider"),
        (named(f"{_ACCOUNT}mfa/{{name}}", "VirtualMFADeviceName"), "CreateVirtualMFADevice"),
        (arns("SerialNumber"), "DeleteVirtualMFADevice"),
    ],
    without="CreateAccountAlias DeleteAccountAlias DeleteAccountPasswordPolicy GenerateCredentialReport "
    "GetAccountAuthorizationDetails GetAccountPasswordPolicy GetAccountSummary GetCredentialReport "
    "ListAccountAliases ListGroups ListInstanceProfiles ListOpenIDConnectProviders ListPolicies ListRoles "
    "ListSAMLProviders ListServerCertificates ListUsers ListVirtualMFADevices UpdateAccountPasswordPolicy",
    keys=_keys,
    further=_passed_roles,
).permission_requests

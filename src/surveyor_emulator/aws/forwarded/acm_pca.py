"""The permissions that requests to AWS Private CA need (Service Authorization Reference, AWS Private CA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from surveyor_emulator.aws.iam.action_resources import ActionTable, NamedResource, texts
from surveyor_emulator.aws.iam.permission_request import Keys
from surveyor_emulator.core.world import Call

__all__ = ["permission_requests"]


def _authority(call: Call, params: Mapping[str, Any]) -> Iterator[NamedResource]:
    from moto.acmpca.models import acmpca_backends

    store = acmpca_backends[call.account][call.region]
    for arn in texts(params, ("CertificateAuthorityArn", "ResourceArn")):
        tags = store.tagger.get_tag_dict_for_resource(arn)
        yield NamedResource(arn, tags={str(key): str(value or "") for key, value in tags.items()})


def _keys(call: Call, params: Mapping[str, Any]) -> Keys:
    return {"acm-pca:TemplateArn": (str(params["TemplateArn"]),)} if params.get("TemplateArn") else {}


permission_requests = ActionTable(
    types=[
        (
            _authority,
            (
                "CreateCertificateAuthorityAuditReport CreatePermission DeleteCertificateAuthority DeletePermission "
                "DeletePolicy DescribeCertificateAuthority DescribeCertificateAuthorityAuditReport GetCertificate "
                "GetCertificateAuthorityCertificate GetCertificateAuthorityCsr GetPolicy "
                "ImportCertificateAuthorityCertificate IssueCertificate ListPermissions ListTags PutPolicy "
                "RestoreCertificateAuthority RevokeCertificate TagCertificateAuthority UntagCertificateAuthority "
                "UpdateCertificateAuthority"
            ),
        )
    ],
    without="CreateCertificateAuthority ListCertificateAuthorities",
    keys=_keys,
).permission_requests

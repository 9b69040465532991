"""TLS between proxies, by a private certificate authority of the account."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import (
    TASK_PORT,
    CallFromTask,
    ClientFactory,
    Clock,
    MakeConnectService,
    WaitForTask,
    address_of,
    proves,
    timeouts,
)

if TYPE_CHECKING:
    from mypy_boto3_acm_pca import ACMPCAClient


DAY = 86_400.0
ROOT = "arn:aws:acm-pca:::template/RootCACertificate/V1"


@pytest.fixture
def pca(client: ClientFactory) -> ACMPCAClient:
    """AWS Private CA."""
    made: ACMPCAClient = client("acm-pca")
    return made


@pytest.fixture
def make_authority(pca: ACMPCAClient) -> Any:
    """`make_authority(tags)`: a root authority that is active; its ARN."""

    def make(tags: dict[str, str]) -> str:
        subject: Any = {"CommonName": "surveyor"}
        arn = pca.create_certificate_authority(
            CertificateAuthorityConfiguration={
                "KeyAlgorithm": "RSA_2048",
                "SigningAlgorithm": "SHA256WITHRSA",
                "Subject": subject,
            },
            CertificateAuthorityType="ROOT",
            UsageMode="SHORT_LIVED_CERTIFICATE",
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )["CertificateAuthorityArn"]
        request = pca.get_certificate_authority_csr(CertificateAuthorityArn=arn)["Csr"]
        issued = pca.issue_certificate(
            CertificateAuthorityArn=arn,
            Csr=request.encode(),
            SigningAlgorithm="SHA256WITHRSA",
            TemplateArn=ROOT,
            Validity={"Value": 30, "Type": "DAYS"},
        )["CertificateArn"]
        own = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=issued)["Certificate"]
        pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=own.encode())
        return arn

    return make


@pytest.fixture
def authority(make_authority: Any) -> str:
    """One that is tagged as Service Connect wants it."""
    return str(make_authority({"AmazonECSManaged": "true"}))


def tls(arn: str) -> dict[str, Any]:
    """The part of a Service Connect service that encrypts."""
    return {"tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": arn}}}


def shown(task: dict[str, Any], version: ssl.TLSVersion) -> bytes:
    """The certificate that a task's port shows in a handshake of this version. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection((address_of(task), TASK_PORT), timeouts.CONNECT) as plain,
        context.wrap_socket(plain) as encrypted,
    ):
        found = encrypted.getpeercert(binary_form=True)
        assert found is not None
        return found


@proves("service-connect.tls.one-point-three-only")
def test_only_tls_1_3_gets_through(
    pca: ACMPCAClient,
    authority: str,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
) -> None:
    """1.3 shows a certificate of the authority, 1.2 and plain HTTP fail; a client calls http:// by the alias."""
    server = make_connect_service("backend", endpoint=tls(authority))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [one.status for one in call_from_task(client, server.url)] == [200]
    root = ssl.PEM_cert_to_DER_cert(
        pca.get_certificate_authority_certificate(CertificateAuthorityArn=authority)["Certificate"]
    )
    certificate = shown(callee, ssl.TLSVersion.TLSv1_3)
    assert certificate != root
    assert _issuer(certificate) == _issuer(root)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        shown(callee, ssl.TLSVersion.TLSv1_2)
    assert [one.status for one in call_from_task(client, f"http://{address_of(callee)}:{TASK_PORT}", within=10)] != [
        200
    ]


@proves("service-connect.tls.rotated-every-five-days")
def test_certificates_are_replaced(
    authority: str,
    make_connect_service: MakeConnectService,
    wait_for_task: WaitForTask,
    call_from_task: CallFromTask,
    clock: Clock,
) -> None:
    """The same after four days, another after six, and clients get through as before."""
    server = make_connect_service("backend", endpoint=tls(authority))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    first = shown(callee, ssl.TLSVersion.TLSv1_3)
    clock.wait(4 * DAY)
    assert shown(callee, ssl.TLSVersion.TLSv1_3) == first
    clock.wait(2 * DAY)
    assert shown(callee, ssl.TLSVersion.TLSv1_3) != first
    assert [one.status for one in call_from_task(client, server.url)] == [200]


@proves("service-connect.tls.authority-is-tagged")
def test_the_authority_is_tagged(make_authority: Any, authority: str, make_connect_service: MakeConnectService) -> None:
    """One without the tag is refused, one with it accepted."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint=tls(make_authority({})))
    assert make_connect_service("backend", count=0, endpoint=tls(authority)).service["status"] == "ACTIVE"


def _issuer(certificate: bytes) -> bytes:
    from cryptography import x509  # it comes with moto

    return x509.load_der_x509_certificate(certificate).issuer.public_bytes()

"""TLS between proxies, with certificates of a private certificate authority of the account."""

import socket
import ssl

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, address_of, proves, timeouts

DAY = 86_400.0
ROOT = "arn:aws:acm-pca:::template/RootCACertificate/V1"


@pytest.fixture
def pca(client):
    """Return the client of AWS Private CA."""
    return client("acm-pca")


@pytest.fixture
def make_authority(pca):
    """Return `make_authority(tags)`, which creates an active root authority and returns its ARN."""

    def make(tags):
        subject = {"CommonName": "surveyor"}
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
        root = pca.get_certificate(CertificateAuthorityArn=arn, CertificateArn=issued)["Certificate"]
        pca.import_certificate_authority_certificate(CertificateAuthorityArn=arn, Certificate=root.encode())
        return arn

    return make


@pytest.fixture
def authority(make_authority):
    """Return the ARN of an authority with the tag that Service Connect requires."""
    return str(make_authority({"AmazonECSManaged": "true"}))


def tls(arn):
    """Return the TLS part of a Service Connect service."""
    return {"tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": arn}}}


def served_certificate(task, version):
    """Return the certificate that a task's port serves in a handshake with this version; raise OSError if it fails."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    with (
        socket.create_connection((address_of(task), TASK_PORT), timeouts.CONNECT) as plain,
        context.wrap_socket(plain) as encrypted,
    ):
        certificate = encrypted.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate


@proves("service-connect.tls.one-point-three-only")
def test_only_tls_1_3_is_accepted(pca, authority, make_connect_service, wait_for_task, call_from_task):
    """TLS 1.3 succeeds with a certificate of the authority, TLS 1.2 and plain HTTP fail; a client calls http://."""
    server = make_connect_service("backend", endpoint=tls(authority))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    root = ssl.PEM_cert_to_DER_cert(
        pca.get_certificate_authority_certificate(CertificateAuthorityArn=authority)["Certificate"]
    )
    certificate = served_certificate(callee, ssl.TLSVersion.TLSv1_3)
    assert certificate != root
    assert _issuer(certificate) == _issuer(root)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served_certificate(callee, ssl.TLSVersion.TLSv1_2)
    assert [call.status for call in call_from_task(client, f"http://{address_of(callee)}:{TASK_PORT}", within=10)] != [
        200
    ]


@proves("service-connect.tls.rotated-every-five-days")
def test_certificates_are_replaced(authority, make_connect_service, wait_for_task, call_from_task, clock):
    """The certificate is the same after four days and another after six, and calls of clients still succeed."""
    server = make_connect_service("backend", endpoint=tls(authority))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    first = served_certificate(callee, ssl.TLSVersion.TLSv1_3)
    clock.wait(4 * DAY)
    assert served_certificate(callee, ssl.TLSVersion.TLSv1_3) == first
    clock.wait(2 * DAY)
    assert served_certificate(callee, ssl.TLSVersion.TLSv1_3) != first
    assert [call.status for call in call_from_task(client, server.url)] == [200]


@proves("service-connect.tls.authority-is-tagged")
def test_the_authority_must_be_tagged(make_authority, authority, make_connect_service):
    """An authority without the tag is refused; one with the tag is accepted."""
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint=tls(make_authority({})))
    assert make_connect_service("backend", count=0, endpoint=tls(authority)).service["status"] == "ACTIVE"


def _issuer(certificate):
    from cryptography import x509  # installed with moto

    return x509.load_der_x509_certificate(certificate).issuer.public_bytes()

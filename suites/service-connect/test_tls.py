"""TLS between proxies, with certificates of a private certificate authority of the account."""

import ssl
import time

import pytest
from botocore.exceptions import ClientError

from surveyor.testing import TASK_PORT, address_of, proves

DAY = 86_400.0
ROOT = "arn:aws:acm-pca:::template/RootCACertificate/V1"


@pytest.fixture
def pca(client):
    """Return the client of AWS Private CA."""
    return client("acm-pca")


@pytest.fixture
def authority(pca):
    """Return the ARN of an active root authority with the tag that Service Connect requires."""
    arn = pca.create_certificate_authority(
        CertificateAuthorityConfiguration={
            "KeyAlgorithm": "RSA_2048",
            "SigningAlgorithm": "SHA256WITHRSA",
            "Subject": {"CommonName": "surveyor"},
        },
        CertificateAuthorityType="ROOT",
        UsageMode="SHORT_LIVED_CERTIFICATE",
        Tags=[{"Key": "AmazonECSManaged", "Value": "true"}],
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
    return str(arn)


def tls(arn):
    """Return the TLS part of a Service Connect service."""
    return {"tls": {"issuerCertificateAuthority": {"awsPcaAuthorityArn": arn}}}


@pytest.fixture
def certificate_of_authority(served_certificate):
    """Return the certificate that a task's port serves; it must be one of the authority, and valid for seven days."""

    def serve(task, root):
        found = served_certificate(task, authority=root)
        begin, end = (ssl.cert_time_to_seconds(found[name]) for name in ("begins", "ends"))
        # AWS Containers Blog, Secure Amazon ECS workloads with Service Connect: "By default, certificate life is
        # seven days and rotate every five days"
        assert 6.9 * DAY < end - begin <= 7 * DAY
        assert begin - 300 <= time.time() <= end
        return found["der"]

    return serve


@proves("service-connect.tls.one-point-three-only")
def test_only_tls_1_3_is_accepted(
    pca, authority, make_connect_service, wait_for_task, call_from_task, served_certificate, certificate_of_authority
):
    """TLS 1.3 succeeds with a certificate of the authority, TLS 1.2 and plain HTTP fail; a client calls http://."""
    server = make_connect_service("backend", endpoint=tls(authority))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    assert [call.status for call in call_from_task(client, server.url)] == [200]
    root = pca.get_certificate_authority_certificate(CertificateAuthorityArn=authority)["Certificate"]
    assert certificate_of_authority(callee, root) != ssl.PEM_cert_to_DER_cert(root)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        served_certificate(callee, "1.2")
    [plain] = call_from_task(client, f"http://{address_of(callee)}:{TASK_PORT}", within=10)
    assert plain.status == 0


@proves("service-connect.tls.rotated-every-five-days")
def test_certificates_are_replaced(
    pca, authority, make_connect_service, wait_for_task, call_from_task, served_certificate,
    certificate_of_authority, clock,
):  # fmt: skip
    """The certificate changes between 4.9 and 5.1 days, and again between 9.9 and 10.1; clients' calls succeed."""
    server = make_connect_service("backend", endpoint=tls(authority))
    callee = wait_for_task(server)
    client = wait_for_task(make_connect_service())
    root = pca.get_certificate_authority_certificate(CertificateAuthorityArn=authority)["Certificate"]
    first = certificate_of_authority(callee, root)
    served = []
    for days in (4.9, 0.2, 4.8, 0.2):
        clock.wait(days * DAY)
        served.append(served_certificate(callee)["der"])
        assert [call.status for call in call_from_task(client, server.url)] == [200]
    assert served[0] == first
    assert served[1] == served[2]
    assert len({first, served[1], served[3]}) == 3


@proves("service-connect.tls.authority-is-tagged")
def test_the_authority_must_be_tagged(pca, authority, make_connect_service, update_connect_service):
    """An authority without the tag, or with another value of it, is refused; with the tag it is accepted."""
    existing = make_connect_service("existing", count=0)

    def create():
        return make_connect_service("backend", count=0, endpoint=tls(authority)).service

    def update():
        return update_connect_service(existing, endpoint=tls(authority))

    tag = {"Key": "AmazonECSManaged", "Value": "true"}
    for ask in (create, update):
        pca.untag_certificate_authority(CertificateAuthorityArn=authority, Tags=[tag])
        for other in ({"Key": "other", "Value": "true"}, {"Key": "AmazonECSManaged", "Value": "false"}):
            pca.tag_certificate_authority(CertificateAuthorityArn=authority, Tags=[other])
            with pytest.raises(ClientError):
                ask()
        pca.tag_certificate_authority(CertificateAuthorityArn=authority, Tags=[tag])
        [offer] = ask()["deployments"][0]["serviceConnectConfiguration"]["services"]
        assert offer["tls"] == tls(authority)["tls"]
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint=tls(f"{authority[:-4]}0000"))
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint={"tls": {"issuerCertificateAuthority": {}}})
    pca.update_certificate_authority(CertificateAuthorityArn=authority, Status="DISABLED")
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint=tls(authority))


@proves("service-connect.tls.needs-awsvpc")
def test_tls_needs_awsvpc(authority, make_connect_service):
    """With the same authority TLS is refused in bridge mode and accepted in awsvpc mode."""
    bridge = {"definition": {"requiresCompatibilities": None, "networkMode": "bridge"}, "launchType": "EC2"}
    with pytest.raises(ClientError):
        make_connect_service("backend", count=0, endpoint=tls(authority), **bridge)
    assert make_connect_service("backend", count=0, **bridge).service["status"] == "ACTIVE"
    assert make_connect_service("backend", count=0, endpoint=tls(authority)).service["status"] == "ACTIVE"

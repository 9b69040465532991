"""Certificates of proxies."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from surveyor_emulator.runtime.service_connect.authority import Authority, write


def authority() -> Authority:
    """Return a root authority with a new key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    return Authority(certificate.public_bytes(serialization.Encoding.PEM), encrypted, b"x")


def test_a_certificate_has_the_names_and_both_usages(tmp_path: Path) -> None:
    """The names are <discovery name>.<namespace>; proxies are servers and clients, as AWS's certificates show."""
    [resource] = json.loads(Path(write(authority(), ["backend.town"], tmp_path)).read_text("utf-8"))["resources"]
    chain = resource["tls_certificate"]["certificate_chain"]["inline_string"]
    certificate = x509.load_pem_x509_certificate(chain.encode())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["backend.town"]
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usages) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}

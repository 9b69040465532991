"""Certificates for proxies, issued by a private certificate authority of the account, in files that Envoy reads.

ECS Developer Guide, Encrypt Amazon ECS Service Connect traffic: a certificate for each endpoint, valid for seven days,
replaced after five. Validity is in wall time, since Envoy checks it; replacement is in service time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from .values import Secrets

__all__ = ["ROTATION_PERIOD", "Authority", "trust", "write"]

VALID = timedelta(days=7)
ROTATION_PERIOD = 5 * 86_400.0  # service seconds
_SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105  # a type


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority: its certificate in PEM, and its key in PEM, encrypted with ``password``."""

    certificate: bytes
    key: bytes
    password: bytes


def trust(authorities: Iterable[Authority], folder: Path) -> Secrets:
    """Write the certificates of the authorities that a proxy with this folder trusts; it presents none itself."""
    trusted = folder / "trusted.pem"
    trusted.write_bytes(b"".join(sorted({authority.certificate for authority in authorities})))
    return Secrets(str(trusted), None)


def write(authority: Authority, names: Sequence[str], folder: Path) -> str:
    """Issue a certificate for these names, and return the path of the file that a proxy with this folder reads.

    A proxy that runs reads it again when it is replaced.
    """
    certificate, key = _issue(authority, names)
    secret = {
        "@type": _SECRET,
        "name": "certificate",
        "tls_certificate": {
            "certificate_chain": {"inline_string": (certificate + authority.certificate).decode("ascii")},
            "private_key": {"inline_string": key.decode("ascii")},
        },
    }
    file = folder / "certificate.json"
    new_file = folder / "certificate.new"
    new_file.touch(mode=0o600)
    new_file.write_text(json.dumps({"resources": [secret]}), "utf-8")
    new_file.replace(file)
    return str(file)


def _issue(authority: Authority, names: Sequence[str]) -> tuple[bytes, bytes]:
    from cryptography import x509  # installed with moto, which has the authority; slow to import
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    issuer = x509.load_pem_x509_certificate(authority.certificate)
    signer = serialization.load_pem_private_key(authority.key, authority.password)
    assert isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    issued = (
        x509.CertificateBuilder(
            issuer.subject,
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0][:64])]),
            key.public_key(),
            x509.random_serial_number(),
        )
        .not_valid_before(now)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([Usage.SERVER_AUTH, Usage.CLIENT_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(signer, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return issued.public_bytes(serialization.Encoding.PEM), private

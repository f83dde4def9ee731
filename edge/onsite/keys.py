"""A unit's own keys, and the request to have them certified. One file for both ends: who makes one, and who reads it.

Private keys are made on the unit and never leave it; a request carries the public ones, each with a proof that the
asker has the private half.
"""

import hashlib
import os
from datetime import UTC, datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from edge.clock import SECOND
from edge.errors import WireError
from edge.identity import KEY_BYTES


class Request(msgspec.Struct, frozen=True):
    """A certificate request as its reader believes it: the P-256 public key, PEM, and sha256 of it (SPKI), hex."""

    public_pem: bytes
    key: str


def make_tls_key() -> bytes:
    """A fresh P-256 private key, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_of(key_pem: bytes) -> bytes:
    """The public half of `make_tls_key`'s answer, PEM."""
    return _pem(p256(key_pem).public_key())


def make_sign_seed() -> bytes:
    """A fresh Ed25519 seed, 32 bytes."""
    return os.urandom(KEY_BYTES)


def verify_key_of(sign_seed: bytes) -> bytes:
    """The Ed25519 public key, 32 bytes, that checks what `sign_seed` signs."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(sign_seed).public_key().public_bytes_raw()


def sign(sign_seed: bytes, message: bytes) -> bytes:
    """The Ed25519 signature, 64 bytes."""
    return ed25519.Ed25519PrivateKey.from_private_bytes(sign_seed).sign(message)


def make_request(unit: str, key_pem: bytes) -> bytes:
    """A PKCS #10 request, PEM, signed with the unit's key; the name is a wish, the station decides."""
    names = [x509.NameAttribute(NameOID.COMMON_NAME, unit)] if unit else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    return builder.sign(p256(key_pem), hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def read_request(pem: bytes, verify_key: bytes, proof: bytes) -> Request:
    """What a request asks for, once both keys have been proved. Raises WireError.

    P-256 by the request's own signature, Ed25519 by `proof`, which is its signature of the request.
    """
    try:
        request = x509.load_pem_x509_csr(pem)
        public = request.public_key()
        genuine = request.is_signature_valid
    except (ValueError, UnsupportedAlgorithm) as err:
        raise _unfit("something else", "a PKCS #10 request, PEM") from err
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise _unfit("a key of another kind", "a P-256 key")
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(verify_key).verify(proof, pem)
    except (InvalidSignature, ValueError) as err:
        raise _unfit("a signing key without proof of it", "the request signed with the signing key") from err
    if not genuine:
        raise _unfit("a signature that is not of its key", "a request signed with its own key")
    return Request(_pem(public), key_id(public))


def key_id(public: ec.EllipticCurvePublicKey) -> str:
    """Sha256 of the public key (SPKI, DER), hex."""
    spki = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).hexdigest()


def key_id_of(key_pem: bytes) -> str:
    """The `key_id` of a private key, PEM."""
    return key_id(p256(key_pem).public_key())


def certifies(cert_pem: bytes, key_pem: bytes, unit: str) -> bool:
    """Whether the certificate says that this key is this unit's."""
    try:
        certificate = x509.load_pem_x509_certificate(cert_pem)
        names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        return names == [unit] and certificate.public_key() == p256(key_pem).public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def make_page_certificate(name: str) -> bytes:
    """A fresh P-256 key and a certificate that it has signed itself, PEM, for the installer's page.

    It holds from before any clock that was never set: the phone's own warning is looked past by its fingerprint.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(1970, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"{name}.local")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return pem + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def ends_ns(cert_pem: bytes) -> int:
    """When a certificate, PEM, ends: UTC in ns since 1970."""
    return int(x509.load_pem_x509_certificate(cert_pem).not_valid_after_utc.timestamp()) * SECOND


def p256(pem: bytes) -> ec.EllipticCurvePrivateKey:
    """The key in a PEM block. Raises ValueError, or TypeError for a key of another kind."""
    key = serialization.load_pem_private_key(pem, None)
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    raise TypeError(type(key).__name__)


def _pem(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _unfit(found: str, wanted: str) -> WireError:
    return WireError(
        "certificate request", found=found, wanted=wanted, remedy="Make the unit's keys anew and ask again."
    )

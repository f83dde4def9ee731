"""Certificates and revocation lists as X.509 wants them; which are made, and for whom, is the authority's business."""

import ipaddress
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from edge.clock import SECOND


def root(name: str, key: ec.EllipticCurvePrivateKey, first_ns: int, last_ns: int) -> x509.Certificate:
    """An authority's own certificate."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = _builder(name, subject, key.public_key(), utc(first_ns), utc(last_ns))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return builder.add_extension(_usage(ca=True), critical=True).sign(key, hashes.SHA256())


def leaf(
    cn: str,
    public: ec.EllipticCurvePublicKey,
    by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey],
    purpose: x509.ObjectIdentifier,
    sans: Sequence[x509.GeneralName],
    life_ns: tuple[int, int],
) -> x509.Certificate:
    """A leaf certificate for one purpose: a unit's cannot serve, the server's cannot speak for a unit."""
    ca, key = by
    last = min(utc(life_ns[1]), ca.not_valid_after_utc)
    builder = _builder(cn, ca.subject, public, utc(life_ns[0]), last)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(ca=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = builder.add_extension(issuer, critical=False)
    if sans:
        builder = builder.add_extension(x509.SubjectAlternativeName(sans), critical=False)
    return builder.sign(key, hashes.SHA256())


def revocations(
    serials: Iterable[tuple[int, int]], by: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], first_ns: int
) -> x509.CertificateRevocationList:
    """A list of (serial, since when in UTC ns), valid from `first_ns` for as long as its authority."""
    ca, key = by
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())
    builder = x509.CertificateRevocationListBuilder().issuer_name(ca.subject).last_update(utc(first_ns))
    builder = builder.next_update(ca.not_valid_after_utc + timedelta(days=1)).add_extension(issuer, critical=False)
    for serial, since_ns in serials:
        one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(utc(since_ns))
        builder = builder.add_revoked_certificate(one.build())
    return builder.sign(key, hashes.SHA256())


def san(name: str) -> x509.GeneralName:
    """A host name or address, as certificates have it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def utc(wall_ns: int) -> datetime:
    """Ns since 1970 as whole seconds."""
    return datetime.fromtimestamp(wall_ns // SECOND, UTC)


def _builder(
    cn: str, issuer: x509.Name, public: ec.EllipticCurvePublicKey, first: datetime, last: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)]))
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, ca: bool) -> x509.KeyUsage:
    """Digital signatures for a leaf; certificates and revocation lists for the authority; nothing else for either."""
    return x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)  # in RFC 5280's order, 4.2.1.3

"""identity.load and certificate_life, on files that a card or a hand has changed: a ConfigError, or a whole identity.

An input is files of the identity's folder, each a name, a new line and its content; `--` on a line is between two.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from edge import identity
from edge.clock import SystemClock
from edge.errors import ConfigError
from edge.onsite.keys import make_tls_key, public_of
from edge.station.ca import Authority
from tests.fuzz.bend import Pick, bend_json, spoil
from tests.fuzz.player import Play, Target, said

GAP = b"\n--\n"
CERT = "unit.crt"
NAMES = ("identity.json", "unit.key", CERT, "sign.key", "ca.crt")
SECRET = base64.b64encode(bytes(range(1, 33))).decode()[:12]
KEYS = {"seal_key": bytes(range(32)), "command_key": bytes(32), "sign_seed": bytes(range(1, 33))}


@cache
def whole() -> dict[str, bytes]:
    """An identity's files."""
    with TemporaryDirectory() as folder:
        ca = Authority.open(Path(folder) / "ca", SystemClock())
        tls = make_tls_key()
        cert = ca.certify("door-1", public_of(tls), bytes(32))
        at = Path(folder) / "id"
        rest = {"key_pem": tls, "cert_pem": cert, "ca_pem": ca.ca_file.read_bytes()}
        identity.save(at, unit="door-1", seal_key_id="k1", **KEYS, **rest)
        return {name: (at / name).read_bytes() for name in NAMES}


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """A whole identity, some of whose files an input overwrites."""
    at = folder / "id"
    at.mkdir()

    def play(data: bytes) -> None:
        told = dict(part.partition(b"\n")[::2] for part in data.split(GAP))
        for name, content in whole().items():
            (at / name).write_bytes(told.get(name.encode(), content))
        with named():
            read = identity.load(at)
            assert identity.check_unit(read.unit) == read.unit
            assert [len(key) for key in (read.seal_key, read.command_key, read.sign_seed.reveal())] == [32, 32, 32]
            repr(read).encode()
        with named():
            first_ns, last_ns = identity.certificate_life(at / CERT)
            assert first_ns % 10**9 == last_ns % 10**9 == 0

    yield play


@contextmanager
def named() -> Iterator[None]:
    """Only a ConfigError, which says all four things, and never a byte of a key."""
    try:
        yield
    except ConfigError as err:
        if SECRET in said(err):
            raise AssertionError("it tells half a key") from err


def bend(raw: bytes, pick: Pick) -> bytes:
    """One file more, or one with something else in it."""
    parts = raw.split(GAP)
    at = pick(range(len(parts)))
    name, _, content = parts[at].partition(b"\n")
    how = pick(("content", "content", "content", "more", "swap", "empty", "spoil"))
    if how == "more":
        return raw + GAP + pick(seeds())
    if how == "spoil":
        return spoil(raw, pick)
    if how == "content":
        content = bend_json(content, pick) if content[:1] == b"{" else _bend_pem(content, pick)
    else:
        content = b"" if how == "empty" else pick(seeds()).partition(b"\n")[2]
    return GAP.join([*parts[:at], name + b"\n" + content, *parts[at + 1 :]])


def _bend_pem(pem: bytes, pick: Pick) -> bytes:
    """What is inside spoilt, or the lines around it."""
    lines = pem.split(b"\n")
    if pick((True, False)) or len(lines) < 3:
        return spoil(pem, pick)
    try:
        inside = base64.b64decode(b"".join(lines[1:-2]))
    except ValueError:
        return spoil(pem, pick)
    return b"\n".join([lines[0], base64.b64encode(spoil(inside, pick)), *lines[-2:]])


@cache
def seeds() -> tuple[bytes, ...]:
    """Each file as it was saved."""
    return tuple(name.encode() + b"\n" + content for name, content in whole().items())


TARGET = Target("identity", opened, seeds(), bend)

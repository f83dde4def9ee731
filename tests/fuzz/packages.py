"""deploy.ota.deb: whatever a package is, its slot is as told or it is refused, soon; and nothing leaves that slot."""

import io
import lzma
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.ota import deb
from deploy.ota.manifest import Refusal
from tests.deploy import shop
from tests.fuzz.bend import Pick, spoil
from tests.fuzz.player import Play, Target

TOLD = shop.told(2, b"", unpacked=20_000)
HOME = "./usr/lib/doorunit"
BLOCK = 512
PYTHON = f"/usr/bin/python{shop.PYTHON}"
PATHS = [HOME, f"{HOME}/lib", f"{HOME}/bin/python", f"{HOME}/bin/python/x", f"{HOME}/.whole", f"{HOME}/lib/../../x"]
PATHS += ["/etc/passwd", "..", "", "\0", "é", "x" * 99, f"{HOME}/lib/" + "x" * 80, f"{HOME}/release.json", "\udcff"]
PATHS += [f"{HOME}/lib/a\0b", f"{HOME}/lib/" + "x" * 300, f"{HOME}/lib/part0.py", "usr//lib/doorunit/lib/y", PYTHON]
SIZES = [
    b"0",
    b"7" * 11,
    b"777",
    b"-1",
    b"\x80" + b"\0" * 10 + b"\x09",
    b"\xff" * 12,
    b"\x80" + b"\xff" * 11,
    b"9",
    b"",
]
# Field of a tar header -> where it begins, how long it is, what it may be bent to. Old GNU sparse at the end.
FIELDS: Mapping[str, tuple[int, int, list[bytes]]] = {
    "name": (0, 100, [path.encode(errors="surrogateescape") for path in PATHS]),
    "mode": (100, 8, [b"777", b"-1", b"\xff" * 8, b"x"]),
    "size": (124, 12, SIZES),
    "type": (156, 1, [bytes([kind]) for kind in b"0123456789ASKLVMNDgxX\0"]),
    "linkname": (157, 100, [path.encode(errors="surrogateescape") for path in PATHS]),
    "magic": (257, 8, [b"ustar\x0000", b"ustar  \0", b""]),
    "prefix": (345, 155, [b"usr/lib", b"/", b"..", b"x" * 155]),
    "sparse": (386, 24, [b"0".ljust(12, b"\0") + b"7777", b"\xff" * 24]),
    "extended": (482, 1, [b"\1", b"\0"]),
    "real-size": (483, 12, SIZES),
}
KEYS = ("path", "linkpath", "size", "GNU.sparse.size", "GNU.sparse.map", "GNU.sparse.major", "GNU.sparse.realsize")
KEYS += ("hdrcharset", "mode", "GNU.sparse.minor", "GNU.sparse.numblocks", "GNU.sparse.offset", "SCHILY.xattr.a")
WORDS = [*PATHS, "0", "1", "-1", "1e3", "nan", "9" * 30, "BINARY", "0,1,5,-7", "0,99999999", "2"]


@contextmanager
def opened(folder: Path) -> Iterator[Play]:
    """A slot, and something beside it that is nobody's to touch."""
    beside, slot = folder / "beside", folder / "slot"
    beside.write_bytes(b"as it was")

    def play(data: bytes) -> None:
        slot.mkdir()
        try:
            deb.unpack(io.BytesIO(data), slot, TOLD, shop.Quick())
            assert deb.read_about(slot) == shop.about(2)
            assert str((slot / "bin/python").readlink()) == PYTHON
        except (Refusal, OSError) as err:
            str(err).encode(errors="surrogateescape")
        _look(slot)
        assert sorted(path.name for path in folder.iterdir()) == ["beside", "slot"]
        assert beside.read_bytes() == b"as it was"
        shutil.rmtree(slot)
        try:
            deb.measure(io.BytesIO(data))
        except (Refusal, OSError) as err:
            str(err).encode(errors="surrogateescape")

    yield play


def _look(slot: Path) -> None:
    """What a slot may hold, whoever made the package, and no more of it than was told."""
    found = list(slot.rglob("*"))
    assert {path.relative_to(slot).parts[0] for path in found} <= {"bin", "lib", "pyvenv.cfg", deb.ABOUT}
    assert [path for path in found if path.is_symlink()] in ([], [slot / "bin/python"])
    plain = [path for path in found if not path.is_symlink()]
    assert all(path.is_file() or path.is_dir() for path in plain)
    assert sum(path.stat().st_size for path in plain if path.is_file()) <= TOLD.unpacked
    assert {path.stat().st_mode & 0o7777 for path in plain} <= {0o755, 0o644}


def bend(raw: bytes, pick: Pick) -> bytes:
    """The outside spoilt; or the tar in it: bytes, a header's field with a sum that fits, or a pax header put in."""
    how = pick(("outside", "tar", "field", "field", "field", "pax", "pax"))
    try:
        tar = lzma.decompress(raw[raw.index(b"\xfd7zXZ") :].rstrip(b"\n"))
    except (ValueError, lzma.LZMAError):
        return spoil(raw, pick)
    at = [first for first in range(0, len(tar), BLOCK) if tar[first + 257 : first + 262] == b"ustar"]
    if how == "outside" or not at:
        return spoil(raw, pick)
    if how == "tar":
        return shop.wrapped(spoil(tar, pick))
    first = pick(at)
    if how == "pax":
        return shop.wrapped(
            tar[:first] + pax({pick(KEYS): pick(WORDS) for _ in range(pick((1, 1, 2, 3)))}) + tar[first:]
        )
    place, length, values = pick(list(FIELDS.values()))
    head = bytearray(tar[first : first + BLOCK])
    head[place : place + length] = pick(values)[:length].ljust(length, b"\0")
    return shop.wrapped(tar[:first] + summed(head) + tar[first + BLOCK :])


def pax(told: Mapping[str, str]) -> bytes:
    """An extended header (POSIX.1-2001) for the member that follows."""
    body = b""
    for key, value in told.items():
        record = f" {key}={value}\n".encode(errors="surrogateescape")
        body += str(len(record) + len(str(len(record) + 3))).encode() + record
    head = bytearray(tarfile.TarInfo("pax").tobuf())
    head[156:157], head[124:136] = b"x", f"{len(body):011o}\0".encode()
    return summed(head) + body.ljust(-(-len(body) // BLOCK) * BLOCK, b"\0")


def summed(head: bytearray) -> bytes:
    """With the sum that fits, as it stands at 148."""
    head[148:156] = b" " * 8
    head[148:156] = f"{sum(head):06o}\0 ".encode()
    return bytes(head)


LONG = (f"{HOME}/lib/" + "y" * 120 + ".py", b"# long\n")
SEEDS = (
    shop.package(shop.entries(2)),
    shop.package([*shop.entries(2), LONG]),
    shop.package([shop.link(f"{HOME}/lib/null", "", tarfile.CHRTYPE), *shop.entries(2)]),
    shop.package([shop.link(f"{HOME}/lib/thin", "", tarfile.GNUTYPE_SPARSE), *shop.entries(2)]),
)
TARGET = Target("package", opened, SEEDS, bend)

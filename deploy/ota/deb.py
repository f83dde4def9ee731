"""Takes the application out of a Debian package, without running anything of it and without leaving its folder.

Only regular files and folders below usr/lib/doorunit/{bin,lib} and a few beside them come out, and the one link to
the system's Python. What the package has elsewhere (services, scripts) is the installed package's own business; a
path that would leave is no update at all.
"""

import io
import json
import lzma
import os
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

from deploy.ota.durable import Card
from deploy.ota.manifest import UNPACKED_MAX, Manifest, Refusal

HOME = PurePosixPath("usr/lib/doorunit")
ABOUT = "release.json"  # the package's own word on what it is, written by deploy/deb/build.py
WHOLE = ".whole"  # in a slot: the last thing that is written there
FILES_MAX = 20_000
PATH_MAX = 240
_TOPS = {"bin", "lib", "pyvenv.cfg", ABOUT}
_MAGIC = b"!<arch>\n"
_HEADER = 60
_CHUNK = 65_536


def unpack(package: IO[bytes], into: Path, told: Manifest, card: Card) -> None:
    """Fill the empty folder `into`; nothing is synced. Raises Refusal, OSError: what is there is of no use."""
    left = told.unpacked
    with _readable():
        for count, (inner, member, archive) in enumerate(_members(package)):
            left -= member.size if member.isreg() else 0
            if count >= FILES_MAX or left < 0:
                raise Refusal("package", "more files or bytes than its manifest says", f"{told.unpacked} bytes")
            _lay(inner, member, archive, into, told)
    if not ((into / "bin/python").is_symlink() and (into / "lib").is_dir()):
        raise Refusal("package", "no bin/python or no lib in it", "a unit's package")
    about = read_about(into)
    if about != {key: getattr(told, key) for key in ("name", "version", "arch", "python", "counter")}:
        raise Refusal("package", about, f"what its manifest says: {told.version} {told.arch}")


def read_about(home: Path) -> dict[str, Any]:
    """What the files in `home` say they are; empty where they say nothing."""
    try:
        about = json.loads((home / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return about if isinstance(about, dict) else {}


def measure(package: IO[bytes]) -> tuple[dict[str, Any], int]:
    """What the package says it is, and how many bytes of it go into a slot. Raises Refusal."""
    about: dict[str, Any] = {}
    size = 0
    with _readable():
        for inner, member, archive in _members(package):
            size += member.size if member.isreg() else 0
            if str(inner) == ABOUT:
                file = archive.extractfile(member)
                about = json.loads(file.read()) if file is not None else {}
    if not about:
        raise Refusal("package", f"no {HOME / ABOUT}", "one that `make deb` built")
    return about, size


@contextmanager
def _readable() -> Iterator[None]:
    """What tarfile, lzma and a name with a NUL in it raise is a Refusal."""
    try:
        yield
    except Refusal:
        raise
    except (tarfile.TarError, lzma.LZMAError, EOFError, ValueError, RecursionError) as err:
        raise Refusal("package", err, "a Debian package whole and unchanged") from err


def _members(package: IO[bytes]) -> Iterator[tuple[PurePosixPath, tarfile.TarInfo, tarfile.TarFile]]:
    """What belongs into a slot, with its place there."""
    with tarfile.open(fileobj=_data(package), mode="r|xz") as archive:
        for member in archive:
            if archive.offset > UNPACKED_MAX:  # tarfile would read on to there, also past the end
                raise Refusal("package", f"{archive.offset} bytes or more in it", f"at most {UNPACKED_MAX}")
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or len(member.name) > PATH_MAX or "\\" in member.name:
                raise Refusal("package", f"the path {member.name[:80]!r}", "paths below usr/")
            if not path.is_relative_to(HOME) or path == HOME:
                continue
            inner = path.relative_to(HOME)
            if inner.parts[0] in _TOPS:
                yield inner, member, archive


def _lay(inner: PurePosixPath, member: tarfile.TarInfo, archive: tarfile.TarFile, into: Path, told: Manifest) -> None:
    path = into / inner
    if member.isdir():
        path.mkdir(0o755)
    elif member.issym():
        if inner != PurePosixPath("bin/python") or member.linkname != f"/usr/bin/python{told.python}":
            raise Refusal(
                "package", f"a link {inner} to {member.linkname[:80]!r}", "no link but to the system's Python"
            )
        path.symlink_to(member.linkname)
    elif member.isreg() and not member.issparse():
        source = archive.extractfile(member)
        mode = 0o755 if member.mode & 0o100 else 0o644
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
        with os.fdopen(handle, "wb") as file:
            while source is not None and (chunk := source.read(_CHUNK)):
                file.write(chunk)
    else:
        raise Refusal("package", f"{inner}, a file of a special kind", "files and folders")


def _data(package: IO[bytes]) -> "_Window":
    """The part of the ar archive that holds the files (deb(5))."""
    if package.read(len(_MAGIC)) != _MAGIC:
        raise Refusal("package", "no ar archive", "a Debian package")
    while len(header := package.read(_HEADER)) == _HEADER:
        name, size = header[:16].rstrip(b" /"), header[48:58].strip()
        if not size.isdigit():
            break
        if name == b"data.tar.xz":
            return _Window(package, int(size))
        package.seek(int(size) + int(size) % 2, os.SEEK_CUR)
    raise Refusal("package", "no data.tar.xz", "a Debian package that `make deb` built")


class _Window(io.RawIOBase):
    """So many bytes of a file, from where it stands."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self._file, self._left = file, left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)

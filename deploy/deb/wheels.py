"""From a hashed lock to the packages of one virtual environment, for any architecture and Python, on any machine."""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePosixPath

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # Debian's name: the wheels' name
GLIBC = {"3.11": 36, "3.13": 41}  # 2.x of the Debian release that this Python belongs to
BUILD_ONLY = {"setuptools"}  # in the lock because it builds the project; nothing imports it afterwards


@dataclass(frozen=True)
class Target:
    """What the package is for."""

    arch: str = "amd64"
    python: str = "3.11"

    @property
    def machine(self) -> str:
        """The architecture as wheels call it."""
        return MACHINES[self.arch]


@dataclass(frozen=True)
class Pin:
    """One line of the lock."""

    name: str
    version: str
    hashes: frozenset[str]  # sha256, hex


def pins(lock: str, target: Target) -> list[Pin]:
    """What the lock asks for on that target, by pip's own reading of its markers."""
    markers = import_module("pip._vendor.packaging.markers")
    environment = {
        "python_version": target.python,
        "python_full_version": f"{target.python}.0",
        "platform_machine": target.machine,
        "sys_platform": "linux",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = []
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        wanted, *hashes = line.split("--hash=sha256:")
        exact, _, marker = wanted.partition(";")
        name, version = (part.strip() for part in exact.split("=="))
        if name not in BUILD_ONLY and (not marker.strip() or markers.Marker(marker).evaluate(environment)):
            found.append(Pin(name, version, frozenset(text.strip() for text in hashes)))
    return found


def fetch(lock: Path, target: Target, cache: Path) -> dict[Pin, Path]:
    """The wheel of each pin, from `cache` or downloaded into it; each is one of those whose hash the lock names."""
    folder = cache / f"{target.machine}-cp{target.python.replace('.', '')}"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pins(lock.read_text(encoding="utf-8"), target)
    if not all(_cached(pin, folder) for pin in wanted):
        _download(wanted, target, folder)
    found = {}
    for pin in wanted:
        wheel = _cached(pin, folder)
        if wheel is None:
            raise SystemExit(f"{pin.name}: found no wheel of {pin.version} for {target}; want one named in {lock}")
        found[pin] = wheel
    return found


def unpack(wheel: Path, site: Path) -> None:
    """Put a wheel's packages below `site`. Its scripts are left out: they name the Python that installed them."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            to = None if entry.is_dir() else _place(PurePosixPath(entry.filename))
            if to is None:
                continue
            path = site / to
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, path.open("wb") as out:
                shutil.copyfileobj(source, out)


def sha256(path: Path) -> str:
    """Of a file, hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _place(name: PurePosixPath) -> PurePosixPath | None:
    if name.is_absolute() or ".." in name.parts:
        raise SystemExit(f"{name}: found in a wheel; want paths below site-packages")
    if not name.parts[0].endswith(".data"):
        return name
    return PurePosixPath(*name.parts[2:]) if name.parts[1] in ("purelib", "platlib") else None


def _cached(pin: Pin, folder: Path) -> Path | None:
    spelt = pin.name.replace("-", "_").lower()
    found = (path for path in sorted(folder.glob("*.whl")) if path.name.lower().startswith(f"{spelt}-{pin.version}-"))
    return next((path for path in found if sha256(path) in pin.hashes), None)


def _download(wanted: list[Pin], target: Target, folder: Path) -> None:
    needs = folder / "requirements.txt"
    needs.write_text("".join(f"{line}\n" for pin in wanted for line in _lines(pin)), encoding="utf-8")
    tags = [f"manylinux_2_{minor}_{target.machine}" for minor in range(5, GLIBC[target.python] + 1)]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--implementation", "cp"]
    command += ["--python-version", target.python, "--dest", str(folder), "-r", str(needs)]
    for tag in (*tags, f"manylinux2014_{target.machine}"):
        command += ["--platform", tag]
    subprocess.run(command, check=True)  # noqa: S603 - our own words and file names


def _lines(pin: Pin) -> Iterator[str]:
    yield f"{pin.name}=={pin.version} \\"
    yield " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(pin.hashes))

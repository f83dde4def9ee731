"""Build doorunit's Debian package: the unit with a virtual environment of its own, its service, its papers.

The same commit gives the same bytes: every file has the commit's time, and nothing of this machine is in it. Needs
dpkg-deb, and the network for wheels that are not in build/wheels yet.
"""

import argparse
import gzip
import hashlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.deb import papers
from deploy.deb.wheels import GLIBC, MACHINES, Pin, Target, fetch, unpack

ROOT = papers.ROOT
HERE = ROOT / "deploy/deb"
HOME = Path("usr/lib/doorunit")
SYSTEMD = Path("usr/lib/systemd")
UNITS = (
    "doorunit.service",
    "doorunit-enrol.path",
    "doorunit-enrol.service",
    "doorunit-token.service",
    "doorunit-swap.service",
    "doorunit-recovery.service",
    "doorunit-recovery.timer",
    "doorunit-update.service",
    "doorunit-update.timer",
    "doorunit-update-boot.service",
    "doorunit-update-judge.service",
    "doorunit-update-judge.timer",
)
DISPATCHER = Path("usr/lib/NetworkManager/dispatcher.d/90-doorunit-ntp")
# Where each goes; what is a drop-in sorts after the system's own 40-*.
FILES = {
    "sysusers.conf": Path("usr/lib/sysusers.d/doorunit.conf"),
    "udev.rules": Path("usr/lib/udev/rules.d/90-doorunit.rules"),
    "journald.conf": SYSTEMD / "journald.conf.d/90-doorunit.conf",
    "system.conf": SYSTEMD / "system.conf.d/90-doorunit.conf",
    "timesyncd.conf": SYSTEMD / "timesyncd.conf.d/90-doorunit.conf",
    "networkmanager-ntp.sh": DISPATCHER,
    "coredump.conf": SYSTEMD / "coredump.conf.d/90-doorunit.conf",
    "no-swap-file.conf": SYSTEMD / "system/dphys-swapfile.service.d/90-doorunit.conf",
    "rpi-swap.conf": Path("etc/rpi/swap.conf.d/90-doorunit.conf"),
}
SCRIPTS = ("postinst", "prerm", "postrm")
SETTINGS = Path("etc/doorunit/doorunit.toml")
# Whoever builds for others names who answers. .invalid is reserved (RFC 2606): no letter to it reaches a stranger.
MAINTAINER = "doorunit project <doorunit@doorunit.invalid>"
_MAINTAINER = re.compile(r"[^<>\n:]+ <[^@<>\s]+@[^@<>\s]+>")  # Debian policy 5.6.2
OTA = HOME / "ota"
COMMAND = Path("usr/bin/doorunit-update")
EXECUTABLE = {HOME / "bin/doorunit", DISPATCHER, OTA / "launch", COMMAND}
SECRET = {SETTINGS: 0o640}  # may hold the keys of group robots; the package gives it to the unit's group


def main() -> int:
    """Build what the command line asks for and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--arch", choices=sorted(MACHINES), default="amd64")
    parser.add_argument("--python", choices=sorted(GLIBC), default="3.11", help="3.11: bookworm; 3.13: trixie")
    parser.add_argument("--out", type=Path, default=ROOT / "build/deb", help="folder (default build/deb)")
    parser.add_argument(
        "--release-key", type=Path, action="append", default=[], help="public key (PEM) of releases; may be repeated"
    )
    parser.add_argument("--maintainer", default=MAINTAINER, help="who answers for it, as 'Name <address>'")
    parser.add_argument("--level", type=int, default=6, help="of xz, 0 to 9 (default 6)")
    args = parser.parse_args()
    target, keys = Target(args.arch, args.python), args.release_key
    deb = build(target, args.out, level=args.level, maintainer=args.maintainer, keys=keys)
    sys.stdout.write(f"{deb}\n")
    return 0


def build(
    target: Target,
    out: Path,
    *,
    level: int = 6,
    maintainer: str = MAINTAINER,
    wheels: Path = ROOT / "build/wheels",
    keys: Sequence[Path] = (),
) -> Path:
    """One package below `out`; returns its path. keys: whose signed releases it takes; without any it takes none."""
    if not _MAINTAINER.fullmatch(maintainer):
        raise SystemExit(f"--maintainer: found {maintainer!r}; want 'Name <address>'")
    epoch, version = source_epoch(), f"{source_version()}+py{target.python}"
    out.mkdir(parents=True, exist_ok=True)
    deb = out / f"doorunit_{version}_{target.arch}.deb"
    with tempfile.TemporaryDirectory(prefix="doorunit-deb.") as temporary:
        tree = Path(temporary) / "tree"
        found = fetch(ROOT / "deploy/lock/run.txt", target, wheels)
        environment(tree / HOME, target, found)
        _own_files(tree)
        _updater(tree, target, version, epoch, keys)
        _papers(tree, found, version, epoch)
        _control(tree, target, version, maintainer)
        settle(tree, epoch)
        command = ["dpkg-deb", "--build", "--root-owner-group", "--threads-max=1", "-Zxz", f"-z{level}"]
        environ = os.environ | {"SOURCE_DATE_EPOCH": str(epoch)}
        command += [str(tree), str(deb)]
        subprocess.run(command, env=environ, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own words
    return deb


def environment(home: Path, target: Target, wheels: Mapping[Pin, Path]) -> None:
    """A virtual environment in `home`, to be used there or wherever that folder is moved.

    It sees the system's packages: picamera2 must be the one that fits the system's libcamera.
    """
    site = home / f"lib/python{target.python}/site-packages"
    for wheel in wheels.values():
        unpack(wheel, site)
    for package in ("edge", "drivers"):
        _copy_committed(package, site)
    (home / "bin").mkdir()
    (home / "bin/python").symlink_to(f"/usr/bin/python{target.python}")
    (home / "bin/doorunit").write_bytes((HERE / "files/doorunit.sh").read_bytes())
    about = f"home = /usr/bin\ninclude-system-site-packages = true\nversion = {target.python}\n"
    (home / "pyvenv.cfg").write_text(about, encoding="ascii")


def settle(tree: Path, epoch: int) -> None:
    """Give every file one time, and the mode that its place asks for, whatever this machine's umask."""
    for path in sorted(tree.rglob("*"), reverse=True):
        inner = path.relative_to(tree)
        if not path.is_symlink():
            control = inner.parts[0] == "DEBIAN" and inner.name in SCRIPTS
            plain = 0o755 if path.is_dir() or inner in EXECUTABLE or control else 0o644
            path.chmod(SECRET.get(inner, plain))
        os.utime(path, (epoch, epoch), follow_symlinks=False)
    tree.chmod(0o755)
    os.utime(tree, (epoch, epoch))


def source_epoch() -> int:
    """SOURCE_DATE_EPOCH, else when the commit was made (s since 1970)."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given if given else _git("log", "-1", "--format=%ct").strip())


def source_version() -> str:
    """As edge/__init__.py has it; read, not imported."""
    found = re.search(r'^VERSION = "([^"]+)"', (ROOT / "edge/__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit('edge/__init__.py: found no VERSION = "..."; want one')
    return found[1]


def _own_files(tree: Path) -> None:
    for name in UNITS:
        _put(tree / SYSTEMD / "system" / name, (ROOT / "deploy/systemd" / name).read_bytes())
    for name, place in FILES.items():
        _put(tree / place, (HERE / "files" / name).read_bytes())
    for name in ("bootfile.py", "pause.py", "recover.py", "swap.py"):
        _put(tree / HOME / "recovery" / name, (ROOT / "deploy/recovery" / name).read_bytes())
    (tree / "usr/bin").mkdir(parents=True)
    (tree / "usr/bin/doorunit").symlink_to("../lib/doorunit/bin/doorunit")


def _updater(tree: Path, target: Target, version: str, epoch: int, keys: Sequence[Path]) -> None:
    """deploy/ota as it is run there; what this package is, for it and for a slot; whom it trusts."""
    source = ROOT / "deploy/ota"
    for path in sorted(source.glob("*.py")):
        _put(tree / OTA / "deploy/ota" / path.name, path.read_bytes())
    _put(tree / OTA / "deploy/__init__.py", b"")
    _put(tree / OTA / "__main__.py", (source / "__main__.py").read_bytes())
    _put(tree / OTA / "launch", (source / "launch").read_bytes())
    _put(tree / COMMAND, (source / "doorunit-update").read_bytes())
    about = {"name": "doorunit", "version": version, "arch": target.arch, "python": target.python, "counter": epoch}
    _put(tree / HOME / "release.json", json.dumps(about, indent=1).encode() + b"\n")
    for number, key in enumerate(keys, 1):
        _put(tree / OTA / f"keys/{number}.pem", key.read_bytes())


def _papers(tree: Path, wheels: Mapping[Pin, Path], version: str, epoch: int) -> None:
    said = papers.helps()
    page = gzip.compress(papers.man(said, version, epoch).encode(), mtime=0)
    _put(tree / "usr/share/man/man1/doorunit.1.gz", page)
    page = gzip.compress(papers.update_man(version, epoch).encode(), mtime=0)
    _put(tree / "usr/share/man/man1/doorunit-update.1.gz", page)
    _put(tree / "usr/share/bash-completion/completions/doorunit", papers.completion(said).encode())
    _put(tree / "usr/share/doc/doorunit/sbom.cdx.json", papers.bill(wheels, version, epoch).encode())
    _put(tree / "usr/share/doc/doorunit/copyright", (ROOT / "LICENSE").read_bytes())
    defaults = [sys.executable, "-m", "edge.cli", "config", "defaults"]
    told = subprocess.run(defaults, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - our own words
    _put(tree / SETTINGS, told.stdout)


def _control(tree: Path, target: Target, version: str, maintainer: str) -> None:
    major, minor = target.python.split(".")
    size_kb = sum(p.lstat().st_size for p in tree.rglob("*") if not p.is_dir()) // 1024
    filled = (
        (HERE / "control.in")
        .read_text(encoding="utf-8")
        .format(
            version=version,
            maintainer=maintainer,
            arch=target.arch,
            size=size_kb,
            python=target.python,
            next_python=f"{major}.{int(minor) + 1}",
            glibc=f"2.{min(GLIBC[target.python], 34)}",
        )
    )
    files = sorted(p for p in tree.rglob("*") if p.is_file() and not p.is_symlink())
    sums = [f"{hashlib.md5(p.read_bytes(), usedforsecurity=False).hexdigest()}  {p.relative_to(tree)}\n" for p in files]
    kept = sorted(str(p.relative_to(tree)) for p in files if p.relative_to(tree).parts[0] == "etc")
    control = tree / "DEBIAN"
    _put(control / "control", filled.encode())
    _put(control / "md5sums", "".join(sums).encode())
    _put(control / "conffiles", "".join(f"/{name}\n" for name in kept).encode())
    for script in SCRIPTS:
        _put(control / script, (HERE / script).read_bytes())


def _copy_committed(package: str, site: Path) -> None:
    for name in sorted(_git("ls-files", "-z", "--", package).split("\0")):
        if name and (ROOT / name).is_file():
            _put(site / name, (ROOT / name).read_bytes())


def _put(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)  # settled at the end


def _git(*words: str) -> str:
    command = [shutil.which("git") or "git", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own words


if __name__ == "__main__":
    sys.exit(main())

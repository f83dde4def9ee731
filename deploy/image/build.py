"""Build the part of the image that can be built without Raspberry Pi's repository: the whole root, without its kernel.

A Debian with the unit's package, the layer's overlay, and what the layer settles: the same files in the same places as
rpi-image-gen puts them. Needs root (or user namespaces), mmdebstrap, and Debian's mirror; for another processor than
this machine's also qemu-user-static and its binfmt.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.deb.build import ROOT, build
from deploy.deb.wheels import MACHINES, Target

HERE = ROOT / "deploy/image"
LAYER = HERE / "layer"
OVERLAY = LAYER / "doorunit.rootfs-overlay"
PYTHONS = {"bookworm": "3.11", "trixie": "3.13"}
# Besides what the package depends on: of what rpi-image-gen brings, that which matters to a boot here.
PACKAGES = ("systemd", "systemd-sysv", "systemd-timesyncd", "systemd-zram-generator", "dbus", "udev", "e2fsprogs")


def main() -> int:
    """Build what the command line asks for and print where it is."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--arch", choices=sorted(MACHINES), default="arm64")
    parser.add_argument("--suite", choices=sorted(PYTHONS), default="trixie")
    parser.add_argument("--out", type=Path, default=ROOT / "build/image", help="folder (default build/image)")
    args = parser.parse_args()
    sys.stdout.write(f"{root(args.suite, args.arch, args.out)}\n")
    return 0


def root(suite: str, arch: str, out: Path, more: tuple[str, ...] = ()) -> Path:
    """The root as a tar file below `out`; returns its path. `more`: Debian packages besides."""
    target = Target(arch, PYTHONS[suite])
    deb = build(target, ROOT / "build/deb", level=1)
    out.mkdir(parents=True, exist_ok=True)
    made = out / f"doorunit-root-{suite}-{arch}.tar"
    part = made.with_suffix(".part.tar")
    with tempfile.TemporaryDirectory(prefix="doorunit-image.") as temporary:
        local = Path(temporary, "doorunit.deb")
        shutil.copy(deb, local)
        Path(temporary).chmod(0o755)  # mmdebstrap may read it as another user
        command = ["mmdebstrap", "--variant=minbase", f"--arch={arch}", "--quiet"]
        command += [f"--include={','.join((*PACKAGES, *more))}", f"--include={local}"]
        command += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Languages "none"']
        command += ["--dpkgopt=path-exclude=/usr/share/locale/*", f"--hook-dir={_FILES}"]
        command += [f"--customize-hook=sync-in {OVERLAY} /"]
        command += [f'--customize-hook=sh {LAYER}/settle.sh "$1" {LAYER}/doorunit.toml']
        command += ['--customize-hook=: >"$1/etc/machine-id"']  # as image-rota leaves it: each machine finds its own
        command += [suite, str(part)]
        environ = os.environ | {"PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "LC_ALL": "C"}
        subprocess.run(command, check=True, env=environ)  # noqa: S603 - our own words
    part.replace(made)
    return made


_FILES = "/usr/share/mmdebstrap/hooks/file-mirror-automount"  # lets --include take a .deb by its path


if __name__ == "__main__":
    sys.exit(main())

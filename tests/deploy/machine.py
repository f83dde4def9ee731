"""A whole Debian with a real systemd, in systemd-nspawn: made once, unpacked for each run, booted, asked, put away.

It has a network of its own (loopback only) and a card of its own, an ext4 in a file that stands at the unit's state
folder. Needs root, mmdebstrap and systemd-container.
"""

import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.deb.build import ROOT, environment
from deploy.deb.wheels import Target, fetch

CACHE = ROOT / "build/nspawn"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
PACKAGES = ("systemd", "systemd-sysv", "dbus", "udev", "python3", "iproute2", "openssl")
PACKAGES += ("mosquitto", "procps", "man-db")
FRESH = ("systemd", "systemd-sysv", "dbus", "udev", "mosquitto")  # no Python; the broker is the station's
FETCHED = (
    "python3",
    "iproute2",
    "openssl",
    "libbpf1",
)  # what apt would fetch for the package: in its cache, for no network is there
NOT_RUN = 77  # a campaign's exit status where the machine cannot run it: neither passed nor failed
STATE = "var/lib/doorunit"
PATIENCE = [1]  # times as long is waited for everything, where another processor is emulated
EXIT_FORCE_RESTART = 133  # systemd-nspawn's, where the machine restarted
STATION = "opt/station"
_ALONE = ("-q", "--register=no", "--keep-unit", "--private-network")
_ENV = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin", "LC_ALL": "C"}


def emulate(target: Target) -> int:
    """Let this kernel run that processor's programs; how many times as long everything takes.

    By qemu-user-static, unless they are its own.
    """
    if target.machine == platform.machine():
        return 1
    if not (BINFMT / "register").exists():
        run("mount", "-t", "binfmt_misc", "binfmt_misc", str(BINFMT))
    name = f"qemu-{target.machine}"
    if not (BINFMT / name).exists():
        (BINFMT / "register").write_bytes(Path(f"/usr/lib/binfmt.d/{name}.conf").read_bytes().strip())
    return 8


def hindrance() -> str:
    """Why no machine can be booted here, found by trying; empty: one can. A missing program is an error, not this.

    The trial boots this machine's own systemd on an empty root, until it would power off: two seconds.
    """
    if os.geteuid() != 0:
        return "this is not root"
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder, "card.img")
        with image.open("wb") as file:
            file.truncate(4 << 20)
        Path(folder, "card").mkdir()
        run("mkfs.ext4", "-q", str(image))
        why = _refusal("no loop device can be mounted", "mount", "-o", "loop", str(image), f"{folder}/card")
        if not why:
            run("umount", f"{folder}/card")
            words = ("-D", "/", "--volatile=yes", "--console=pipe", "--boot", "systemd.unit=poweroff.target")
            why = _refusal("systemd-nspawn boots nothing", "systemd-nspawn", *_ALONE, *words)
    return why


def root_archive(suite: str, arch: str, packages: Sequence[str] = PACKAGES, fetched: Sequence[str] = ()) -> Path:
    """A minimal Debian as a tar file, made on first use (a minute or two, from Debian's mirror).

    `fetched`: packages that apt finds in its cache, with all that they depend on, and that are not installed.
    """
    key = hashlib.sha256(" ".join((*packages, *(f"+{name}" for name in fetched))).encode()).hexdigest()[:8]
    archive = CACHE / f"{suite}-{arch}-{key}.tar"
    if not archive.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = archive.with_suffix(".part.tar")
        command = ["mmdebstrap", "--variant=minbase", f"--arch={arch}", f"--include={','.join(packages)}"]
        command += ['--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Languages "none"']
        command += ["--dpkgopt=path-exclude=/usr/share/locale/*", "--quiet"]
        if fetched:
            # With what they recommend, as on a person's Debian; mmdebstrap's own settings of apt say otherwise.
            apt = "env --unset=APT_CONFIG chroot $1 apt-get -o APT::Install-Recommends=true"
            fetch_them = f"{apt} install -qq -y --download-only {' '.join(fetched)}"
            command += ["--skip=cleanup/apt", f"--customize-hook={fetch_them}"]
        command += [suite, str(part)]
        run(*command, timeout_s=1200)
        part.replace(archive)
    return archive


class Machine:
    """One installed machine below `folder`. `boot` and `off` may follow one another; `close` ends all."""

    def __init__(self, folder: Path, archive: Path, target: Target) -> None:
        self.words: tuple[str, ...] = ()  # for systemd-nspawn; empty: the card stands at the unit's state folder
        self.root = folder / "root"
        self.card = folder / "card"
        self._image = folder / "card.img"
        self._log = folder / "console.log"
        self._filler = self.card / "filler"
        self._nspawn: subprocess.Popen[bytes] | None = None
        self.leader = 0
        self.root.mkdir()
        run("tar", "-C", str(self.root), "-xf", str(archive))
        self._add_station(target)
        self.card.mkdir()
        with self._image.open("wb") as image:
            image.truncate(96 << 20)
        run("mkfs.ext4", "-q", "-m", "0", str(self._image))
        run("mount", "-o", "loop,noatime", str(self._image), str(self.card))

    def boot(self, within_s: float = 60) -> int:
        """Start it; returns when that was (CLOCK_BOOTTIME, ns) once its systemd takes commands."""
        begun_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        command = ["systemd-nspawn", *_ALONE, "-D", str(self.root), "--boot", "--console=pipe"]
        command += self.words or (f"--bind={self.card}:/{STATE}",)
        with self._log.open("ab") as log:
            self._nspawn = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_ENV, process_group=0
            )
        await_(lambda: self._find_leader() and self._takes_commands(), within_s, f"a booted machine; see {self._log}")
        return begun_ns

    def restarted(self) -> None:
        """Wait for it to restart itself, and be what starts it again: nspawn leaves that to a unit of its own."""
        assert self._nspawn is not None
        assert self._nspawn.wait(60 * PATIENCE[0]) == EXIT_FORCE_RESTART
        self._nspawn = None
        self.boot()

    def inside(self, *command: str, check: bool = True, timeout_s: float = 120) -> str:
        """What a command says that root runs in there."""
        return run(*self.enter(), *command, check=check, timeout_s=timeout_s)

    def enter(self) -> tuple[str, ...]:
        """The words before a command that is to run in there."""
        return ("nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "--")

    def show(self, unit: str, name: str) -> str:
        """One property, as systemd has it."""
        return self.inside("systemctl", "show", unit, f"--property={name}", "--value").strip()

    def journal(self, *units: str) -> str:
        """The last lines of these units' journals."""
        return self.inside("journalctl", "--no-pager", "-n", "60", *(f"--unit={unit}" for unit in units))

    def off(self) -> None:
        """Pull the plug."""
        if self._nspawn is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._nspawn.pid, signal.SIGKILL)
            if self.leader:
                with suppress(ProcessLookupError):
                    os.kill(self.leader, signal.SIGKILL)
            self._nspawn.wait(30)
            await_(lambda: not Path(f"/proc/{self.leader}/ns").exists(), 30, "the machine to be off")
            self._nspawn, self.leader = None, 0

    def fill(self) -> None:
        """Leave no room on the card."""
        with self._filler.open("ab", buffering=0) as filler, suppress(OSError):
            while True:
                filler.write(b"x" * 4096)

    def free(self) -> None:
        """Take the filler away, for good: a card that falls ill in a moment must not have it back."""
        self._filler.unlink()
        run("sync", "-f", str(self.card))

    def fall_ill(self) -> None:
        """What ext4 does when the card returns errors: read-only from now on, whatever is open."""
        run("mount", "-o", "remount,abort", str(self.card))

    def mend(self) -> None:
        """What a technician does to an ill card, while the machine is off."""
        run("umount", str(self.card))
        run("fsck.ext4", "-fy", str(self._image), check=False)
        run("mount", "-o", "loop,noatime", str(self._image), str(self.card))

    def card_sectors(self) -> int:
        """Sectors of 512 bytes written to the card so far, its file system's own included."""
        source = run("findmnt", "-n", "-o", "SOURCE", str(self.card)).strip()
        return int(Path("/sys/block", Path(source).name, "stat").read_text().split()[6])

    def pictures_on_card(self) -> int:
        """How many JPEGs and PNGs begin in any byte of the card, also where files were deleted."""
        run("sync")
        raw = self._image.read_bytes()
        return sum(
            raw.count(mark) for mark in (b"\xff\xd8\xff\xe0\x00\x10JFIF", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n")
        )

    def close(self) -> None:
        self.off()
        run("umount", "-l", str(self.card), check=False)

    def _add_station(self, target: Target) -> None:
        wheels = fetch(ROOT / "deploy/lock/station.txt", target, ROOT / "build/wheels")
        environment(self.root / STATION, target, wheels)
        shutil.copy(Path(__file__).with_name("inside.py"), self.root / STATION)
        unit = f"""[Service]
ExecStart=/{STATION}/bin/python -I -m edge.cli station run --dir /var/lib/station
[Install]
WantedBy=multi-user.target
"""
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost\n")
        system = self.root / "etc/systemd/system"
        (system / "station.service").write_text(unit)
        (system / "multi-user.target.wants").mkdir(exist_ok=True)
        (system / "multi-user.target.wants/station.service").symlink_to("../station.service")
        for masked in ("mosquitto.service", "apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer"):
            (system / masked).symlink_to(
                "/dev/null"
            )  # Debian's broker has the station's port; the others have the disk

    def _find_leader(self) -> bool:
        assert self._nspawn is not None
        assert self._nspawn.poll() is None, f"systemd-nspawn ended; see {self._log}"
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        self.leader = int(children[0]) if children else 0
        return bool(self.leader)

    def _takes_commands(self) -> bool:
        return "loaded" in self.inside("systemctl", "show", "basic.target", "--property=LoadState", check=False)


class Probe:
    """A process in there that moves the simulated door and reads the station's ledger: one JSON line each way."""

    def __init__(self, machine: Machine) -> None:
        command = [*machine.enter(), f"/{STATION}/bin/python", "-I", f"/{STATION}/inside.py"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, do: str, **about: object) -> Any:
        """Its answer; what it is asked has a deadline of its own in there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **about}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


def run(*command: str, check: bool = True, timeout_s: float = 120) -> str:
    """What a command says; with `check`, it must end with 0."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s * PATIENCE[0], env=_ENV)
    assert not check or done.returncode == 0, f"{' '.join(command)}: {done.returncode}: {done.stderr[-3000:]}"
    return done.stdout


def await_(condition: Any, within_s: float, wanted: str) -> None:
    """Wait for a condition of another process."""
    until_s = time.monotonic() + within_s * PATIENCE[0]
    while not condition():
        assert time.monotonic() < until_s, f"found nothing within {within_s} s; want {wanted}"
        time.sleep(0.05)


def lines(said: str) -> Sequence[str]:
    """Of an output, without those that are empty."""
    return [line for line in said.splitlines() if line.strip()]


def _refusal(what: str, *command: str) -> str:
    """`what` and the command's own reason, where it does not end well within a minute; else empty."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False, env=_ENV
        )
    except subprocess.TimeoutExpired:
        return f"{what}: it does not end within 60 s"
    return f"{what}: {(lines(done.stderr) or ['it said nothing'])[0]}" if done.returncode else ""

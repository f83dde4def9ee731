"""Where the updater's tests get their releases: small packages as `make deb` lays them out, keys, a unit to update."""

import io
import json
import lzma
import subprocess
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from deploy.ota import fetch, manifest
from deploy.ota.durable import Card
from deploy.ota.manifest import Manifest
from deploy.ota.settings import Settings
from deploy.ota.slots import Slots
from deploy.ota.trial import Seen
from deploy.ota.updater import Updater, World

LAUNCH = Path(__file__).resolve().parents[2] / "deploy/ota/launch"
ARCH, PYTHON = "arm64", "3.11"
KEY = "-----BEGIN PUBLIC KEY-----\nours\n-----END PUBLIC KEY-----\n"
WELL = {"pid": 17, "link_up": True, "last_receipt_s": 1.0, "pulse": {"door": "shut", "backlog": 0}}
Entry = tarfile.TarInfo | tuple[str, bytes]


def about(counter: int) -> dict[str, Any]:
    """What a package of that counter says it is."""
    return {"name": "doorunit", "version": f"0.{counter}", "arch": ARCH, "python": PYTHON, "counter": counter}


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    """A link, or with `kind` anything else that is no file."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def files(counter: int, many: int = 3) -> dict[str, bytes]:
    """What a slot holds of that release."""
    made = {f"lib/part{n}.py": f"# {counter}\n".encode() * (40 * n + 1) for n in range(many)}
    return {"pyvenv.cfg": b"home = /usr/bin\n", "release.json": json.dumps(about(counter)).encode(), **made}


def entries(counter: int, many: int = 3) -> list[Entry]:
    """As they stand in a package, with something of the system's besides."""
    home = "./usr/lib/doorunit"
    folders = [link(path, "", tarfile.DIRTYPE) for path in ("./usr", home, f"{home}/bin", f"{home}/lib")]
    inside = [(f"{home}/{name}", data) for name, data in files(counter, many).items()]
    python = link(f"{home}/bin/python", f"/usr/bin/python{PYTHON}")
    return [*folders, ("./usr/lib/systemd/system/doorunit.service", b"[Service]\n"), *inside, python]


def package(content: Sequence[Entry], *, name: bytes = b"data.tar.xz") -> bytes:
    """A Debian package (deb(5)) with that in it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for one in content:
            info = one if isinstance(one, tarfile.TarInfo) else tarfile.TarInfo(one[0])
            data = b"" if isinstance(one, tarfile.TarInfo) else one[1]
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return wrapped(raw.getvalue(), name=name)


def wrapped(tar: bytes, *, name: bytes = b"data.tar.xz") -> bytes:
    """A Debian package around that tar archive."""
    parts = {b"debian-binary": b"2.0\n", b"control.tar.xz": b"x", name: lzma.compress(tar, preset=0)}
    made = b"!<arch>\n"
    for title, data in parts.items():
        made += (
            b"%-16s%-12d%-6d%-6d%-8o%-10d`\n" % (title, 0, 0, 0, 0o100644, len(data)) + data + b"\n" * (len(data) % 2)
        )
    return made


def told(counter: int, data: bytes, /, **other: Any) -> Manifest:
    """What its manifest says."""
    made = Manifest(
        **about(counter),
        file=f"doorunit_{counter}.deb",
        size=len(data),
        sha256=sha256(data).hexdigest(),
        unpacked=1_000_000,
        floor=counter,
    )
    return replace(made, **other)


def signed(made: Manifest, key: str = KEY) -> bytes:
    """Its file, with the simulated signature of that key."""
    return manifest.seal(made, signature(made.to_json().encode(), key))


def signature(message: bytes, key: str) -> bytes:
    """Stands in for Ed25519 where a test is not about it."""
    return sha256(message + key.encode()).digest()


def verify(message: bytes, given: bytes, key: str) -> bool:
    """Whether `signature` made it."""
    return given == signature(message, key)


@dataclass
class Site:
    """A unit as the updater sees it, turned by hand."""

    slots: Slots
    memory: Path
    now: float = 1000.0
    answer: dict[str, Any] | None = field(default_factory=lambda: dict(WELL))
    restarts: int = 0
    platform: bool = True
    causes: frozenset[str] | None = frozenset()
    before: Mapping[str, Any] = field(default_factory=lambda: {"watched": True, "causes": [], "in_service": True})
    running: str | None = None  # the home that the service runs from; None: what `current` says
    stopped: bool = False
    calls: list[tuple[str, ...]] = field(default_factory=list)
    settings: Settings = Settings()
    way: Callable[[Settings, Callable[[], str]], fetch.Way] = lambda s, busy: fetch.Way(s, None, busy)

    @property
    def updater(self) -> Updater:
        """doorunit-update, at this moment."""
        return Updater(self.slots, self._world())

    def install(self, folder: Path, counter: int, /, **other: Any) -> str:
        """A release comes on a stick."""
        data = package(entries(counter))
        path = folder / f"doorunit_{counter}.deb"
        path.write_bytes(data)
        return self.updater.install(path, signed(told(counter, data, **other)))

    def watch(self, seconds: float, every_s: float = 10) -> list[str]:
        """The judge's timer ticks for that long; what each look said, until a verdict."""
        said = []
        for _ in range(int(seconds / every_s)):
            self.now += every_s
            verdict, why = self.updater.judge()
            said.append(f"{verdict}: {why}")
            if self.slots.state.trial is None:
                break
        return said

    def _world(self) -> World:
        return World(
            ARCH,
            PYTHON,
            settings=lambda: self.settings,
            look=lambda _: Seen(self._home(), self.restarts, self.answer, None, self.platform, self.stopped),
            before=lambda _: dict(self.before),
            doctor=lambda _: self.causes,
            systemctl=self._systemctl,
            answer=lambda: self.answer,
            verify=verify,
            way=self.way,
            memory=self.memory,
            now_s=lambda: 2_000_000_000,
            boot_s=lambda: self.now,
        )

    def _home(self) -> str:
        return str(self.slots.home(self.slots.current)) if self.running is None else self.running

    def _systemctl(self, *words: str) -> bool:
        self.calls.append(words)
        return True


class Quick(Card):
    """As the real one, without having the whole machine's disks written each time; `left`: bytes free on it.

    programs: whether it lets any run.
    """

    left = 10**12
    programs = True

    def sync_all(self) -> None:
        """Each file is synced by itself all the same."""

    def free(self, path: Path) -> int:
        return self.left

    def runs(self, path: Path) -> bool:
        return self.programs


def site(folder: Path, counter: int = 1, card: Card | None = None, many: int = 3) -> Site:
    """A unit whose installed package has that counter and trusts KEY."""
    own = folder / "package"
    for name, data in files(counter, many).items():
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(data)
    (own / "ota/keys").mkdir(parents=True)
    (own / "ota/keys/1.pem").write_text(KEY)
    (folder / "slots").mkdir()
    return Site(Slots(folder / "slots", own, card or Quick()), folder / "looks.json")


def launched(site: Site) -> str:
    """The name of the home that the launcher takes."""
    return Path(launched_home(site)).name


def launched_home(site: Site) -> str:
    """Which home the launcher takes."""
    script = LAUNCH.read_text().replace("/usr/lib/doorunit", str(site.slots.package))
    script = script.replace("/var/lib/doorunit-update", str(site.slots.root)).replace("exec ", "echo ")
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    return str(Path(done.stdout.split()[0]).parent.parent)

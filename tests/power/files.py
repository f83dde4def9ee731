"""Settings, keys, identity, a station's authority: whatever was cut short, the old or the new one is there, whole."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edge import identity
from edge.durable import write_durably
from edge.errors import DoorunitError
from edge.station.ca import Authority
from tests.power.disk import Disk, Image
from tests.power.hands import watched
from tests.power.room import empty
from tests.power.tape import Tape

KINDS = ("dropped", "kept", *(f"partly-{n}" for n in range(1, 9)))
Write = Callable[[Path, bytes], object]


@dataclass(frozen=True)
class Scene:
    """`lay` prepares a folder, `act` is cut, `read` says what is there; `again` must work on whatever the cut left."""

    name: str
    lay: Callable[[Path], object]
    act: Callable[[Path], object]
    read: Callable[[Path], object]
    again: Callable[[Path], object]


@dataclass
class Result:
    """What came of some scenes. A failure says where it is to be found again."""

    points: int = 0
    images: int = 0
    failures: list[str] = field(default_factory=list)


def scenes(write: Write = write_durably) -> list[Scene]:
    """Plain files, written by `write`, and all that is written as a whole folder."""
    return [*plain(write), *folders()]


def plain(write: Write = write_durably) -> list[Scene]:
    """A settings file that has a predecessor, and a key that has none."""
    old, new, third = (f"{word} = {'x' * 2000}\n".encode() for word in ("old", "new", "third"))

    def put(name: str, data: bytes, root: Path) -> None:
        write(root / name, data)

    def read(name: str, root: Path) -> object:
        return (root / name).read_bytes() if (root / name).exists() else None

    def scene(what: str, name: str, lay: Callable[[Path], object]) -> Scene:
        return Scene(what, lay, partial(put, name, new), partial(read, name), partial(put, name, third))

    return [
        scene("settings over older ones", "doorunit.toml", lambda root: (root / "doorunit.toml").write_bytes(old)),
        scene("a first key", "unit.key", lambda _: None),
    ]


def folders() -> list[Scene]:
    """An identity: the first, and in place of another. A station's keys."""
    first = Scene("a first identity", lambda _: None, partial(enrol, "new"), who, partial(enrol, "third"))
    renewed = Scene(
        "an identity over another", partial(enrol, "old"), partial(enrol, "new"), who, partial(enrol, "third")
    )
    station = Scene("a station's keys", lambda _: None, found, authority, found)
    return [first, renewed, station]


def enrol(word: str, root: Path) -> None:
    """Give the unit an identity, of which every part says `word`."""
    made = word.encode()
    identity.save(
        root / "state" / "identity",
        unit=f"door-{word}",
        seal_key=made.ljust(32),
        seal_key_id=word,
        command_key=made.rjust(32),
        sign_seed=made.center(32),
        key_pem=b"-----BEGIN PRIVATE KEY-----\n" + made * 300,
        cert_pem=b"-----BEGIN CERTIFICATE-----\n" + made * 200,
        ca_pem=b"-----BEGIN CERTIFICATE-----\n" + made * 100,
    )


def who(root: Path) -> object:
    """Every part of the identity, or None where the unit has none yet."""
    folder = root / "state" / "identity"
    try:
        one = identity.load(folder)
    except DoorunitError:
        if folder.exists():
            raise
        return None
    pems = tuple(path.read_bytes() for path in (one.key_file, one.cert_file, one.ca_file))
    return (one.unit, one.seal_key, one.seal_key_id, one.command_key, one.sign_seed.reveal(), *pems)


def found(root: Path) -> None:
    """Make the station's authority, or open it."""
    Authority.open(root / "station")


def authority(root: Path) -> object:
    """The authority's certificate; while it is missing nothing was issued."""
    path = root / "station" / "ca.crt"
    return path.read_bytes() if path.exists() else None


def cut_twice(scene: Scene, times: int, seed: int, room: Path) -> Iterator[Scene]:
    """The scene's `again`, begun on what a cut of its `act` left, and cut too."""
    cuts = list(_cuts(scene, seed, room))
    dice = random.Random(f"{seed}/{scene.name}/twice")
    for cut in dice.sample(cuts, min(times, len(cuts))):
        kind = dice.choice(KINDS)
        name = f"{scene.name}, cut at {cut.point} ({kind})"
        yield Scene(name, cut.image(kind).build, scene.again, scene.read, scene.again)


def play(scene: Scene, seed: int, room: Path, result: Result) -> None:
    """Cut the scene everywhere, in every way, and look."""
    for cut in _cuts(scene, seed, room):
        result.points += 1
        for kind in KINDS:
            result.images += 1
            folder = empty(room / "image")
            cut.image(kind).build(folder)
            broken = _judge(scene, cut, folder)
            if broken:
                result.failures.append(f"{scene.name}, point {cut.point}, {kind}, seed {seed}: {broken}")


@dataclass(frozen=True)
class _Cut:
    point: int
    image: Callable[[str], Image]
    allowed: tuple[object, ...]


def _cuts(scene: Scene, seed: int, room: Path) -> Iterator[_Cut]:
    root = empty(room / "scene")
    scene.lay(root)
    tape = Tape(root)
    old = scene.read(root)
    with watched(tape):
        scene.act(root)
    new = scene.read(root)
    disk, ops = Disk(tape), list(tape.operations())
    for point, op in enumerate(ops, 1):
        disk.step(op)
        image = partial(_image, disk, f"{seed}/{scene.name}/{point}")
        yield _Cut(point, image, (old, new) if point < len(ops) else (new,))


def _image(disk: Disk, seed: str, kind: str) -> Image:
    return disk.image(kind.partition("-")[0], random.Random(f"{seed}/{kind}"))


def _judge(scene: Scene, cut: _Cut, folder: Path) -> str:
    try:
        if scene.read(folder) not in cut.allowed:
            return "neither the old one nor the new one is there" if len(cut.allowed) > 1 else "what was done is gone"
        scene.again(folder)
        scene.read(folder)
    except (DoorunitError, OSError) as err:
        return str(err)
    return ""

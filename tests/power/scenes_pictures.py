"""Scenes of pictures that are refused, unreadable, torn, gone or too many."""

from edge.clock import SECOND, Quality, Stamp
from edge.spool import seal
from tests.power.scene import BASE_NS, Scene, Script
from tests.power.town import sealer


def bad_pictures(name: str, *, eager: bool) -> Scene:
    """Pictures that are refused, unreadable, torn, gone, not yet sent, or left without a row."""
    s = Script(name, eager=eager, camera=True)
    s.at(0, "start")
    s.at(2, "turn", "post", "refused")
    s.door(5)
    s.door(10)
    s.at(15, "turn", "post", "unfit")
    s.at(20, "turn", "post")
    s.at(700, "turn", "post", "gone")
    s.door(705)
    s.at(709, "turn", "network", "down")
    s.at(709.5, "turn", "network")
    s.at(712, "harm", "remove", "frames/*", 1)
    s.at(713, "turn", "post")
    s.door(800)
    s.at(801, "turn", "post", "gone")
    s.door(810)
    s.at(820, "off")
    s.at(821, "harm", "remove", "frames/*", 1)
    for number, torn in enumerate(torn_pictures()):
        s.at(822, "harm", "overwrite", f"frames/{number}", -1, torn)
    s.at(822, "harm", "link", "frames/mem", "/proc/self/mem")
    s.at(830, "start")
    s.at(840, "turn", "post")
    s.at(850, "off")
    s.at(851, "harm", "remove", "frames/mem")
    s.at(853, "start")
    s.at(900, "turn", "post", "gone")
    s.door(905)
    s.door(910)
    s.at(920, "harm", "block", "frames/*")
    s.at(930, "turn", "post")
    return s.end()


def cut_pictures(name: str, *, eager: bool) -> Scene:
    """A unit that is cut off, or stopped, while it takes them."""
    s = Script(name, eager=eager, camera=True)
    s.at(0, "start")
    s.door(5)
    s.at(6.1, "off")
    s.at(6.9, "start")
    s.door(12)
    s.at(15, "turn", "post", "gone")
    s.door(20)
    s.at(20.9, "off")
    s.at(25, "start", "boot-1")
    s.door(30)
    s.at(35, "turn", "network", "down")
    s.door(40)
    s.at(40.9, "stop")
    s.at(41.5, "off")
    s.at(45, "start")
    s.at(60, "turn", "network")
    s.at(61, "turn", "post")
    return s.end()


def torn_pictures() -> list[bytes]:
    """One that is whole, of a moment long ago, and every way in which one is not."""
    whole = sealer().seal(b"picture", epoch="a1", event=3, at=Stamp("boot-0", 6 * SECOND, BASE_NS, Quality.SYNCED, 1))
    head = len(seal.MAGIC) + 4
    return [
        b"JPEG" + whole[4:],
        whole[:20],
        whole[:4] + b"\xff\xff\xff\xff" + whole[head:],
        whole[: head + 300],
        whole[:head] + b"[" + whole[head + 1 :],
        whole.replace(seal.SUITE.encode(), b"x" * len(seal.SUITE)),
        whole,
    ]


def too_many_pictures(name: str, *, eager: bool) -> Scene:
    """More than the budget allows."""
    s = Script(name, eager=eager, camera=True, picture_bytes=300_000, settings={"spool": {"frames_mb": 1}})
    s.at(0, "start")
    s.at(2, "turn", "post", "gone")
    s.door(5)
    s.door(10)
    s.door(15)
    s.at(60, "turn", "post")
    return s.end()

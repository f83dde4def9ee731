"""The fixed histories: between them they reach every statement that a unit on its way can reach."""

from collections.abc import Callable

from edge.clock import SECOND, Quality
from edge.errors import FullError, PartError
from edge.sim.history import Span
from edge.spool import seal
from tests.power.scene import Scene, Script
from tests.power.town import TOWN_SIGN, sealer

BROKEN = PartError("card", found="an input/output error", wanted="a card", remedy="Change it.")
FULL = FullError("card", found="no room", wanted="room", remedy="It is over by itself.")


def sign(message: bytes) -> bytes:
    """The platform's signature."""
    return bytes(TOWN_SIGN.sign(message).signature)


def a_day(name: str, *, eager: bool) -> Scene:
    """Openings with the link up and down, a backlog drained, pictures sent, a stop in order and a cut, a new boot."""
    s = Script(name, camera=True, eager=eager)
    s.at(0, "start")
    s.door(5)
    s.door(9)
    s.at(12, "turn", "network", "down")
    for at_s in range(15, 35, 5):
        s.door(at_s)
    s.at(40, "turn", "network")
    s.door(60)
    s.at(65, "stop")
    s.at(67, "off")
    s.at(70, "start")
    s.door(75)
    s.at(80, "off")
    s.at(90, "start", "boot-1")
    s.door(95, "clean")
    s.door(140, "rattle")
    s.command(145, "c1", "pulse", sign)
    s.command(146, "c2", "resend", sign)
    s.command(147, "c3", "pulse", lambda _: bytes(64))
    s.command(148, "c3", "pulse", lambda _: bytes(3))
    return s.end()


def a_bad_town(name: str, *, eager: bool) -> Scene:
    """A broker that denies, a platform that is mute or deaf, a server that is down, a link that dies unnoticed."""
    s = Script(name, eager=eager, settings={"uplink": {"window": 1, "receipt_timeout_s": 5, "backoff_max_s": 5}})
    s.at(0, "start")
    s.door(5)
    s.at(8, "turn", "mute", True)
    for at_s in (10, 12, 14, 16, 18, 20, 60):
        s.door(at_s)
    s.at(70, "turn", "mute")
    s.at(75, "turn", "deaf", True)
    s.door(80)
    s.at(90, "turn", "deaf")
    s.at(100, "turn", "denied", True)
    s.door(101)
    s.door(105)
    s.command(106, "c1", "resend", sign)
    s.at(110, "turn", "denied")
    s.at(200, "turn", "server", "down")
    s.door(210)
    s.door(220)
    s.at(230, "turn", "server")
    s.at(330, "turn", "chatty", True)
    s.door(331)
    s.at(340, "turn", "network", "dead")
    s.door(340.05)
    s.at(345, "turn", "network")
    s.at(346, "turn", "chatty")
    s.at(500, "turn", "mute", True)
    s.door(501)
    s.at(505.9, "turn", "network", "dead")
    s.at(520, "turn", "network")
    s.at(530, "turn", "mute")
    for at_s in (600, 610, 620, 630, 640):  # accepted, and ended at once
        s.at(at_s, "turn", "network", "down")
        s.at(at_s + 1, "turn", "network", "held")
        s.at(at_s + 9.5, "turn", "network")
    s.door(645)
    s.at(700, "turn", "network", "stuck")
    s.door(701)
    s.at(800, "turn", "network")
    s.door(801)
    return s.end()


def a_mute_town(name: str, *, eager: bool) -> Scene:
    """A backlog that is taken, and confirmed only when it is sent again."""
    s = Script(name, eager=eager)
    s.at(0, "start")
    s.at(3, "turn", "network", "down")
    for at_s in (5, 8, 11, 14):
        s.door(at_s)
    s.at(15, "turn", "mute", True)
    s.at(16, "turn", "network")
    s.at(40, "turn", "mute")
    s.door(80)
    return s.end()


def a_broker_alone(name: str, *, eager: bool) -> Scene:
    """No platform: the broker's word is the receipt."""
    s = Script(name, eager=eager, settings={"uplink": {"receipt": "broker"}})
    s.at(0, "start")
    s.at(1, "turn", "mute", True)
    s.at(3, "turn", "network", "down")
    s.door(5)
    s.door(10)
    s.at(15, "turn", "network")
    s.door(60)
    return s.end()


def a_bad_card(name: str, *, eager: bool, fault: PartError) -> Scene:
    """The card refuses at the start, while it runs, and while a backlog is read."""
    s = Script(name, camera=True, eager=eager)
    s.bad_card(0, 10, "card", (fault,), ())
    s.at(0.1, "start")
    s.door(5)
    s.door(60)
    s.bad_card(63.1, 80, "card", (fault,), ())
    s.door(65)
    s.door(70)
    s.at(150, "turn", "network", "down")
    s.door(155)
    s.door(160)
    s.bad_card(165, 185, "card", (fault,), ())
    s.at(166, "turn", "network")
    s.door(300)
    s.at(310, "turn", "network", "down")
    s.door(315)
    s.bad_card(316, 320, "card", (fault,), ())
    s.scene.dark.append(s.scene.late[-1])
    s.at(340, "off")
    s.at(342, "start")
    s.at(350, "turn", "network")
    return s.end()


def a_slow_card(name: str, *, takes_ms: int = 2500) -> Scene:
    """The card is late: the spool is opened after the door, a commit takes seconds, answers come for an earlier life."""
    s = Script(name)
    s.bad_card(0, 20, "card", (None, takes_ms), ())
    s.at(0.1, "start")
    s.door(10)
    s.door(30)
    s.at(32, "turn", "network", "down")
    s.at(33, "turn", "network", "held")
    s.door(35)
    s.door(40)
    s.bad_card(42, 120, "card", (None, takes_ms), ())
    s.at(45, "turn", "network")
    s.at(46, "turn", "network", "down")
    s.at(50, "turn", "network")
    s.door(60)
    s.door(70)
    s.at(78, "card", None, 300)
    s.door(79.5)
    s.command(79.7, "c1", "pulse", sign)
    s.at(79.75, "stop")
    s.at(84, "off")
    s.at(90, "start")
    s.at(99, "card", None, takes_ms)
    s.door(100)
    s.at(104, "card")
    return s.end()


def a_full_card(name: str, *, eager: bool) -> Scene:
    """A real card without room: records wait in RAM, pictures make room, and it ends."""
    s = Script(name, camera=True, eager=eager, card_kb=512, picture_bytes=20_000)
    s.at(0, "start")
    s.door(5)
    s.door(10)
    s.at(14, "turn", "post", "gone")
    s.door(20)
    s.door(25)
    s.bad_card(30, 60, "harm", ("fill",), ("drain",))
    for at_s in (35, 38, 41, 44):
        s.door(at_s)
    s.at(100, "turn", "post")
    s.at(200, "off")
    s.bad_card(201, 240, "harm", ("fill",), ("drain",))
    s.at(202, "start")
    s.door(210)
    s.door(215)
    s.at(300, "turn", "network", "down")
    s.door(305)
    s.door(310)
    s.at(320, "turn", "network")
    return s.end()


def a_read_only_card(name: str, *, eager: bool) -> Scene:
    """A real card that is write-protected when the unit starts."""
    s = Script(name, eager=eager, camera=True, card_kb=512)
    s.at(0, "start")
    s.door(5)
    s.door(10)
    s.at(20, "off")
    s.bad_card(21, 60, "harm", ("protect",), ("unprotect",))
    s.at(22, "start")
    s.door(30)
    s.door(40)
    s.at(45, "stop")
    s.at(46, "off")
    s.at(47, "start")
    s.door(150)
    return s.end()


def a_sick_card(name: str, *, eager: bool) -> Scene:
    """A real card that takes no more writing."""
    s = Script(name, eager=eager, camera=True)
    s.at(0, "start")
    s.door(5)
    s.bad_card(10, 40, "sick", (True,), (False,))
    s.door(15)
    s.door(20)
    s.door(150)
    return s.end()


def damage(name: str, what: Callable[[Script, float], None], *, running: bool) -> Scene:
    """The spool is damaged, before a start or while it is in use, with all that was in it sent."""
    s = Script(name, damaged=True)
    s.at(0, "start")
    s.door(5)
    s.door(10)
    s.at(20, "off")
    if running:
        s.at(21, "start")
        s.door(30)
        s.at(40, "turn", "mute", True)
        s.door(41)
        what(s, 50)
        s.at(51, "turn", "mute")
    else:
        what(s, 21)
        s.at(22, "start")
    s.scene.late.append(Span(20 * SECOND, 100 * SECOND))
    s.door(60)
    s.door(65)
    return s.end()


def damages() -> list[Scene]:
    """Each in its own way."""

    def overwritten(name: str, at: int, data: bytes) -> Callable[[Script, float], None]:
        return lambda s, at_s: s.at(at_s, "harm", "overwrite", name, at, data)

    def said(statement: str) -> Callable[[Script, float], None]:
        return lambda s, at_s: s.at(at_s, "harm", "sql", statement)

    def another(s: Script, at_s: float) -> None:
        s.bad_card(at_s, at_s + 20, "harm", ("sql", "PRAGMA user_version=2"), ("sql", "PRAGMA user_version=1"))

    def beneath(s: Script, at_s: float) -> None:
        s.at(at_s, "harm", "sql", "PRAGMA wal_checkpoint(TRUNCATE)")
        s.at(at_s, "harm", "sql", "PRAGMA shrink_memory")
        s.at(at_s, "harm", "overwrite", "spool.db", 4096, b"\xa5" * 4096)

    def gone(s: Script, at_s: float) -> None:
        s.at(at_s, "harm", "remove", "spool.db*")

    def twice(s: Script, at_s: float) -> None:
        s.at(at_s, "harm", "overwrite", "spool.db", 0, bytes(100))
        s.at(100, "off")
        s.at(101, "harm", "overwrite", "spool.db", 0, bytes(100))
        s.at(102, "start")

    return [
        damage("a garbled header, twice", twice, running=False),
        damage("a garbled -wal", overwritten("spool.db-wal", 0, b"\xa5" * 64), running=False),
        damage("a -wal that was begun", overwritten("spool.db-wal", -1, bytes(32)), running=False),
        damage("a garbled page", overwritten("spool.db", 4096, b"\xa5" * 4096), running=False),
        damage("a garbled page that is not in use", overwritten("spool.db", 3 * 4096, b"\xa5" * 4096), running=False),
        damage("a garbled page beneath a unit", beneath, running=True),
        damage("an unreadable epoch", said("UPDATE meta SET value = x'ff' WHERE key = 'epoch'"), running=False),
        damage("no known schema", said("PRAGMA user_version=5000"), running=False),
        damage("another's schema", another, running=False),
        damage("an unreadable record", said("UPDATE record SET body = x'00'"), running=True),
        damage("a file that is gone", gone, running=True),
        damage("a table that is gone", said("DROP TABLE record"), running=True),
    ]


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


def a_wrong_folder(name: str, *, eager: bool) -> Scene:
    """Something else lies where the pictures or the spool's parts ought to be."""
    s = Script(name, eager=eager, camera=True)
    s.bad_card(0, 20, "harm", ("overwrite", "frames", -1, b""), ("remove", "frames"))
    s.at(0.1, "start")
    s.door(5)
    s.door(10)
    s.at(60, "off")
    s.bad_card(61, 80, "harm", ("block", "spool.db-journal"), ("unblock", "spool.db-journal"))
    s.at(62, "start")
    s.door(70)
    s.door(150)
    return s.end()


def torn_pictures() -> list[bytes]:
    """One that is whole, of a moment long ago, and every way in which one is not."""
    from tests.power.scene import BASE_NS
    from edge.clock import Stamp

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


def too_many_records(name: str, *, eager: bool) -> Scene:
    """More than the spool may hold, and more than one block of seqs."""
    s = Script(name, eager=eager, evicts=True, spool={"records_max": 30}, knobs={"edge.spool.journal._EVICT": 5})
    s.at(0, "start")
    s.at(2, "turn", "network", "down")
    for at_s in range(5, 85, 2):
        s.door(at_s)
    s.at(90, "turn", "network")
    return s.end()


def a_small_spool(name: str) -> Scene:
    """What is to go is received before the card has said what it is."""
    s = Script(name, evicts=True, spool={"records_max": 1})
    s.at(0, "start")
    s.at(1, "card", None, 100)
    s.door(5)
    s.at(8, "turn", "mute", True)
    s.door(10)
    s.at(10.4, "turn", "mute")
    s.command(10.5, "c1", "resend", sign)
    s.door(10.6, "clean")
    return s.end()


def too_much_in_ram(name: str, *, eager: bool) -> Scene:
    """A card that refuses for longer than the RAM lasts."""
    knobs = {"edge.spool.journal._EVICT": 3, "edge.spool.journal.IN_RAM_MAX": 8}
    s = Script(name, eager=eager, evicts=True, knobs=knobs)
    s.at(0, "start")
    s.at(2, "turn", "network", "down")
    s.bad_card(4, 40, "card", (BROKEN,), ())
    s.scene.dark += s.scene.late
    for at_s in range(5, 35, 2):
        s.door(at_s)
    s.at(120, "turn", "network")
    return s.end()


def a_late_clock(name: str, *, eager: bool) -> Scene:
    """A clock that becomes good only after the first changes."""
    s = Script(name, eager=eager)
    s.at(0, "clock", Quality.UNSYNCED, None, -(10**18))
    s.at(0, "start")
    s.door(5)
    s.at(8, "turn", "network", "down")
    s.door(10)
    s.at(20, "clock", Quality.SYNCED, 4)
    s.door(30)
    s.at(40, "turn", "network")
    s.at(50, "stop")
    s.at(51, "off")
    s.at(62, "clock", Quality.UNSYNCED, None, -(10**18))
    s.at(62, "start", "boot-1")
    s.door(70)
    s.at(75, "off")
    s.at(76, "clock", Quality.SYNCED, 4)
    if eager:
        s.bad_card(76, 78, "card", (BROKEN,), ())
    s.at(77, "start")
    s.door(80)
    return s.end()


def all_scenes() -> list[Scene]:
    """Every one of them, the plainest first."""
    scenes = []
    for eager in (False, True):
        how = ", eager" if eager else ""
        scenes += [
            a_day(f"a day{how}", eager=eager),
            a_bad_town(f"a bad town{how}", eager=eager),
            a_mute_town(f"a mute town{how}", eager=eager),
            a_broker_alone(f"a broker alone{how}", eager=eager),
            a_bad_card(f"a broken card{how}", eager=eager, fault=BROKEN),
            a_bad_card(f"a refusing card{how}", eager=eager, fault=FULL),
            a_full_card(f"a full card{how}", eager=eager),
            a_read_only_card(f"a read-only card{how}", eager=eager),
            a_sick_card(f"a sick card{how}", eager=eager),
            bad_pictures(f"bad pictures{how}", eager=eager),
            too_many_pictures(f"too many pictures{how}", eager=eager),
            too_many_records(f"too many records{how}", eager=eager),
            too_much_in_ram(f"too much in RAM{how}", eager=eager),
            a_late_clock(f"a late clock{how}", eager=eager),
            a_wrong_folder(f"a wrong folder{how}", eager=eager),
        ]
    return [*scenes, a_slow_card("a slow card"), a_small_spool("a small spool"), *damages()]

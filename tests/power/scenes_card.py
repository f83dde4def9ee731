"""Scenes in which the card refuses, is full, protected, slow or sick."""

from edge.errors import FullError, PartError
from tests.power.scene import Scene, Script, sign

BROKEN = PartError("card", found="an input/output error", wanted="a card", remedy="Change it.")
FULL = FullError("card", found="no room", wanted="room", remedy="It is over by itself.")


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
    """The card is late: the spool is opened after the door, a commit takes seconds, and is in use when it stops."""
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
    for down_s, up_s in ((46, 49), (56, 59)):  # while the backlog is being read
        s.at(down_s, "turn", "network", "down")
        s.at(down_s + 0.5, "turn", "network", "held")
        s.at(up_s, "turn", "network")
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

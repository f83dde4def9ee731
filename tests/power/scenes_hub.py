"""Scenes with a second platform, which comes and goes as the first does."""

from tests.power.scene import Scene, Script, sign
from tests.power.scenes_card import BROKEN


def two_towns(name: str, *, eager: bool) -> Scene:
    """Each is away for a while, then both; the unit is stopped and cut while one of them lacks what the other has."""
    s = Script(name, eager=eager, hub=True)
    s.at(0, "start")
    s.door(5)
    s.at(8, "turn_hub", "network", "down")
    for at_s in (10, 12, 15):
        s.door(at_s)
    s.at(18, "turn", "network", "down")
    s.at(19, "turn_hub", "network")
    for at_s in (50, 52):
        s.door(at_s)
    s.at(60, "turn_hub", "network", "down")
    s.at(61, "turn", "network")
    s.at(100, "stop")
    s.at(101, "off")
    s.at(110, "start")
    s.door(112)
    s.at(115, "off")
    s.at(120, "start", "boot-1")
    s.door(125)
    s.at(130, "turn_hub", "network")
    s.door(180)
    s.bad_card(190, 200, "card", (BROKEN,), ())
    s.door(195)
    s.at(300, "turn_hub", "chatty", True)
    s.command(310, "c1", "resend", sign)
    s.door(320)
    s.at(330, "turn_hub", "network", "down")
    s.door(331)
    s.at(335, "stop")
    s.at(336, "off")
    s.bad_card(337, 345, "card", (BROKEN,), ())
    s.at(338, "start")  # the spool opens late, and what it holds joins what was told meanwhile
    s.door(341)
    s.at(400, "turn_hub", "network")
    return s.end()


def a_slow_card_with_a_hub(name: str) -> Scene:
    """Rows are passed over while they are still being counted."""
    s = Script(name, hub=True)
    s.at(0, "start")
    s.at(1, "turn_hub", "network", "down")
    s.door(3)
    s.at(10, "stop")
    s.at(11, "off")
    s.bad_card(12, 60, "card", (None, 2500), ())
    s.at(13, "start")
    for at_s in (14, 20, 22, 24, 26):
        s.door(at_s)
    s.at(70, "turn_hub", "network")
    return s.end()


def a_hub_that_leaves(name: str, *, eager: bool) -> Scene:
    """Its section is deleted while records wait for it alone, and later it is there again."""
    s = Script(name, eager=eager, hub=True, hub_leaves=True)
    s.at(0, "start")
    s.at(1, "turn_hub", "mute", True)
    s.door(5)
    s.door(10)
    s.at(12, "turn", "network", "down")
    s.at(13, "turn_hub", "mute")
    s.door(15)
    s.at(30, "stop")
    s.at(31, "off")
    s.at(32, "settings_hub", False)
    s.at(65, "turn", "network")
    s.at(70, "start")
    s.door(75)
    s.at(80, "stop")
    s.at(81, "off")
    s.at(82, "settings_hub", True)
    s.at(85, "start")
    s.door(90)
    return s.end()


def too_much_for_a_hub(name: str, *, eager: bool) -> Scene:
    """What waits for it alone has to go, and is no gap of the main platform's."""
    knobs = {"edge.spool.journal._EVICT": 5, "edge.spool.shares.PAGE": 3}
    s = Script(name, eager=eager, hub=True, evicts=True, spool={"records_max": 30}, knobs=knobs)
    s.at(0, "start")
    s.at(2, "turn_hub", "network", "down")
    for at_s in range(5, 75, 2):
        s.door(at_s)
    s.at(76, "turn", "network", "down")
    for at_s in range(80, 150, 2):
        s.door(at_s)
    s.at(155, "turn_hub", "network")
    s.at(190, "turn", "network")
    return s.end()


def an_end_with_a_hub(name: str) -> Scene:
    """Everything is erased while the hub lacks what the main platform has."""
    s = Script(name, hub=True)
    s.at(0, "start")
    s.at(2, "turn_hub", "network", "down")
    s.door(5)
    s.door(10)
    s.command(20, "c1", "erase", sign)
    s.at(60, "turn_hub", "network")
    return s.end()

"""Scenes in which the town does not do its part, and the link comes and goes."""

from tests.power.scene import Scene, Script, sign


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
    for at_s in range(600, 680, 10):  # accepted, and ended at once
        s.at(at_s, "turn", "network", "down")
        s.at(at_s + 1, "turn", "network", "held")
        s.at(at_s + 9.5, "turn", "network")
    s.door(685)
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

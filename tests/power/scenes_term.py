"""Scenes in which the term ends, and what could not be delivered is erased."""

from tests.power.scene import Scene, Script

ENDS_S = 30


def an_end(name: str, *, eager: bool) -> Scene:
    """The town takes neither records nor pictures, the term ends, its time of grace too, and all is erased."""
    settings = {"term": {"grace_s": 10}}
    s = Script(name, eager=eager, camera=True, settings=settings, evicts=True, damaged=True, term_s=ENDS_S)
    s.at(0, "start")
    s.door(3)
    s.door(6)
    s.at(8, "turn", "mute", True)
    s.at(8, "turn", "post", "gone")
    for at_s in (10, 13, 16, 19):
        s.door(at_s)
    s.at(80, "turn", "mute")
    s.at(80, "turn", "post")
    return s.end()

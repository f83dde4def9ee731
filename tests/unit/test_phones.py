"""The whole unit and the second path: told after the courier, told without a platform, and never in its way."""

from edge.alert.words import Message
from edge.errors import LinkError
from edge.parts import LinkDown


class Group:
    """channel.Sender that remembers."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.pictures = 0

    def send(self, message: Message) -> None:
        self.texts.append(message.text)

    def show(self, jpeg: bytes, caption: str) -> None:
        self.pictures += 1

    def close(self) -> None:
        """Nothing to drop."""


SETTINGS = {"wecom": {"key": "k", "picture": True}, "alert": {"language": "en"}}


def test_an_opening_reaches_the_phones_and_how_the_door_was_found_does_not(start):
    group = Group()
    rig = start(settings=SETTINGS, phone=lambda _: group)
    rig.play("bounce", closed=False)
    rig.live(1)
    (text,) = group.texts
    assert "door-1 door opened (not expected)" in text


def test_phones_are_told_while_the_platform_is_away(start):
    group = Group()
    rig = start(settings=SETTINGS, phone=lambda _: group)
    rig.platform = False
    rig.loop.post(LinkDown(LinkError("broker", found="nothing", wanted="an answer", remedy="Wait.")))
    rig.play("clean", closed=False)
    rig.live(1)
    assert len(group.texts) == 1


def test_a_phone_channel_that_hangs_delays_no_event(start):
    rig = start(settings=SETTINGS, phone=lambda _: Group())
    rig.workers["phones.wecom"].at_once = False
    for closed in (False, True, False):
        rig.play("clean", closed=closed)
        rig.live(1)
    assert rig.changes() == ["found", "opened", "shut", "opened"]
    assert rig.unit.pulse([])["backlog"] == 0


def test_one_picture_of_an_opening_reaches_the_phones(start):
    group = Group()
    rig = start(settings=SETTINGS, camera=True, phone=lambda _: group)
    rig.frame()
    rig.play("clean", closed=False)
    for _ in range(4):
        rig.live(0.5)
        rig.frame()
    rig.live(10)
    assert group.pictures == 1


def test_without_a_key_no_worker_is_hired_for_phones(start):
    rig = start(phone=lambda _: Group())
    assert not [name for name in rig.workers if name.startswith("phones")]

"""Which change is told to phones and which is not; hands each to every channel at once and waits for none."""

import random
from collections.abc import Callable
from functools import partial

import msgspec

from edge.alert.channel import Channel, Sender
from edge.alert.dingtalk import DingTalk
from edge.alert.feishu import Feishu
from edge.alert.line import Line
from edge.alert.ntfy import Ntfy
from edge.alert.others import Apprise
from edge.alert.pace import Pace
from edge.alert.queues import Pictures, Texts
from edge.alert.wecom import WeCom
from edge.alert.words import Alert, Writer
from edge.clock import SECOND, Known, Stamp
from edge.config import Config
from edge.health import Health
from edge.loop import Loop, Worker
from edge.parts import FrameTaken
from edge.records import Change, Event, Key

AWAITED = 8  # openings of which a first picture may still come
SPARE = 3  # messages of a channel's limit that pictures leave to text


class Tools(msgspec.Struct, frozen=True):
    """What the desk works with. `worker(name)` gives a new worker; `open_sender` is called in it."""

    loop: Loop
    health: Health
    dice: random.Random
    worker: Callable[[str], Worker]
    open_sender: Callable[[Channel], Sender]
    know: Callable[[Stamp], Known]


class Desk:
    """parts.Phones. Lives in the deciding thread."""

    def __init__(self, unit: str, config: Config, tools: Tools) -> None:
        self._settings = config.alert
        self._tools = tools
        writer = Writer(unit, config.alert.language, config.alert.utc_offset_min, tools.know)
        self._texts: list[tuple[Texts, Line[Sender]]] = []
        self._pictures: list[tuple[Pictures, Line[Sender]]] = []
        for channel in channels(config):
            self._connect(channel, writer)
        self._lost = False
        self._quiet = False  # the door stands open, and that was expected and not told
        self._awaited: dict[Key, Alert] = {}

    @property
    def sent(self) -> int:
        """Messages and pictures that were taken, over all channels."""
        return sum(line.sent for _, line in (*self._texts, *self._pictures))

    def tell(self, event: Event) -> None:
        """The door changed."""
        if not self._wants(event):
            return
        alert = Alert(event, self._tools.loop.now())
        if event.change is Change.OPENED and self._pictures:
            self._awaited[event.epoch, event.seq] = alert
            if len(self._awaited) > AWAITED:
                del self._awaited[next(iter(self._awaited))]
        for texts, line in self._texts:
            texts.put(alert)
            line.go()

    def frame(self, event: Event, frame: FrameTaken) -> None:
        """A picture of an opening; the first from after it is the one that shows who opens."""
        if frame.boot_ns < event.at.boot_ns:
            return
        alert = self._awaited.pop((event.epoch, event.seq), None)
        if alert is None:
            return
        for pictures, line in self._pictures:
            pictures.put(alert, frame.image)
            line.go()

    def abandon(self) -> None:
        """The term's pictures are erased: those that wait, or are awaited, go nowhere. Words still go."""
        self._awaited.clear()
        for pictures, _ in self._pictures:
            pictures.clear()

    def _wants(self, event: Event) -> bool:
        change, expected = event.change, event.expected
        if change is Change.FOUND:  # told only as the end of what was told
            told, self._lost = self._lost, False
            return told
        if change is Change.LOST:
            self._lost = True
            return True
        if change is Change.SHUT:
            quiet, self._quiet = self._quiet, False
            return self._settings.shut and not quiet and not (self._settings.quiet_expected and expected is not None)
        self._quiet = self._settings.quiet_expected and expected is not None
        return not self._quiet

    def _connect(self, channel: Channel, writer: Writer) -> None:
        tools, stale_ns = self._tools, self._settings.stale_s * SECOND
        code, pace, opener = f"phones.{channel.name}", Pace(channel.limits), partial(tools.open_sender, channel)
        texts = Texts(writer, stale_ns)
        line = Line(
            code,
            texts,
            opener,
            pace,
            tools.worker(code),
            tools.loop,
            tools.health,
            tools.dice,
            locked_s=channel.locked_s,
        )
        line.prepare()
        self._texts.append((texts, line))
        if channel.wants_pictures:
            pictures = Pictures(writer, stale_ns, channel.picture_bytes)
            side = Line(
                "phones.pictures",
                pictures,
                opener,  # a connection of its own: no text waits for a picture
                pace,
                tools.worker(f"{code}.pictures"),
                tools.loop,
                tools.health,
                tools.dice,
                locked_s=channel.locked_s,
                spare=SPARE,
            )
            self._pictures.append((pictures, side))


def channels(config: Config) -> list[Channel]:
    """The channels whose key, token, topic or address is given."""
    found: list[Channel] = []
    everybody = config.alert.mention_all
    if (key := config.wecom.key) is not None:
        found.append(WeCom(config.wecom.url, key, mention_all=everybody, picture=config.wecom.picture))
    if (token := config.dingtalk.token) is not None:
        found.append(DingTalk(config.dingtalk.url, token, config.dingtalk.secret, mention_all=everybody))
    if (token := config.feishu.token) is not None:
        found.append(Feishu(config.feishu.url, token, config.feishu.secret, mention_all=everybody))
    if (topic := config.ntfy.topic) is not None:
        found.append(Ntfy(config.ntfy.url, topic, config.ntfy.token, picture=config.ntfy.picture))
    if (address := config.apprise.url) is not None:
        found.append(Apprise(address))
    return found

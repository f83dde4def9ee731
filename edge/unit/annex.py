"""A platform beside the main one: a courier of its own, on a link of its own. What ails it delays nobody else."""

import logging
import random
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec

from edge.clock import SECOND, Known, Stamp
from edge.config import Uplink
from edge.health import Aside, Health
from edge.loop import Loop
from edge.parts import Acked, Incoming, LinkDown, LinkUp
from edge.records import AnyRecord
from edge.spool.shares import Share, Shares
from edge.told import Beside
from edge.uplink.courier import Courier, Source
from edge.uplink.filing import Uploads
from edge.uplink.other import Message, Other

log = logging.getLogger(__name__)


class Annex:
    """Lives in the deciding thread. Hook: on_command(payload) for a signed command's text, whoever carried it."""

    def __init__(
        self,
        other: Other,
        shares: Shares,
        share: Share,
        known: Callable[[Stamp], Known],
        loop: Loop,
        health: Health,
        settings: Uplink,
        dice: random.Random,
    ) -> None:
        self.name = other.wish.name
        self.share = share
        self.on_command: Callable[[bytes], None] = lambda _: None
        self._wants = other.wish.wants
        self._speech = other.speech
        self._known = known
        self._loop = loop
        self._health = health
        self._state: Mapping[str, Any] | None = None
        self._link = other.open(lambda fact: loop.call(self._hear, fact))  # any thread
        source = Source(partial(shares.read, share), partial(shares.forget, share), self._encode)
        own = msgspec.structs.replace(settings, receipt=other.speech.receipt)
        self.courier = Courier(self._link, source, loop, Aside(health, self.name), own, dice)
        self.uploads: Uploads | None = None
        self.courier.on_up = self._greet
        self.courier.on_caught_up = self._caught_up

    def live(self, n: int, record: AnyRecord) -> None:
        """A record was minted just now."""
        if self._wants(record):
            self.courier.live(n, record)

    def robbed(self) -> None:
        """Some records went before it had them."""
        self._health.set(f"{self.name}.lost", self._loop.now(), f"{self.share.lost} records since the start")

    def state(self, told: Mapping[str, Any]) -> None:
        """The door's state changed, or something else of it."""
        self._state = told
        if self.courier.up:
            self._publish(self._speech.state(told))

    def told(self) -> Beside:
        """For people: its link, what waits, and its last receipt."""
        last_ns = self.courier.receipt_ns
        return Beside(
            name=self.name,
            link_up=self.courier.up,
            backlog=self.share.waiting,
            lost=self.share.lost,
            in_flight=self.courier.in_flight,
            last_receipt_s=None if last_ns is None else (self._loop.now() - last_ns) / SECOND,
        )

    def _encode(self, record: AnyRecord) -> tuple[str, bytes]:
        message = self._speech.tell(record, self._known)
        return message.topic, message.payload

    def part(self) -> None:
        """An orderly end."""
        self._publish(self._speech.part())

    def erased(self) -> None:
        """Nothing that was recorded so far may leave any more."""
        self.courier.restart()
        if self.uploads is not None:
            self.uploads.drop_all()

    def say(self, message: Message) -> bool:
        """Something that is never kept; False where there is no connection."""
        return self._link.publish(message.topic, message.payload, retain=message.retain)

    def _greet(self) -> None:
        self._publish(self._speech.greet())
        if self.uploads is not None:
            self.uploads.again()
        if self._state is not None:
            self._publish(self._speech.state(self._state))

    def _publish(self, messages: list[Message]) -> None:
        for message in messages:
            self.say(message)

    def _caught_up(self) -> None:
        self._health.clear(f"{self.name}.lost", self._loop.now())

    def _hear(self, fact: object) -> None:
        if isinstance(fact, LinkUp):
            self.courier.link_up(fact)
        elif isinstance(fact, LinkDown):
            self.courier.link_down(fact)
        elif isinstance(fact, Acked):
            self.courier.acked(fact)
        elif isinstance(fact, Incoming):
            self._incoming(fact)

    def _incoming(self, fact: Incoming) -> None:
        heard = self._speech.hear(fact.topic, fact.payload)
        if heard.receipt is not None:
            self.courier.receipt(heard.receipt)
        if heard.refused is not None:
            self.courier.refused(*heard.refused)
        if heard.command is not None:
            self.on_command(heard.command)
        if heard.upload is not None and self.uploads is not None:
            self.uploads.answered(*heard.upload)
        if heard.reply is not None:
            self._publish([heard.reply])

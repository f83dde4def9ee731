"""The group's robots that get the station's scheduled posts: channels as a unit has them, from a file of their own."""

from collections.abc import Mapping
from pathlib import Path

from edge import config
from edge.alert.channel import Sender
from edge.alert.desk import channels
from edge.alert.words import Message
from edge.clock import Clock
from edge.errors import ConfigError, DoorunitError


class Robots:
    """posts.Poster to every channel; one thread. A text that some took goes to the others alone when it comes again."""

    def __init__(self, senders: Mapping[str, Sender]) -> None:
        self._senders = senders
        self._text = ""
        self._taken: set[str] = set()

    @classmethod
    def read(cls, path: Path, clock: Clock) -> "Robots":
        """From TOML with the unit's sections: [wecom] key, [dingtalk] token, ... Raises ConfigError."""
        from edge.alert.web import WebSender  # requests: only a station that posts needs it

        settings = config.load(path)
        found = {channel.name: channel for channel in channels(settings) if channel.name != "apprise"}
        if not found:
            raise ConfigError(
                f"robots file {path}",
                found="no channel",
                wanted="a key, token or topic in [wecom], [dingtalk], [feishu] or [ntfy]",
                remedy="`doorunit config explain wecom.key` tells where it comes from.",
            )
        ca_file = settings.ntfy.ca_file
        return cls(
            {
                name: WebSender(channel, clock, ca_file=ca_file if name == "ntfy" else None)
                for name, channel in found.items()
            }
        )

    def post(self, text: str) -> None:
        """Post it everywhere; blocks for seconds. Raises the first refusal, after all have been asked."""
        if text != self._text:
            self._text, self._taken = text, set()
        message = Message(text.partition("\n")[0], text, urgent=False)
        refused: DoorunitError | None = None
        for name, sender in self._senders.items():
            if name in self._taken:
                continue
            try:
                sender.send(message)
            except DoorunitError as err:
                refused = refused or err
            else:
                self._taken.add(name)
        if refused is not None:
            raise refused
        self._text = ""  # the same words may be due again tomorrow

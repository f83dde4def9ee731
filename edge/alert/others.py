"""Any other service, through apprise: the only file that knows it. Text only; pictures would want a file."""

import logging

from edge.alert.channel import Channel
from edge.alert.pace import Limit
from edge.alert.words import Message
from edge.errors import ConfigError, LinkError
from edge.secret import Secret


class Apprise(Channel):
    """What the unit must know of it: nothing of the service behind, so the least usual limit."""

    name = "apprise"
    limits = (Limit(20, 60),)
    text_bytes = 1800

    def __init__(self, url: Secret) -> None:
        super().__init__("", (url,))
        self.address = url


class AppriseSender:
    """channel.Sender over apprise. Raises ConfigError where it is not installed or does not know the address."""

    def __init__(self, channel: Apprise) -> None:
        try:
            import apprise
        except ImportError as err:
            raise ConfigError(
                "apprise.url",
                found="a service, and no package that knows it",
                wanted="apprise beside doorunit",
                remedy="Run: pip install 'doorunit[apprise]', or leave [apprise] out.",
            ) from err
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it writes addresses, which hold keys
        self._service = apprise.Apprise()
        if not self._service.add(channel.address.reveal().decode()):
            raise ConfigError(
                "apprise.url",
                found="an address that apprise does not know",
                wanted="one of its services, as scheme://...",
                remedy="See apprise's list of services; `apprise -vv URL` on a desk tries one.",
            )

    def send(self, message: Message) -> None:
        """Return once apprise says it was taken; it does not say why where it was not."""
        if not self._service.notify(title=message.title, body=message.text):
            raise LinkError(
                "the service behind apprise",
                found="it did not take the message",
                wanted="a message that is taken",
                remedy="Try the address on a desk with `apprise -vv URL`; the unit tries again by itself.",
            )

    def show(self, jpeg: bytes, caption: str) -> None:
        """Never asked for: this channel takes no pictures."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is kept open."""

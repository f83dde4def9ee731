"""How a setting is declared: its help, unit, bounds, whether it is a secret, and an example of one that is left out."""

import ipaddress
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from edge.secret import Secret

Text = Annotated[str, Meta(min_length=1)]
SECRET_MAX = 2000  # characters; the longest that is known is an apprise URL


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the TOML file."""


def setting(help_: str, *, unit: str = "", secret: bool = False, example: str = "", **bounds: Any) -> Meta:
    """What goes beside a setting's type. `example`: TOML for the defaults file, where it is left out by default."""
    return Meta(description=help_, extra={"unit": unit, "secret": secret, "example": example}, **bounds)


def read_secret(kind: type, value: object) -> Secret:
    """For msgspec.convert: a secret from TOML's text. Raises ValueError, without repeating it."""
    if kind is not Secret or not isinstance(value, str):
        raise ValueError("a secret is a text")
    if not 0 < len(value) <= SECRET_MAX or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError(f"a secret is 1 to {SECRET_MAX} printable characters without spaces")
    return Secret(value.encode())


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

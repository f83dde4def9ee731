"""How a setting is declared: its help, unit, bounds, whether it is a secret, and an example of one that is left out."""

import ipaddress
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from edge.secret import Secret

Text = Annotated[str, Meta(min_length=1)]
ADDRESS = "7 bits"  # the unit of a setting that is an I2C address
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


def wanted(kind: Any, meta: Meta) -> str:
    """A setting's type, bounds and unit in words."""
    base = get_args(kind)[0]
    names = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
    if base == (Secret | None):
        return f"a secret text of at most {SECRET_MAX} characters without spaces, or left out"
    if base == (Text | None):
        return "text, not empty, or left out"
    choices = [a for a in get_args(base) if isinstance(a, str)]
    words = "one of " + ", ".join(choices) if choices else names.get(base, "")
    if not words:
        words = "polygons of at least 3 corners, each 0 to 1"
        if base == (int | None):
            kind_of = {ADDRESS: "an I2C address, or left out", "": "a port 1024 to 65535, or left out"}
            words = kind_of.get((meta.extra or {}).get("unit", ""), "a GPIO 4-27, or left out")
    if meta.ge is not None and meta.le is not None:
        words += f" {meta.ge} to {meta.le}"
    if meta.multiple_of is not None:
        words += f", a multiple of {meta.multiple_of}"
    if meta.min_length is not None:
        words += ", not empty"
    if meta.pattern is not None:
        words += f" like {meta.pattern.strip('^$').replace('.+', '...')}"
    unit = (meta.extra or {}).get("unit")
    return f"{words}, in {unit}" if unit else words


def toml(value: Any) -> str | None:
    """A default as TOML; None where the setting is left out."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    return "[]" if value == () else str(value)

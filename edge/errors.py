"""Every failure, classed by who must act.

    DoorunitError
    ├── ConfigError   (ValueError)       the installer: a setting, a file, a command line
    ├── PartError     (OSError)          the technician: a pin, a camera, a card
    │   ├── FullError                    the card has no room
    │   ├── CorruptError                 the card returned something that was never written
    │   └── NewerError                   newer software wrote it, and only that can read it
    ├── LinkError     (ConnectionError)  nobody: the unit waits and tries again
    │   ├── ServerError                  the network works, the server does not
    │   ├── RefusedError                 the server answered, and the answer was no
    │   ├── LimitError                   the server takes no more for now
    │   ├── DistrustError                the server answered, and this unit does not believe it
    │   ├── UntimedError                 whether to believe it cannot be said before the clock is set
    │   └── UnknownHostError             the network works, and knows no server of that name
    └── WireError     (ValueError)       the sender: a message that is not in the agreed form

Every message is made of the same pieces: what (and where), found, wanted, remedy.
"""


class DoorunitError(Exception):
    """A failure that says what, found, wanted and what to do next; all are attributes for `--json`.

    where: the file in which `what` stands, where there is one.
    """

    where = ""

    def __init__(self, what: str, *, found: object, wanted: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.found = str(found)
        self.wanted = wanted
        self.remedy = remedy

    def __str__(self) -> str:
        end = "" if self.wanted.endswith("?") else "."
        what = f"{self.what} in {self.where}" if self.where else self.what
        return f"{what}: found {self.found}; want {self.wanted}{end} {self.remedy}"


class ConfigError(DoorunitError, ValueError):
    """A setting, a file or a command line is not usable; the installer must change it."""


class PartError(DoorunitError, OSError):
    """A pin, camera, card or other part does not do its work; the technician must look at it."""


class FullError(PartError):
    """The card has no room left."""


class CorruptError(PartError):
    """The card returned something that was never written there."""


class NewerError(PartError):
    """Newer software wrote what lies on the card; this one must not touch it."""


class LinkError(DoorunitError, ConnectionError):
    """The other end cannot be reached; nobody needs to act, the unit tries again."""


class ServerError(LinkError):
    """The network works and the server does not answer; waiting helps, touching the unit does not."""


class RefusedError(LinkError):
    """The other end was reached and said no: a certificate, a permission, a limit."""


class LimitError(LinkError):
    """The other end takes no more for now; the unit sends less and waits."""


class DistrustError(LinkError):
    """The other end was reached and showed a certificate that this unit does not believe."""


class UntimedError(LinkError):
    """The other end's certificate cannot be judged before this unit's clock is set; the unit waits for the time."""


class UnknownHostError(LinkError):
    """The name service answered: there is no such host."""


class WireError(DoorunitError, ValueError):
    """A message is not in the form that the wire's version 1 agrees on."""

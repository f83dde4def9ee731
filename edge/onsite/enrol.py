"""How a unit comes to its identity: keys made here, certified by the station that its boot file names.

Every step can be cut and done again. The keys are on the card before they are first spoken of, so whoever asks again
asks with the same; the token is erased only once the certificate is on the card. What a cut left over, `due` clears.
"""

import base64
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import msgspec

from edge import identity
from edge.clock import FLOOR_NS, Clock
from edge.durable import make_folder, sync_folder, trouble, write_durably
from edge.errors import (
    ConfigError,
    DistrustError,
    DoorunitError,
    FullError,
    LinkError,
    PartError,
    RefusedError,
    ServerError,
    UnknownHostError,
    UntimedError,
)
from edge.health import Health
from edge.identity import Identity
from edge.onsite import bootfile, forms
from edge.onsite.bootfile import BootFile
from edge.onsite.forms import Asking, Granted, Refused, Waiting
from edge.wire import rfc3339

log = logging.getLogger(__name__)

IDENTITY = "identity"  # in the state folder
_KEYS = "enrolling.json"  # keys that are not certified so far
FIRST_WAIT_S, LONGEST_WAIT_S = 2, 60
CODES = {
    ServerError: "link.server",
    RefusedError: "link.refused",
    DistrustError: "link.distrust",
    UntimedError: "link.untimed",
    UnknownHostError: "link.name",
    FullError: "spool.full",
}


class Post(Protocol):
    """uplink.desk.HttpsDesk, or a test's."""

    where: str

    def post(self, path: str, body: bytes, most_bytes: int) -> tuple[int, bytes]:
        """(status, body) of the answer. Raises LinkError."""
        ...


class Keys(msgspec.Struct, frozen=True):
    """A unit's private keys: TLS as PEM, signing as base64 of its seed."""

    tls: str
    seed: str

    def __repr__(self) -> str:
        return "Keys(...)"


def due(state: Path, boot_path: Path) -> BootFile | None:
    """The boot file by which this unit has still to enrol; None where it is enrolled, or has no file to do it by.

    Finishes what a cut left of an enrolment that succeeded. A boot file with another token than the one this unit was
    enrolled by is a reissue. Raises ConfigError: there is no identity, and the boot file cannot be used.
    """
    folder = state / IDENTITY
    try:
        boot = bootfile.read(boot_path) if boot_path.exists() else None
    except ConfigError as err:
        if not identity.exists(folder):
            raise
        log.warning("%s", err)
        return None
    who = _present(folder, boot)
    if who is None:
        return boot
    if boot is not None and boot.token is not None and _token_id(boot) != who.token_id:
        return boot
    finish(state, boot_path)
    return None


def finish(state: Path, boot_path: Path) -> DoorunitError | None:
    """Erase the used token, then the spare copy of the keys; returns why the token stays, where it cannot be erased."""
    kept: DoorunitError | None = None
    if boot_path.exists():
        try:
            bootfile.erase_token(boot_path)
        except DoorunitError as err:  # the station has spent it: whoever reads it can do nothing with it
            kept = err
    try:
        _forget(state)
    except PartError as err:  # a read-only card: the door is watched all the same, and the next start tries again
        log.warning("%s", err)
    return kept


class Enrolment:
    """One unit's. `attempt` blocks; nothing else runs meanwhile. `health` is told what is wrong, and cleared."""

    def __init__(self, boot: BootFile, boot_path: Path, state: Path, post: Post, clock: Clock, health: Health) -> None:
        self._boot, self._boot_path, self._state = boot, boot_path, state
        self._post, self._clock, self.health = post, clock, health
        self._token = boot.token
        self.code = ""  # under which this unit waits for a person, where it does
        self.wait_s = FIRST_WAIT_S

    def attempt(self) -> Identity | None:
        """One question: the identity, on the card, or None for now. Raises LinkError, PartError."""
        from edge.onsite import keys  # heavy, and needed once in a unit's life

        self._mind_clock()
        mine = self._keys()
        csr = keys.make_request(self._boot.unit, mine.tls.encode())
        seed = base64.b64decode(mine.seed)
        asking = Asking(
            unit=self._boot.unit,
            csr=csr.decode(),
            verify_key=base64.b64encode(keys.verify_key_of(seed)).decode(),
            proof=base64.b64encode(keys.sign(seed, csr)).decode(),
            token=self._token.reveal().decode() if self._token else "",
        )
        status, body = self._post.post(forms.ENROL, msgspec.json.encode(asking), forms.ANSWER_MAX_BYTES)
        answer = forms.read_answer(status, body, self._post.where)
        if isinstance(answer, Granted):
            return self._take(answer, mine)
        if isinstance(answer, Waiting):
            self._wait(answer, forms.code_of(keys.key_id_of(mine.tls.encode())))
        else:
            self._refused(answer)
        return None

    def run(self, wait: Callable[[float], bool], dice: random.Random) -> Identity | None:
        """Ask until there is an identity, or until `wait` (seconds) says that this is to end."""
        tries = 0
        while True:
            try:
                who = self.attempt()
                self._blame(None)
            except (LinkError, PartError) as err:
                self._blame(err)
                tries += 1
                self.wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** min(tries - 1, 8))
            else:
                tries = 0
                if who is not None:
                    return who
            if wait(self.wait_s * dice.uniform(0.5, 1)):
                return None

    def _mind_clock(self) -> None:
        """Certificates are verified whatever the clock shows; here is said what it cannot tell before it is set."""
        now = self._clock.read()
        floor_ns = max(FLOOR_NS, self._boot.made_ns)
        self.health.put(
            "clock.floor",
            now.boot_ns,
            now.wall_ns < floor_ns,
            f"it shows {rfc3339(now.wall_ns)[:10]}, before {rfc3339(floor_ns)[:10]}. Certificates are verified all the "
            "same; one that is not valid yet by this clock has to wait until the network has set it.",
        )

    def _take(self, granted: Granted, mine: Keys) -> Identity:
        from edge.onsite import keys

        if not keys.certifies(granted.certificate.encode(), mine.tls.encode(), granted.unit):
            raise RefusedError(
                f"enrolment at {self._post.where}",
                found="a certificate of another key or name",
                wanted=f"one for this unit's key, as {granted.unit[:32]!r}",
                remedy="Have the station's keeper look at its log.",
            )
        who = save(self._state, granted, mine, self._boot.ca, _token_id(self._boot))
        kept = finish(self._state, self._boot_path)
        self.health.put("enrol.token", self._clock.now(), kept is not None, kept or "")
        for code in ("enrol.pending", "enrol.refused"):
            self.health.clear(code, self._clock.now())
        log.info("enrolled as %s at %s", who.unit, self._post.where)
        return who

    def _wait(self, waiting: Waiting, code: str) -> None:
        """The code is made from this unit's own key: it is shown as this unit knows it, whatever the answer says."""
        self.code = code
        self.wait_s = min(300, max(FIRST_WAIT_S, waiting.wait_s))
        self.health.set("enrol.pending", self._clock.now(), f"Accept it there: doorunit station accept {code}")

    def _refused(self, refused: Refused) -> None:
        self.health.set("enrol.refused", self._clock.now(), f"{refused.error[:32]}: {ascii(refused.detail[:200])}")
        self.wait_s = FIRST_WAIT_S
        if refused.error == "key.revoked":  # this key's day is over; the token may be good
            _forget(self._state)
        elif self._token is not None:  # ask once more without it: a person may know this unit
            self._token = None
        else:
            self.wait_s = LONGEST_WAIT_S

    def _keys(self) -> Keys:
        """The keys this unit asks with, made once and on the card before they are used."""
        from edge.onsite import keys

        path = self._state / _KEYS
        with suppress(FileNotFoundError, msgspec.DecodeError, ValueError, TypeError):  # garbled: of no use to anybody
            old = msgspec.json.decode(path.read_bytes(), type=Keys)
            keys.key_id_of(old.tls.encode())
            keys.verify_key_of(base64.b64decode(old.seed))
            return old
        made = Keys(keys.make_tls_key().decode(), base64.b64encode(keys.make_sign_seed()).decode())
        try:
            make_folder(self._state)
        except OSError as err:
            raise trouble(f"folder {self._state}", err) from err
        write_durably(path, msgspec.json.encode(made))
        return made

    def _blame(self, err: LinkError | PartError | None) -> None:
        now_ns = self._clock.now()
        wrong = (
            ""
            if err is None
            else CODES.get(type(err), "link.network" if isinstance(err, LinkError) else "spool.failing")
        )
        for code in (*CODES.values(), "link.network", "spool.failing"):
            self.health.put(code, now_ns, code == wrong, err or "")


def save(state: Path, granted: Granted, mine: Keys, ca: str, token_id: str) -> Identity:
    """The whole identity on the card, in place of any other. Raises PartError, RefusedError (keys that are none)."""
    from edge.onsite import keys

    try:
        return identity.save(
            state / IDENTITY,
            unit=granted.unit,
            seal_key=base64.b64decode(granted.seal_key),
            seal_key_id=granted.seal_key_id,
            command_key=base64.b64decode(granted.command_key),
            sign_seed=base64.b64decode(mine.seed),
            key_pem=mine.tls.encode(),
            cert_pem=granted.certificate.encode(),
            ca_pem=ca.encode(),
            token_id=token_id,
            ends_ns=keys.ends_ns(granted.certificate.encode()),
        )
    except ValueError as err:  # also ConfigError: what was granted cannot be read back
        raise RefusedError(
            "enrolment", found=err, wanted="an id and keys as identity.json has them", remedy="Update the station."
        ) from err


def _present(folder: Path, boot: BootFile | None) -> Identity | None:
    """The identity; one that is garbled is none to a unit that has been given a token for another."""
    if not identity.exists(folder):
        return None
    try:
        return identity.load(folder)
    except ConfigError as err:
        if boot is None or boot.token is None:
            raise
        log.warning("%s", err)
        return None


def _token_id(boot: BootFile) -> str:
    return forms.token_id(boot.token.reveal().decode()) if boot.token else ""


def _forget(state: Path) -> None:
    path = state / _KEYS
    if not path.exists():  # a read-only card refuses to erase even what is not there
        return
    try:
        path.unlink()
        sync_folder(state)
    except OSError as err:
        raise trouble(f"file {path}", err) from err

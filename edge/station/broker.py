"""The station's MQTT broker: mosquitto as a child process where it is installed, else amqtt within this process.

It keeps nothing across a restart, on purpose: what has no receipt is kept by the unit and sent again, so a broker
that wrote messages down (mosquitto does so every 30 min) would only promise what a power cut then breaks.
"""

import contextlib
import logging
import os
import pwd
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from edge.config import is_loopback
from edge.durable import trouble
from edge.errors import PartError
from edge.station.embedded import EmbeddedBroker
from edge.station.ports import free, listens, taken
from edge.wire import ROOT

if TYPE_CHECKING:  # cryptography is heavy, and a broker without TLS does not need it
    from edge.station.ca import Authority

log = logging.getLogger(__name__)

START_WITHIN_S = 10  # mosquitto takes 20 ms on a PC; a Pi that is busy with its first boot takes seconds
CLOSE_WITHIN_S = 5
PACKET_MAX_BYTES = 1 << 20  # a FrameSet of 100 pictures is 30 kB; pictures themselves go over HTTPS

_POLL_S = 0.02

_CONFIG = f"""\
# Made by doorunit (edge/station/broker.py); a station writes it anew at each start.
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
persistence false
# Nothing is dropped in silence. A unit has at most its window of 64 on the way, so this is 2500 units whose windows
# all wait for one slow receiver; mosquitto's own 1000 would drop from the 16th unit on. Not 0 for "no limit": with it
# 2.0.11 puts off a client after one publish that the ACL denies, and 2.0.16 stopped delivering (changes of 2.0.17).
max_queued_messages 100000
max_queued_bytes 0
max_inflight_messages 65535
# Who never comes back must not be waited for in memory for ever; a unit that does so subscribes anew.
persistent_client_expiration 1d
max_packet_size {PACKET_MAX_BYTES}
set_tcp_nodelay true
"""

# use_username_as_clientid: otherwise a unit could take another's client id, and the broker would put that one off.
_TLS = """\
allow_anonymous false
acl_file {folder}/broker.acl
cafile {folder}/ca.crt
certfile {folder}/server.crt
keyfile {folder}/server.key
crlfile {folder}/revoked.crl
require_certificate true
use_identity_as_username true
use_username_as_clientid true
"""

_ACL = f"""\
# Made by doorunit (edge/station/broker.py). A unit speaks for itself alone; %u is its certificate's CN.
{"".join(f"pattern write {ROOT}/%u/{leaf}" + chr(10) for leaf in ("event", "state", "online", "pulse", "reply"))}\
{"".join(f"pattern read {ROOT}/%u/{leaf}" + chr(10) for leaf in ("receipt", "command"))}\
"""


class Broker(Protocol):
    """A broker that listens from its making until `close`."""

    kind: Literal["mosquitto", "amqtt"]
    host: str
    port: int
    tls: bool  # clients need a certificate; without, it listens on loopback only and believes whoever connects

    def alive(self) -> bool:
        """Whether it still runs."""
        ...

    def refresh(self) -> None:
        """Go by what the authority says now of revoked certificates and units; connections stand. Raises PartError."""
        ...

    def close(self) -> None:
        """End it within 6 s; safe to repeat."""
        ...


def open_broker(
    folder: Path,
    ca: "Authority | None",
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    names: Sequence[str] = ("localhost", "127.0.0.1"),
    receivers: Sequence[str] = ("station",),
    program: str = "mosquitto",
) -> Broker:
    """A broker that is listening; port 0 picks a free one. Blocks until it is up.

    With `ca`: TLS, for certificates of that authority only; `names` are what units dial, and `receivers` may read
    and write all, one connection each. Without: in clear, loopback only, for bench and tests. Where mosquitto is not
    installed it is always in clear, so `tls` of the answer must be looked at. Raises PartError.
    """
    executable = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")
    if (executable is None or ca is None) and not is_loopback(host):
        raise PartError(
            f"broker on {host}",
            found=f"{program} is not installed" if executable is None else "no certificate authority",
            wanted="mosquitto and certificates, to be reached from other machines",
            remedy="`sudo apt install mosquitto`; a plain broker is for 127.0.0.1 only.",
        )
    if executable is None:
        log.warning("%s is not installed; an embedded broker without certificates serves %s only", program, host)
        return EmbeddedBroker(host, port)
    return MosquittoBroker(executable, folder, ca, host, port, names=names, receivers=receivers)


def settings(folder: Path, listener: str, *, tls: bool) -> str:
    """Mosquitto's broker.conf, where its certificates are in `folder`; deploy/broker holds what this gives."""
    rest = _TLS.format(folder=folder) if tls else "allow_anonymous true\n"
    return f"{_CONFIG}listener {listener}\n{rest}"


def access(receivers: Sequence[str], banned: Iterable[str] = ()) -> str:
    """Mosquitto's broker.acl: each unit its own topics, receivers all, units that are banned none."""
    acl = _ACL + "".join(f"user {name}\ntopic readwrite {ROOT}/#\n" for name in receivers)
    return acl + "".join(f"user {unit}\ntopic deny {ROOT}/#\n" for unit in banned)


class MosquittoBroker:
    """mosquitto as a child process. Its configuration and log are in `folder`, which is its own."""

    kind: Literal["mosquitto", "amqtt"] = "mosquitto"

    def __init__(
        self,
        executable: str,
        folder: Path,
        ca: "Authority | None",
        host: str,
        port: int,
        *,
        names: Sequence[str],
        receivers: Sequence[str],
    ) -> None:
        self.host, self.port, self.tls = host, free(host, port), ca is not None
        self.log_file = folder / "broker.log"
        self._folder, self._ca, self._receivers = folder, ca, receivers
        files = {"broker.conf": settings(folder, f"{self.port} {host}", tls=ca is not None)}
        if ca is not None:
            files |= _credentials(ca, names) | _verdicts(ca, receivers)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._process = self._start(executable, folder, files)
        except OSError as err:
            raise trouble(f"broker's folder {folder}", err) from err
        try:
            self._await_port()
        except BaseException:  # Ctrl-C too: a child must not outlive the wait for it
            self.close()
            raise

    @property
    def pid(self) -> int:
        """The child process."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether mosquitto still runs."""
        return self._process.poll() is None

    def refresh(self) -> None:
        """Go by what the authority says now of revoked certificates and units; connections stand. Raises PartError."""
        if self._ca is None or not self.alive():
            return
        try:
            account = _account()
            for name, text in _verdicts(self._ca, self._receivers).items():
                _write(self._folder / name, text, account)
        except OSError as err:
            raise trouble(f"broker's folder {self._folder}", err) from err
        self._process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        """Ask mosquitto to end, and kill it after 5 s; safe to repeat."""
        if self.alive():
            self._process.terminate()
            try:
                self._process.wait(CLOSE_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def _start(self, executable: str, folder: Path, files: dict[str, str]) -> subprocess.Popen[bytes]:
        account = _account()
        for name, text in files.items():
            _write(folder / name, text, account)
        user = "root" if account is None else _least(account, folder)  # passed over where we are not root
        _write(folder / "broker.conf", f"{files['broker.conf']}user {user}\n", account)
        with contextlib.suppress(FileNotFoundError):
            self.log_file.replace(self.log_file.with_suffix(".log.old"))
        with self.log_file.open("ab") as out:  # opened here, so that it is writable whatever mosquitto runs as
            process = subprocess.Popen(  # noqa: S603 - our own file names, and no shell
                [executable, "-c", str(folder / "broker.conf")],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                process_group=0,  # Ctrl-C in the station's terminal is the station's to pass on, in its own order
            )
        with contextlib.suppress(OSError):  # each unit is a file handle, and 1024 of them is a usual first limit
            most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most, most))
        return process

    def _await_port(self) -> None:
        for _ in range(int(START_WITHIN_S / _POLL_S)):
            if not self.alive():
                break
            if listens(self.port):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_POLL_S)
        lines = self.log_file.read_text(errors="replace").splitlines()[-4:]
        if any("Address already in use" in line for line in lines):
            raise taken(self.host, self.port)
        code = self._process.poll()
        raise PartError(
            "mosquitto",
            found=f"{'no open port' if code is None else f'exit {code}'}, and in its log: {' / '.join(lines) or '-'}",
            wanted=f"a broker on {self.host}:{self.port} within {START_WITHIN_S} s",
            remedy=f"Read {self.log_file}, or start it by hand: mosquitto -c {self.log_file.parent}/broker.conf",
        )


def _credentials(ca: "Authority", names: Sequence[str]) -> dict[str, str]:
    """What mosquitto checks clients by, and shows them, by file name.

    Copies, so that mosquitto's own account can read these without entering the authority's folder.
    """
    cert, key = ca.server_files(names)
    return {
        "ca.crt": ca.ca_file.read_text(encoding="ascii"),
        "server.crt": cert.read_text(encoding="ascii"),
        "server.key": key.read_text(encoding="ascii"),
    }


def _verdicts(ca: "Authority", receivers: Sequence[str]) -> dict[str, str]:
    """Whom mosquitto lets in and to what, by file name; read again on SIGHUP.

    The list of revoked certificates is for those that connect anew, the denials are for those that are connected.
    """
    return {"broker.acl": access(receivers, ca.known.banned()), "revoked.crl": ca.revoked().decode()}


def _account() -> pwd.struct_passwd | None:
    """The account that mosquitto falls to when it is started by root; None where we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("mosquitto", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    return None


def _write(path: Path, text: str, account: pwd.struct_passwd | None) -> None:
    """A file that only we write and only mosquitto reads besides; it can always be made again, so it is not synced."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        if account is not None:
            for target, mode in ((path.parent, 0o750), (handle, 0o640)):
                os.chown(target, 0, account.pw_gid)
                os.chmod(target, mode)  # noqa: PTH101 - a handle has no Path
        file.write(text)


def _least(account: pwd.struct_passwd, folder: Path) -> str:
    """The account with the least rights that can read `folder`: mosquitto's own, or else root (said aloud)."""
    probe = subprocess.run(  # noqa: S603 - asked of the kernel: every folder above has its say
        ["/usr/bin/test", "-r", str(folder / "broker.conf")],
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        check=False,
    )
    if probe.returncode == 0:
        return account.pw_name
    log.warning("mosquitto runs as root: user %s may not enter %s; `chmod o+x` its parents", account.pw_name, folder)
    return "root"

"""A real kamailio on a loopback port: a registrar with digest, a process of its own with a configuration of ours."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WITHIN_S = 15
CONFIG = """#!KAMAILIO
debug=0
log_stderror=yes
children=1
tcp_children=1
fork=yes
auto_aliases=no
dns=no
mhomed=0
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
mpath="/usr/lib/{arch}/kamailio/modules/"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("registrar", "min_expires", {min_expires})
modparam("registrar", "default_expires", 3600)
modparam("auth", "algorithm", "{algorithm}")
modparam("auth", "nonce_expire", 300)
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_www_authenticate("{realm}", "{password}", "{passes}")) {{
            www_challenge("{realm}", "{flags}");
            exit;
        }}
        consume_credentials();
        if ($expires(max) > 0 && $expires(max) < {min_expires}) {{
            append_to_reply("Min-Expires: {min_expires}\\r\\n");
            sl_send_reply("423", "Interval Too Brief");
            exit;
        }}
        save("location");
        exit;
    }}
    if (is_method("MESSAGE")) {{
        if (!registered("location", "$fu")) {{
            sl_send_reply("404", "Not Found");
            exit;
        }}
        sl_send_reply("200", "OK");
        exit;
    }}
    sl_send_reply("405", "Method Not Allowed");
}}
"""


@contextmanager
def kamailio(
    folder: Path, realm: str, password: str, *, algorithm: str = "MD5", qop: bool = True, min_expires: int = 0
) -> Iterator[int]:
    """Its port, once it listens there."""
    binary = shutil.which("kamailio") or shutil.which("kamailio", path="/usr/sbin")
    assert binary, "kamailio is not there; `make debian` installs it"
    port, arch = _free(), next(Path("/usr/lib").glob("*/kamailio")).parent.name
    text = CONFIG.format(
        port=port,
        arch=arch,
        realm=realm,
        password=password,
        algorithm=algorithm,
        flags=1 if qop else 0,
        passes=0,
        min_expires=min_expires,
    )
    config = folder / "kamailio.cfg"
    config.write_text(text, encoding="ascii")
    command = [
        binary,
        "-DD",
        "-E",
        "-f",
        str(config),
        "-Y",
        str(folder),
        "-P",
        str(folder / "pid"),
        "-m",
        "16",
        "-M",
        "4",
    ]
    log = folder / "log"
    with log.open("wb") as out:
        one = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        _wait(one, port, log)
        yield port
    finally:
        one.terminate()
        try:
            one.wait(10)
        except subprocess.TimeoutExpired:
            one.kill()
            one.wait()


def _free() -> int:
    """A port that is free for both."""
    with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        tcp.bind(("127.0.0.1", 0))
        udp.bind(tcp.getsockname())
        return int(tcp.getsockname()[1])


def _wait(one: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Raises AssertionError where it ends or listens too late."""
    until_s = time.monotonic() + WITHIN_S
    while time.monotonic() < until_s:
        assert one.poll() is None, log.read_text(encoding="utf-8", errors="replace")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)  # until its process listens, not for a while
        else:
            return
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))

"""A PostgreSQL of our own from Debian's package: a folder, a socket in it, no port, and every commit synced."""

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

START_S = 30


class Database:
    """It runs from its making until `close`; `stop` and `start` are an outage."""

    def __init__(self) -> None:
        self._bin = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
        self.folder = Path(tempfile.mkdtemp(prefix="doorunit-pg-"))
        account = pwd.getpwnam("postgres") if os.geteuid() == 0 else None  # it refuses to be root
        self._user = account.pw_name if account else None
        if account:
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        self._do("initdb", "--no-sync", "-A", "trust", "-U", "doorunit", "-E", "UTF8", "--locale=C")
        self.start()

    @property
    def url(self) -> str:
        """How a ledger names it."""
        return f"postgresql://doorunit@/postgres?host={self.folder}"

    def start(self, options: str = "") -> None:
        """Returns when it takes connections."""
        where = f"-k {self.folder} -c listen_addresses= {options}"
        self._do("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", where, "start")

    def stop(self, how: str = "immediate") -> None:
        """At once, as a power cut of it does; `fast`: in order."""
        self._do("pg_ctl", "-w", "-m", how, "stop")

    def cpu_s(self) -> float:
        """CPU seconds of the server and of those of its processes that run now."""
        server = int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[0])
        children = Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split()
        stats = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii") for pid in (server, *children)]
        ticks = [sum(map(int, stat.rpartition(")")[2].split()[11:13])) for stat in stats]  # proc(5), fields 14 and 15
        return sum(ticks) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it, and remove its folder."""
        self.stop()
        shutil.rmtree(self.folder)

    def _do(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [self._bin / program, "-D", self.folder / "data", *words],
            user=self._user,
            group=self._user,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # of a server that stays: a pipe would be held open
            stderr=subprocess.DEVNULL,
            timeout=START_S,
            check=False,
        )
        assert done.returncode == 0, f"{program} {words} ended with {done.returncode}; see {self.folder}/log"

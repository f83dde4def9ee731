"""`doorunit station receive`: only the receiver, one of several side by side, on a broker that is there already."""

import argparse
import json
import signal
import socket
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from edge.cli import WELL, broker_at, log_to_stderr
from edge.clock import SystemClock
from edge.errors import ConfigError

if TYPE_CHECKING:
    from edge.station.ledger import Ledger

TRY = "Try: doorunit station --help"


def declare(parser: argparse.ArgumentParser) -> None:
    """Say what it takes besides."""
    group = parser.add_argument_group("receive", "a receiver for a broker and a database that run elsewhere")
    group.add_argument("--ledger", default="", help="postgresql://user@host/database, or a folder for SQLite")
    group.add_argument("--broker", default="", help="mqtts://host:port; mqtt://host:port on this machine only")
    group.add_argument("--group", default="", help="shares the units with the receivers of this group (MQTT 5)")
    group.add_argument("--client", default="", help="client id, another for each (default station-HOSTNAME)")
    group.add_argument("--durable", action="store_true", help="the broker keeps an hour of what comes meanwhile")
    group.add_argument("--mqtt", choices=("5", "3.1.1"), default="5", help="what the broker speaks (default 5)")
    group.add_argument("--tls", nargs=3, type=Path, metavar=("CA", "CERT", "KEY"), help="mqtts: what it trusts, shows")


def run(args: argparse.Namespace) -> int:
    """0: ended in order, what had arrived committed. Raises ConfigError, PartError."""
    host, port, tls = _broker(args)
    if args.group and args.mqtt != "5":
        raise ConfigError("--group", found="--mqtt 3.1.1", wanted="MQTT 5, which has shared subscriptions", remedy=TRY)
    log_to_stderr("info")
    from edge.station.receiver import Receiver

    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with ExitStack() as closing:
        ledger = _ledger(args.ledger)
        closing.callback(ledger.close)
        name = args.client or f"station-{socket.gethostname()}"
        clock = SystemClock()
        receiver = Receiver(
            ledger,
            clock,
            lambda _: None,
            host=host,
            port=port,
            tls=tls,
            v5=args.mqtt == "5",
            name=name,
            group=args.group,
            durable=args.durable,
        )
        closing.callback(receiver.close)
        told = {"client": name, "broker": f"{host}:{port}", "group": args.group}
        while not receiver.connected.wait(0.2):
            if ended.wait(0):
                return WELL
        sys.stdout.write(json.dumps(told) + "\n" if args.json else f"{name}: receives from {host}:{port}\n")
        sys.stdout.flush()
        ended.wait()
    return WELL


def _ledger(place: str) -> "Ledger":
    from edge.station.ledger import Ledger

    if not place:
        raise ConfigError(
            "--ledger", found="nothing", wanted="postgresql://user@host/database, or a folder", remedy=TRY
        )
    if "://" not in place:
        return Ledger(Path(place))
    if not place.startswith(("postgresql://", "postgres://")):
        raise ConfigError("--ledger", found=place.partition(":")[0], wanted="postgresql://, or a folder", remedy=TRY)
    try:
        from edge.station.postgres import PostgresStore
    except ImportError as err:
        raise ConfigError(
            "--ledger", found=err, wanted="psycopg, to reach PostgreSQL", remedy="pip install 'doorunit[postgres]'"
        ) from err
    return Ledger(PostgresStore(place))


def _broker(args: argparse.Namespace) -> tuple[str, int, tuple[str, str, str] | None]:
    wanted = "mqtts://host:port with --tls CA CERT KEY, or mqtt://host:port on this machine"
    host, port, secure = broker_at(args.broker, wanted, TRY)
    if not secure:
        return host, port, None
    if not args.tls:
        raise ConfigError("--broker", found=args.broker, wanted=wanted, remedy=TRY)
    ca, certificate, key = map(str, args.tls)
    return host, port, (ca, certificate, key)

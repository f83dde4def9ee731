"""Three nodes of a broker as processes on loopback, each with a home of its own: nats-server, or RabbitMQ."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol

COUNT = 3
READY_S = 120
RABBIT = Path("/usr/lib/rabbitmq/bin")

_NATS = """\
server_name: n{i}
listen: "127.0.0.1:{client}"
jetstream {{ store_dir: "{home}/store", max_memory_store: 64MB, max_file_store: 1GB }}
cluster {{
  name: doors
  listen: "127.0.0.1:{route}"
  routes: [{routes}]
}}
mqtt {{
  listen: "127.0.0.1:{mqtt}"
  ack_wait: "5s"
  max_ack_pending: 10000
  stream_replicas: 3
  consumer_replicas: 3
}}
"""

_RABBIT = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
mqtt.listeners.tcp.1 = 127.0.0.1:{mqtt}
mqtt.allow_anonymous = true
mqtt.default_user = guest
mqtt.default_pass = guest
mqtt.durable_queue_type = quorum
mqtt.prefetch = 1000
cluster_partition_handling = pause_minority
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = doors0@localhost
cluster_formation.classic_config.nodes.2 = doors1@localhost
cluster_formation.classic_config.nodes.3 = doors2@localhost
log.console = false
"""


class Cluster(Protocol):
    """Nodes that listen for MQTT on `ports` from its making until `close`."""

    ports: list[int]

    def kill(self, i: int) -> None:
        """As a power cut of that node does."""
        ...

    def close(self) -> None:
        """Kill all; safe to repeat."""
        ...


class Nats:
    """nats-server: JetStream on disk, every MQTT stream and consumer three times."""

    def __init__(self, folder: Path) -> None:
        clients, routes, self.ports = free(COUNT), free(COUNT), free(COUNT)
        self._processes = []
        for i in range(COUNT):
            home = folder / f"n{i}"
            home.mkdir(parents=True)
            others = ", ".join(f'"nats://127.0.0.1:{port}"' for n, port in enumerate(routes) if n != i)
            text = _NATS.format(i=i, home=home, client=clients[i], route=routes[i], routes=others, mqtt=self.ports[i])
            (home / "nats.conf").write_text(text, encoding="ascii")
            with (home / "log").open("ab") as log:
                command = ["nats-server", "-c", str(home / "nats.conf")]
                self._processes.append(subprocess.Popen(command, stdout=log, stderr=log, process_group=0))
        for port, process in zip(self.ports, self._processes, strict=True):
            await_port(port, process)

    def kill(self, i: int) -> None:
        """SIGKILL."""
        self._processes[i].kill()
        self._processes[i].wait()

    def close(self) -> None:
        """SIGKILL to all."""
        for i in range(COUNT):
            self.kill(i)


class Rabbit:
    """rabbitmq-server with its MQTT plugin; durable sessions are quorum queues on all three."""

    def __init__(self, folder: Path) -> None:
        self.ports = free(COUNT)
        self._mapper = free(1)[0]
        self._homes = [folder / f"r{i}" for i in range(COUNT)]
        self._processes: list[subprocess.Popen[bytes]] = []
        # By itself Erlang would start one that stays behind.
        command = ["epmd", "-port", str(self._mapper), "-address", "127.0.0.1"]
        self._epmd = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, process_group=0)
        try:
            await_port(self._mapper, self._epmd)
            for i in range(COUNT):
                self._start(i)
            # A clean session's queue is a classic one. Without copies it dies with its node, and its owner is let in
            # nowhere else: "home node of durable queue is down or inaccessible".
            self._control("set_policy", "doors", "^mqtt-subscription-", '{"ha-mode":"all"}', "--apply-to", "queues")
        except BaseException:  # Ctrl-C too: no Erlang is left behind
            self.close()
            raise

    def _start(self, i: int) -> None:
        """One node. It finds the first by its settings, before its plugins start: they have a quorum of their own."""
        home = self._homes[i]
        home.mkdir(parents=True)
        cookie = home / ".erlang.cookie"
        cookie.write_text("DOORUNITCLUSTER", encoding="ascii")
        cookie.chmod(0o400)
        (home / "rabbitmq.conf").write_text(_RABBIT.format(amqp=free(1)[0], mqtt=self.ports[i]), encoding="ascii")
        (home / "enabled_plugins").write_text("[rabbitmq_mqtt].\n", encoding="ascii")
        with (home / "out").open("ab") as log:
            self._processes.append(
                subprocess.Popen(
                    [str(RABBIT / "rabbitmq-server")],
                    env=self._env(i, distribution=free(1)[0]),
                    cwd=home,
                    stdout=log,
                    stderr=log,
                    process_group=0,
                )
            )
        try:
            await_port(self.ports[i], self._processes[i])
        except OSError as err:
            said = (home / "out").read_text(errors="replace")[-2000:]
            raise RuntimeError(f"node {i} does not listen; it said: {said}") from err

    def kill(self, i: int) -> None:
        """SIGKILL to the whole group: the script, and Erlang within it."""
        if self._processes[i].poll() is None:
            os.killpg(self._processes[i].pid, signal.SIGKILL)
            self._processes[i].wait()

    def close(self) -> None:
        """SIGKILL to all, and an end to their port mapper."""
        for i in range(len(self._processes)):
            self.kill(i)
        self._epmd.kill()
        self._epmd.wait()

    def _control(self, *words: str) -> None:
        command = [str(RABBIT / "rabbitmqctl"), "-q", "-n", "doors0@localhost", *words]
        done = subprocess.run(command, env=self._env(0), cwd=self._homes[0], capture_output=True, timeout=READY_S)
        if done.returncode:
            raise RuntimeError(f"rabbitmqctl {' '.join(words)}: {(done.stdout + done.stderr).decode()[-400:]}")

    def _env(self, i: int, distribution: int = 0) -> dict[str, str]:
        home = self._homes[i]
        mine = {
            "HOME": str(home),
            "RABBITMQ_NODENAME": f"doors{i}@localhost",
            "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
            "RABBITMQ_LOG_BASE": str(home / "log"),
            "RABBITMQ_PID_FILE": str(home / "pid"),
            "RABBITMQ_CONF_ENV_FILE": str(home / "none"),
            "ERL_EPMD_PORT": str(self._mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "LANG": "C.UTF-8",
            "PATH": os.environ["PATH"],
            # Idle schedulers that spin would take the two cores from everybody.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none +S 2:2"
            " -kernel inet_dist_use_interface {127,0,0,1}",
        }
        return mine | ({"RABBITMQ_DIST_PORT": str(distribution)} if distribution else {})


def free(count: int) -> list[int]:
    """Ports that nobody has at this moment."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(sock.getsockname()[1]) for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Returns once somebody listens there. Raises OSError where nobody does in time, or the process has ended."""
    deadline_s = time.monotonic() + READY_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline_s or process.poll() is not None:
                raise
            time.sleep(0.1)
        else:
            return

"""The real or the simulated parts, built once and closed in reverse."""

import logging
import os
import random
import secrets
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from edge import VERSION, identity, told, wire
from edge.alert.channel import Channel, Sender
from edge.alert.others import Apprise, AppriseSender
from edge.board import host, machine, pins, slots
from edge.board.chips import I2C
from edge.board.indicator import Panel
from edge.clock import FLOOR_NS, MS, Clock, Stamp, SystemClock
from edge.config import Config
from edge.loop import Loop, Thread
from edge.onsite import commission, renew
from edge.onsite.ask import socket_path
from edge.onsite.desk import Desk
from edge.parts import Camera, Contact, Link, VideoSource
from edge.posting import WAIT_MAX_S
from edge.records import Record
from edge.spool.blackbox import BlackBox
from edge.spool.frames import FrameFiles
from edge.spool.hold import Hold
from edge.spool.store import SqliteStore
from edge.unit.agent import Unit
from edge.unit.answers import questions
from edge.unit.hands import Hands, Tools
from edge.unit.photographer import Seal
from edge.unit.renewal import Certificate
from edge.unit.requests import requests
from edge.unit.staff import Kit, staff
from edge.unit.vigil import Manager
from edge.uplink.fallback import FallbackLink
from edge.uplink.mqtt import Broker, MqttLink
from edge.uplink.other import Other
from edge.uplink.talk import Server
from edge.uplink.tunnel import Proxy, proxy
from edge.uplink.weblink import HttpsLink

if TYPE_CHECKING:
    from PIL.Image import Image

    from edge.alert.library import Library
    from edge.camera.eye import Eye
    from edge.camera.sensor import Sensor
    from edge.onsite.site import Site
    from edge.sim.door import Door
    from edge.spool.seal import Sealer
    from edge.uplink.gb28181.live import Live
    from edge.uplink.gb28181.sockets import Wires
    from edge.uplink.https import HttpsFrames

log = logging.getLogger(__name__)


class Assembly:
    """A whole unit, ready to run. `door` is the simulated door, or None on a Pi."""

    def __init__(
        self,
        config: Config,
        *,
        simulate: bool = False,
        door_open: bool = False,
        manager: Manager | None = None,
        page: "Site | None" = None,
    ) -> None:
        self._config = config
        self._manager = manager
        self._state = Path(config.unit.state_dir)
        self._who = identity.load(self._state / "identity")
        self._closing = ExitStack()
        self._closing.callback(Hold(self._state).close)
        self._clock: Clock = SystemClock(assume_synced=simulate)
        self._factory = pins.simulated_factory() if simulate else pins.real_factory()
        self._closing.callback(self._factory.close)
        self.door = self._simulated_door(door_open) if simulate else None
        self.loop = Loop(self._clock.now)
        self._tools: Tools | None = None
        self._sensor: Sensor | None = None  # the camera itself, on a Pi
        self.unit = self._build()
        if page is not None and self._tools is not None:
            page.visit.meet(Hands(self.unit.crew, self.unit.effects, self._tools), self._who)
        asked = requests(self.unit)
        self._desk = Desk(socket_path(config), {**questions(self.unit), **asked}, self.loop.call, requests=asked.keys())
        self._closing.callback(self._desk.close)
        self._box = BlackBox(self._state, VERSION, self._worker("black box"), self.loop, self._clock)
        self.unit.crew.health.on_new.append(self._box.wrong)

    def run(self) -> None:
        """Run in this thread until `stop`; then close everything in reverse."""
        try:
            self._desk.open()
            self._box.start()
            self.unit.start()
            self.loop.run()
            self._box.stop()
        finally:
            self._closing.close()

    def stop(self) -> None:
        """End `run` in order; any thread, also a signal handler."""
        self.loop.call(self.unit.stop)

    def _build(self) -> Unit:
        settings, loop, clock = self._config, self.loop, self._clock
        new_epoch = partial(secrets.token_hex, 8)
        link = self._link()
        self._closing.callback(link.close)
        door = settings.door
        contact = pins.Reed(self._factory, door.contact_pin, closed_level=door.closed_level, now=clock.now)
        self._closing.callback(contact.close)
        eye, seal = self._eye(), self._seal()
        self._tools = Tools(contact, eye, seal, self._open_post)
        kit = Kit(
            clock=clock,
            loop=loop,
            contact=contact,
            link=link,
            store=SqliteStore(self._state, new_epoch),
            files=FrameFiles(self._state / "frames"),
            worker=self._worker,
            eye=eye,
            seal=seal,
            open_post=self._open_post if settings.camera.enabled else None,
            verify=self._verify,
            sign=self._sign,
            folder=self._state,
            host=partial(host.read, self._state),
            dice=random.SystemRandom(),
            new_epoch=new_epoch,
            open_phone=self._open_phone,
            open_library=self._open_library,
            certificate=self._certificate() if settings.uplink.tls else None,
            bus=self._bus(),
            tamper=self._tamper(),
            panel=self._panel(),
            slots=slots.read,
            manager=self._manager,
            others=self._others(),
            wires=self._wires(),
            streams=self._streams(eye),
        )
        return staff(settings, self._who.unit, kit)

    def _link(self) -> Link:
        uplink, unit, loop, clock = self._config.uplink, self._who.unit, self.loop, self._clock
        if not uplink.detours:
            return MqttLink(self._broker(), loop.post, clock)
        server = Server(uplink.frames_url, self._tls(), self._proxy())
        return FallbackLink(
            partial(MqttLink, self._broker(), clock=clock),
            lambda post: HttpsLink(server, unit, post, clock, wait_s=min(uplink.keepalive_s, WAIT_MAX_S)),
            loop,
            random.SystemRandom(),
        )

    def _proxy(self) -> Proxy | None:
        return proxy(self._config.uplink)

    def _worker(self, name: str) -> Thread:
        worker = Thread(name, self.loop)
        self._closing.callback(worker.close)
        return worker

    def _bus(self) -> I2C | None:
        sensors, clock = self._config.sensors, self._clock
        if not sensors.addresses:
            return None
        if self.door is not None:
            from edge.sim.chips import SimChips

            return SimChips(sensors, lambda: clock.now() // MS).bus
        bus = machine.I2C(sensors.bus)
        self._closing.callback(bus.close)
        return bus

    def _tamper(self) -> Contact | None:
        pin = self._config.sensors.tamper_pin
        if pin is None:
            return None
        if self.door is not None:
            from edge.sim.contact import Wire

            Wire(self._factory, pin).set(True)  # the lid is on
        lid = pins.Reed(self._factory, pin, now=self._clock.now)
        self._closing.callback(lid.close)
        return lid

    def _panel(self) -> Panel | None:
        settings = self._config.indicator
        if settings.led_pin is None and settings.buzzer_pin is None:
            return None
        lamp, buzzer = (pins.lamp(self._factory, pin) for pin in (settings.led_pin, settings.buzzer_pin))
        panel = Panel(lamp, buzzer, self.loop)
        self._closing.callback(panel.close)
        return panel

    def _tls(self) -> tuple[str, str, str]:
        return str(self._who.ca_file), str(self._who.cert_file), str(self._who.key_file)

    def _broker(self) -> Broker:
        uplink, unit = self._config.uplink, self._who.unit
        gone = wire.to_json(told.Online(False, self._clock.read().boot))
        return Broker(
            host=uplink.host,
            port=uplink.port,
            client_id=unit,
            keepalive_s=uplink.keepalive_s,
            tls=self._tls() if uplink.tls else None,
            subscribe=(wire.topic(unit, "receipt"), wire.topic(unit, "command")),
            will=(wire.topic(unit, "online"), gone),
        )

    def _open_post(self) -> "HttpsFrames":
        from edge.uplink.https import HttpsFrames  # requests: 60 ms and 10 MB that a unit without pictures saves

        post = HttpsFrames(
            self._config.uplink.frames_url, self._who.unit, self._tls(), self._clock, proxy=self._proxy()
        )
        self._closing.callback(post.close)
        return post

    def _others(self) -> tuple[Other, ...]:
        cloud = self._config.cloud
        if cloud.profile is None:
            return ()
        from edge.uplink.cloud import hub  # with its profile, which most units have none of

        return (hub(cloud, self._who.unit, self._clock, lambda link: self._closing.callback(link.close)),)

    def _open_phone(self, channel: Channel) -> Sender:
        if isinstance(channel, Apprise):
            return AppriseSender(channel)
        from edge.alert.web import WebSender  # requests, as above

        ca_file = self._config.ntfy.ca_file if channel.name == "ntfy" else None
        sender = WebSender(channel, self._clock, ca_file=ca_file)
        self._closing.callback(sender.close)
        return sender

    def _open_library(self) -> "Library":
        from edge.alert.library import Library  # requests, as above

        library = Library(self._config.viid, self._config.alert.utc_offset_min, self._clock)
        self._closing.callback(library.close)
        return library

    def _certificate(self) -> Certificate:
        state, url, clock, who = self._state, self._config.uplink.frames_url, self._clock, self._who

        def again() -> None:
            from edge.uplink.desk import HttpsDesk

            tls = (str(who.cert_file), str(who.key_file))
            ca = who.ca_file.read_text(encoding="ascii")
            renew.renew(state, HttpsDesk(url, ca, clock, floor_ns=FLOOR_NS, tls=tls, proxy=self._proxy()))

        return Certificate(partial(renew.left_ns, state, clock), again)

    def _verify(self, signature: bytes, message: bytes) -> bool:
        from edge.spool.seal import signed_by  # a heavy library that most days need not

        return signed_by(self._who.command_key, signature, message)

    def _sign(self, message: bytes) -> bytes:
        from edge.spool.seal import signature_of  # as above

        return signature_of(self._who.sign_seed.reveal(), message)

    def _wires(self) -> "Wires | None":
        gb = self._config.gb28181
        if gb.host is None:
            return None
        from edge.uplink.gb28181.sockets import Sockets  # as above

        wires = Sockets(gb.transport, gb.local_port, self.loop.post, self._clock)
        self._closing.callback(wires.close)
        return wires

    def _streams(self, eye: "Eye | None") -> "Live | None":
        if not self._films or eye is None:
            return None
        from edge.uplink.gb28181.live import Live  # as above
        from edge.uplink.gb28181.views import Teller

        gb, teller = self._config.gb28181, Teller(self.loop.post)
        live = Live(
            gb.device_id or "", self._film(eye), teller, self._clock.now, self._not_to_be_watched, gb.listen_port
        )
        self._closing.callback(live.close)
        return live

    def _not_to_be_watched(self) -> str:
        """Any thread."""
        return "" if self.unit.crew.warden.looking else "no term runs"

    @property
    def _films(self) -> bool:
        gb = self._config.gb28181
        return gb.host is not None and gb.allow_live and self._config.camera.enabled

    def _film(self, eye: "Eye") -> VideoSource:
        settings = self._config.camera
        if self._sensor is not None:
            from edge.camera.film import FilmSource

            return FilmSource(self._sensor, lambda: eye.mask, (settings.width, settings.height))
        from edge.sim.encoder import SimFilm

        return SimFilm(self._camera(), lambda: eye.mask, self._clock.now, lambda: eye.sensor_open)

    def _eye(self) -> "Eye | None":
        settings = self._config.camera
        if not settings.enabled:
            return None
        from edge.camera.eye import Eye
        from edge.camera.lit import LitCamera
        from edge.camera.mask import Mask

        camera = LitCamera(self._camera(), pins.lamp(self._factory, settings.led_pin))
        mask = Mask(commission.mask(self._state, settings.mask))
        eye = Eye(camera, mask, settings.fps, self.loop.post, self._clock.now)
        self._closing.callback(eye.close)
        return eye

    def _camera(self) -> Camera:
        settings = self._config.camera
        if self.door is None:
            from edge.camera.sensor import Sensor

            self._sensor = Sensor(settings.width, settings.height, films=self._films)
            return self._sensor
        from edge.sim.camera import SimCamera

        return SimCamera(
            self.door.leaf, lambda: self._clock.read().wall_ns, width=settings.width, height=settings.height
        )

    def _seal(self) -> Seal:
        who, camera = self._who, self._config.camera
        most_bytes = camera.frame_kb * 1000 or None
        made: list[Sealer] = []  # on first use: brings a heavy library

        def seal(image: "Image", event: Record, at: Stamp) -> tuple[str, bytes]:
            """In the darkroom's thread: JPEG in RAM, sealed in RAM."""
            from edge.camera import jpeg
            from edge.spool.seal import Sealer, frame_name

            if not made:
                made.append(Sealer(who.unit, who.seal_key, who.seal_key_id, who.sign_seed.reveal()))
            picture = jpeg.encode(image, camera.quality, most_bytes)
            sealed = made[0].seal(picture, epoch=event.epoch, event=event.seq, at=at)
            return frame_name(sealed), sealed

        return seal

    def _simulated_door(self, open_: bool) -> "Door":
        from edge.sim.contact import Wire
        from edge.sim.door import Door
        from edge.sim.remote import NAME, Remote

        settings = self._config.door
        wire_ = Wire(self._factory, settings.contact_pin, closed_level=settings.closed_level)
        door = Door(wire_, self._clock.now, open_=open_)
        self._closing.callback(door.close)
        # Beside what is on the card, or where systemd gave a folder in RAM: a simulated card may fail.
        path = Path(os.environ.get("RUNTIME_DIRECTORY", self._state)) / NAME
        try:
            self._closing.callback(Remote(path, door).close)
        except OSError as err:  # a card that takes no socket
            log.warning("simulated door: nobody can move it from outside at %s: %s", path, err.strerror)
        return door

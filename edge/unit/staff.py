"""Who works at one unit: built from its parts, real or simulated, and introduced to one another by agent.py."""

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from edge import wire
from edge.alert import desk, gallery
from edge.alert.channel import Channel, Sender
from edge.alert.desk import Desk, channels
from edge.alert.gallery import Gallery, Holder
from edge.board.chips import I2C, fitted
from edge.board.host import HostReading
from edge.board.indicator import Panel
from edge.board.sensors import Sensors
from edge.board.slots import Slots
from edge.clock import MS, Clock, Known, Stamp, know
from edge.config import Config
from edge.health import Health
from edge.loop import Loop, Worker
from edge.parts import Contact, Eye, FramePost, FrameRow, Link, Wish
from edge.spool.album import Album
from edge.spool.erase import ErasableStore, Eraser
from edge.spool.frames import FrameFiles
from edge.spool.journal import Journal
from edge.spool.paper import Paper
from edge.spool.shares import Shares
from edge.unit import guard, warden
from edge.unit.agent import Unit
from edge.unit.annex import Annex
from edge.unit.crew import Crew
from edge.unit.doorkeeper import Doorkeeper
from edge.unit.lid import Lid
from edge.unit.photographer import Photographer, Seal
from edge.unit.recorder import Recorder
from edge.unit.renewal import Certificate, Renewal
from edge.unit.textfile import Textfile
from edge.unit.trace import Trace
from edge.unit.updates import Updates
from edge.unit.vigil import Manager, Vigil, Work
from edge.uplink import carrier
from edge.uplink.courier import Courier, Source
from edge.uplink.filing import Uploads
from edge.uplink.other import Other

if TYPE_CHECKING:
    from edge.unit.centre import Centre
    from edge.uplink.gb28181.sockets import Wires
    from edge.uplink.gb28181.streams import Streams


class Kit(msgspec.Struct, frozen=True):
    """The parts of one unit. `worker(name)` gives a new worker; eye and open_post are None without a camera."""

    clock: Clock
    loop: Loop
    contact: Contact
    link: Link
    store: ErasableStore
    files: FrameFiles
    worker: Callable[[str], Worker]
    eye: Eye | None
    seal: Seal
    open_post: Callable[[], FramePost] | None
    verify: Callable[[bytes, bytes], bool]  # (signature, message): is it the platform's?
    sign: Callable[[bytes], bytes]  # message -> the unit's signature
    folder: Path  # what the unit must not lose
    host: Callable[[], HostReading]
    dice: random.Random
    new_epoch: Callable[[], str]
    open_phone: Callable[[Channel], Sender] | None = None  # None: no phones are told, whatever the settings say
    open_library: Callable[[], Holder] | None = None  # None: pictures go to no image library
    certificate: Certificate | None = None  # None: it is no file of this machine, and nobody renews it
    bus: I2C | None = None  # None: no chip is fitted
    tamper: Contact | None = None
    panel: Panel | None = None
    slots: Callable[[], Slots | None] = lambda: None  # what the updater has left; blocks
    manager: Manager | None = None  # None: nobody started this process who wants to know how it goes
    others: tuple[Other, ...] = ()  # platforms beside the main one
    wires: "Wires | None" = None  # to the city centre's video platform; None: there is none
    streams: "Streams | None" = None  # what it may watch


def staff(config: Config, unit: str, kit: Kit) -> Unit:
    """One unit, ready to start."""
    loop, clock, health = kit.loop, kit.clock, Health()
    card, paper = kit.worker("card"), Paper(kit.folder / warden.NAME)
    eraser = Eraser(kit.folder, kit.store, kit.files)
    journal = Journal(kit.store, eraser.open, card, loop, kit.new_epoch, config.spool.records_max)
    shares = Shares(journal, [*(other.wish for other in kit.others), *_centre_wishes(config, kit)])
    album = Album(kit.files, kit.worker("frames"), journal, config.spool.frames_mb * 1_000_000)
    recorder = Recorder(unit, journal, clock, loop, health, config.spool.alive_s, kit.sign)
    topic = wire.topic(unit, "event")
    source = Source(
        partial(shares.read, shares.main),
        partial(shares.forget, shares.main),
        lambda record: (topic, recorder.encode(record)),
    )
    post = None
    if kit.open_post is not None:
        shelf = carrier.Album(album.rows, album.read, album.forget, album.give_up)
        post = carrier.Carrier(kit.open_post, shelf, kit.worker("post"), loop, health, kit.dice)
    photographer = Photographer(config.camera, album, kit.seal, kit.worker("darkroom"), loop, clock, health)
    courier = Courier(kit.link, source, loop, health, config.uplink, kit.dice)
    doorkeeper = Doorkeeper(kit.contact, config.door, loop, clock, health, recorder)
    work = Work(loop, health, shares, courier, doorkeeper, config.spool.alive_s, config.uplink.backoff_max_s)
    crew = Crew(
        config=config,
        unit=unit,
        clock=clock,
        loop=loop,
        health=health,
        journal=journal,
        shares=shares,
        album=album,
        link=kit.link,
        courier=courier,
        annexes=_annexes(config, kit, health, journal, shares),
        carrier=post,
        recorder=recorder,
        doorkeeper=doorkeeper,
        photographer=photographer,
        eye=kit.eye,
        warden=warden.Warden(config.term, eraser.before(paper.read), paper, card, loop, clock, health, recorder),
        eraser=eraser,
        host=kit.host,
        verify=kit.verify,
        phones=_phones(config, unit, kit, health, journal),
        gallery=_gallery(config, kit, health, journal),
        renewal=_renewal(config, kit, health),
        updates=Updates(kit.slots, kit.worker("updates"), loop, health, recorder, journal.keep),
        centre=_centre(config, kit, health, journal, shares, photographer),
        guard=_guard(config, kit, health, recorder, journal),
        vigil=Vigil(work, kit.manager),
        textfile=_textfile(config.metrics.textfile, unit, kit),
        trace=Trace(
            loop.now, lambda: shares.backlog, lambda: {w.row.code: w.since_ns for w in health.lasting(loop.now())}
        ),
    )
    _follow(crew)
    return Unit(crew)


def _follow(crew: Crew) -> None:
    """The trace is told what happens to each record."""
    trace, courier = crew.trace, crew.courier
    crew.doorkeeper.on_edge = trace.edge
    crew.recorder.on_made = trace.made
    crew.journal.on_stored = trace.stored
    courier.on_link, courier.on_sent, courier.on_acked = trace.link, trace.sent, trace.acked
    courier.on_receipt = trace.receipt
    crew.photographer.on_sealed = trace.sealed
    crew.photographer.on_kept = partial(_kept, crew)
    crew.health.on_new.append(trace.wrong)
    if crew.carrier is not None:
        crew.carrier.on_delivered = trace.delivered


def _kept(crew: Crew, row: FrameRow) -> None:
    crew.trace.kept(row)
    for annex in crew.annexes:
        if annex.uploads is not None:
            crew.album.read(row.name, partial(annex.uploads.take, row.name), annex.uploads.unread)


def _guard(config: Config, kit: Kit, health: Health, recorder: Recorder, journal: Journal) -> guard.Guard:
    clock, loop = kit.clock, kit.loop
    chips = fitted(kit.bus, config.sensors, lambda: clock.now() // MS) if kit.bus is not None else []
    sensors = Sensors(kit.bus, chips, kit.worker("bus"), loop) if kit.bus is not None and chips else None
    lid = Lid(kit.tamper, loop) if kit.tamper is not None else None
    crew = guard.Crew(loop, clock, health, recorder, chips, sensors, lid, kit.panel)
    return guard.Guard(config.sensors, crew, journal.keep)


def _phones(config: Config, unit: str, kit: Kit, health: Health, journal: Journal) -> Desk | None:
    if kit.open_phone is None or not channels(config):
        return None
    return Desk(unit, config, desk.Tools(kit.loop, health, kit.dice, kit.worker, kit.open_phone, _knower(journal)))


def _annexes(config: Config, kit: Kit, health: Health, journal: Journal, shares: Shares) -> tuple[Annex, ...]:
    made = []
    for other, share in zip(kit.others, shares.others, strict=False):  # the last may be the centre's
        annex = Annex(other, shares, share, _knower(journal), kit.loop, health, config.uplink, kit.dice)
        if other.filing is not None:
            annex.uploads = Uploads(other.filing, kit.worker(f"{annex.name} pictures"), annex.say)
        made.append(annex)
    return tuple(made)


def _centre_wishes(config: Config, kit: Kit) -> list[Wish]:
    if kit.wires is None:
        return []
    from edge.unit.centre import wish  # XML and SIP, which most units need not

    return [wish(config.gb28181)]


def _centre(
    config: Config, kit: Kit, health: Health, journal: Journal, shares: Shares, photographer: Photographer
) -> "Centre | None":
    if kit.wires is None:
        return None
    from edge.unit.centre import Centre, Tools  # as above

    take = None
    if config.camera.enabled and config.gb28181.snapshot_url is not None:
        from edge.unit.snapper import Snapper  # as above

        take = Snapper(photographer, kit.worker("snapshots"), config.camera.quality).take
    tools = Tools(kit.loop, kit.clock, health, kit.dice, kit.wires, _knower(journal), kit.streams, take)
    return Centre(config.gb28181, tools, shares, shares.others[-1])


def _knower(journal: Journal) -> Callable[[Stamp], Known]:
    return lambda stamp: know(stamp, journal.anchors.get(stamp.boot))


def _gallery(config: Config, kit: Kit, health: Health, journal: Journal) -> Gallery | None:
    if kit.open_library is None or config.viid.device_id is None:
        return None
    tools = gallery.Tools(kit.loop, health, kit.dice, kit.worker("viid"), kit.open_library, _knower(journal))
    return Gallery(config.viid, tools)


def _textfile(path: str | None, unit: str, kit: Kit) -> Textfile | None:
    return None if path is None else Textfile(Path(path), unit, kit.worker("metrics"))


def _renewal(config: Config, kit: Kit, health: Health) -> Renewal | None:
    if kit.certificate is None:
        return None
    return Renewal(kit.certificate, kit.worker("renewal"), kit.loop, health, config.uplink.offline_days)

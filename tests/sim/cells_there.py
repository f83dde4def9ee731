"""Cells of the fault matrix: what goes wrong between the unit and the platform, and there. See stage.py."""

import errno

from edge import wire
from edge.clock import MS, SECOND, Quality
from edge.errors import LinkError, RefusedError, ServerError
from edge.sim.city import ended
from edge.uplink.refusal import answered
from tests.sim import faults_there as f
from tests.sim.cells_here import CAMERA
from tests.sim.faults import YEAR_NS, both, clock, in_1970
from tests.sim.stage import HOUR_S, Fault, area, row

BUSY = ServerError("pictures", found="status 503", wanted="201 or 200", remedy="It is sent again.")
FORBIDDEN = RefusedError("pictures", found="status 403", wanted="201 or 200", remedy="It is sent again.")
UNHEARD = LinkError("pictures", found="silence", wanted="an answer", remedy="It is sent again.")
NOBODY = ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")
SILENT_311 = both(f.platform(deaf=True), f.city(protocol="3.1.1", window=20))


def says(reason: str) -> Fault:
    """The broker ends the connection, and answers every new one with this."""
    return f.refused(lambda _: answered(reason, f.WHERE))


def others(receipt: bytes) -> list[tuple[int, bytes]]:
    """The platform tells of somebody else's records first."""
    return [(0, wire.receipt("of-nobody", range(1, 2000))), (0, receipt)]


def unsent(receipt: bytes) -> list[tuple[int, bytes]]:
    """The platform tells first of records that were never sent."""
    told = wire.read_receipt(receipt)
    last = told.stored[-1][1]
    return [(0, wire.receipt(told.epoch, range(last + 1, last + 1000))), (0, receipt)]


# tables: a row for each cell
# fmt: off
NETWORK_CELLS = area(
    "network",
    row("network down", "connections end, and none comes about", f.network("down"), "kept", "link.network", 7),
    row("network down for an hour", "connections end, and none comes about", f.network("down"), "kept", "link.network",
        7, lasts_s=HOUR_S),
    row("network silent", "nothing passes, and nobody says so", f.network("silent"), "kept", "link.network", 58,
        lasts_s=180),
    row("network flapping", "it goes and comes every 5 s", f.flapping(5, 5), "kept", "link.network", 60,
        lasts_s=180, may_go_s=HOUR_S),
    row("MQTT refused", "a firewall refuses MQTT, and lets HTTPS through", f.blocked("refused"), "kept",
        "link.fallback", 150, also=("link.network", "link.server"), lasts_s=300, detour=True, well_s=600),
    row("MQTT dropped", "a firewall drops MQTT, and lets HTTPS through", f.blocked("dropped"), "kept",
        "link.fallback", 240, also=("link.network",), lasts_s=400, detour=True, well_s=900),
    row("latency of 3 s", "every message takes 3 s, either way", f.city(latency_ms=(3000, 3000)), "live", late_s=3),
    row("half of all messages lost", "either way, and the connection stands",
        f.anew(f.city(loss=0.5, window=65_535)), "kept", also=("receipt.none", "link.server"), lasts_s=180),
)
DNS_CELLS = area(
    "DNS",
    row("no DNS", "no name server answers", f.said(f.unresolved(-3)), "kept", "link.network", 7),
    row("no such name", "DNS does not know the platform", f.said(f.unresolved(-2)), "kept", "link.name", 7),
)
TLS_CELLS = area(
    "TLS",
    row("their certificate expired", "its life is over, by a clock that is right",
        f.said(f.unverified(10)), "kept", "link.distrust", 2),
    row("their certificate not yet valid", "its life begins later, by a clock that is right",
        f.said(f.unverified(9)), "kept", "link.distrust", 2),
    row("their certificate for another name", "uplink.host is not in it",
        f.said(f.unverified(62)), "kept", "link.distrust", 2),
    row("their certificate of another CA", "this unit does not know who signed it",
        f.said(f.unverified(19)), "kept", "link.distrust", 2),
    row("their port speaks no TLS", "something else listens there",
        f.said(f.alert("wrong version number")), "kept", "link.refused", 2),
    row("our certificate refused", "bad certificate, they say",
        f.said(f.alert("sslv3 alert bad certificate")), "kept", "link.refused", 2),
    row("our certificate expired", "certificate expired, they say",
        f.said(f.alert("sslv3 alert certificate expired")), "kept", "link.refused", 2),
    row("our CA unknown to them", "unknown CA, they say",
        f.said(f.alert("tlsv1 alert unknown ca")), "kept", "link.refused", 2),
    row("none of our certificates taken", "certificate required, they say",
        f.said(f.alert("tlsv13 alert certificate required")), "kept", "link.refused", 2),
    row("their certificate, in 1970", "it cannot be checked", both(in_1970, f.said(f.unverified(9))), "kept",
        "clock.unsynced", 61, lasts_s=120, at_start=True),
    row("their certificate, a year ahead", "it seems to have expired",
        both(clock(Quality.RESTORED, YEAR_NS), f.said(f.unverified(10))), "kept", "clock.unsynced", 61,
        lasts_s=120, at_start=True),
)
BROKER_CELLS = area(
    "broker",
    row("broker down", "nothing listens on its port", f.said(NOBODY), "kept", "link.server", 7),
    row("broker does not answer CONNECT", "it accepts the connection and is silent",
        f.unanswered, "kept", "link.server", 17, lasts_s=120),
    row("broker busy", "Server busy", says("Server busy"), "kept", "link.server", 7),
    row("broker unavailable", "Server unavailable", says("Server unavailable"), "kept", "link.server", 7),
    row("not authorised to connect", "Not authorized", says("Not authorized"), "kept", "link.refused", 2),
    row("banned", "Banned", says("Banned"), "kept", "link.refused", 2),
    row("wrong user or password", "Bad user name or password", says("Bad user name or password"), "kept",
        "link.refused", 2),
    row("connection quota", "Quota exceeded", says("Quota exceeded"), "kept", "link.refused", 2),
    row("accepted and dropped at once", "without a word", f.anew(f.city(drops=(50 * MS, ended))), "kept",
        "link.refused", 17),
    row("another unit of this name", "each puts the other off",
        f.anew(f.city(drops=(2 * SECOND, lambda: answered("Session taken over", f.WHERE)))), "kept", "link.refused", 4,
        may_go_s=10),
    row("speaks only 3.1.1", "it refuses MQTT 5 as the unit connects anew", f.only_3_1_1, "live"),
    row("receive maximum of 1", "one message unanswered at a time", f.anew(f.city(window=1)), "live"),
    row("denies publishing, MQTT 5", "Not authorized", f.city(denied=True), "kept", "link.denied", 4),
    row("message quota", "Quota exceeded", f.city(denied=True, reason="Quota exceeded"), "kept", "link.denied", 4),
    row("denies publishing, 3.1.1", "and acknowledges", f.anew(SILENT_311), "kept", "receipt.none", 36, lasts_s=120),
    row("acknowledges nothing", "the connection stands", f.city(answers=False), "kept", "link.server", 70, lasts_s=150),
    row("acknowledges and forgets", "nobody reads what it takes", f.platform(deaf=True), "kept", "receipt.none", 34,
        lasts_s=120),
    row("acknowledges and forgets for an hour", "nobody reads what it takes", f.platform(deaf=True), "kept",
        "receipt.none", 34, lasts_s=HOUR_S),
    row("acknowledges: no subscriber", "No matching subscribers", both(f.platform(deaf=True), f.city(heard=False)),
        "kept", "receipt.none", 34, lasts_s=120),
)
RECEIPT_CELLS = area(
    "receipts",
    row("receipts withheld", "the platform holds all and tells nothing", f.platform(mute=True), "live", "receipt.none",
        34, lasts_s=120),
    row("receipts late", "by 20 s", f.platform(replies=lambda one: [(20 * SECOND, one)]), "live"),
    row("receipts repeated", "three times", f.platform(replies=lambda one: [(0, one), (0, one), (9, one)]), "live"),
    row("receipts for others", "of an epoch that is not ours", f.platform(replies=others), "live"),
    row("receipts for what was not sent", "the next thousand seqs", f.platform(replies=unsent), "live"),
    row("receipts garbled", "noise before each", f.platform(replies=lambda one: [(0, b"\xff{"), (0, one)]), "live"),
)
PICTURE_CELLS = area(
    "pictures",
    row("pictures' server silent", "it does not answer", f.shelf(UNHEARD), "live", "frames.waiting", 65),
    row("pictures' server busy", "status 503", f.shelf(BUSY), "live", "frames.waiting", 65),
    row("pictures forbidden", "status 403", f.shelf(FORBIDDEN), "live", "frames.waiting", 65),
    row("network silent, with pictures", "nothing passes, and nobody says so", f.network("silent"), "kept",
        "link.network", 58),
    settings=CAMERA,
    lasts_s=180,
)
COMMAND_CELLS = area(
    "commands",
    row("unsigned commands", "one a second", f.unsigned(1), "live", "command.forged"),
    row("flood of unsigned commands", "2,000 a second", f.unsigned(2000), "live", "command.forged"),
)
# fmt: on

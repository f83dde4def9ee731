"""The unit's wire from a board that has RAM alone: records, topics, receipts. Pure; pico_w_door.py owns the board.

What such a board cannot do it does not claim: its records live in RAM (MOST of them; what had to go is counted in a
Gap record), each power-on is an epoch of its own, and before the network told the time its records are `unsynced`
and say no time. How long a door is held open is left to the platform.
"""

import json
import time

try:
    from drivers.reed import FAULT
except ImportError:  # copied flat
    from reed import FAULT

VERSION = "pico-1"
MOST = 64  # records in RAM; one is about 400 bytes as a dict
DRIFT_PPM = 100  # as the unit reckons: 30 of the Pico's crystal, and heat
NTP_ERROR_MS = 2000  # ntptime drops the fraction of the second, and waits up to one for the answer

_2000_S = 946_684_800
_OFFSET_S = _2000_S if time.gmtime(0)[0] == 2000 else 0  # clock: no reading; asks where this port's time begins


class BoardClock:
    """Boot clock in ns from ticks that wrap; and UTC once the network has told it. diff: time.ticks_diff."""

    def __init__(self, boot, ticks_us, diff):
        self.boot = boot
        self.anchor = None  # the stamp of the last time the network told
        self._diff = diff
        self._ticks_us = ticks_us
        self._boot_us = 0

    def at(self, ticks_us):
        """The boot clock in ns at a tick, within 8 minutes of the last one; an edge may be older than that one."""
        gone_us = self._diff(ticks_us, self._ticks_us)
        if gone_us > 0:
            self._ticks_us, self._boot_us = ticks_us, self._boot_us + gone_us
            gone_us = 0
        return max(0, self._boot_us + gone_us) * 1000

    def sync(self, boot_ns, utc_s, error_ms=NTP_ERROR_MS):
        """The network says that it was utc_s (seconds since 1970) at boot_ns; returns the stamp of that."""
        self.anchor = self._stamp(boot_ns, utc_s * 1_000_000_000, "synced")
        self.anchor["error_ms"] = error_ms
        return self.anchor

    def stamp(self, boot_ns):
        """An instant as it is known now, with the clock's quality: unsynced, or synced with its error."""
        wall_ns, error_ms = reckon(boot_ns, self.anchor)
        if wall_ns is None:
            return self._stamp(boot_ns, 0, "unsynced")
        stamp = self._stamp(boot_ns, wall_ns, "synced")
        stamp["error_ms"] = error_ms
        return stamp

    def _stamp(self, boot_ns, wall_ns, clock):
        return {"boot": self.boot, "boot_ns": boot_ns, "wall_ns": wall_ns, "clock": clock}


class Outbox:
    """The records that the platform has not yet said it holds, oldest first; the oldest goes when there is no room."""

    def __init__(self, epoch, most=MOST):
        self.epoch = epoch
        self.records = []
        self._most = most
        self._seq = 0
        self._lost = []  # seqs that had to go and that no Gap has told of yet

    def put(self, kind, at, fields=None):
        """A new record; returns it."""
        while len(self.records) >= self._most:
            self._evict()
        self._seq += 1
        record = {"kind": kind, "epoch": self.epoch, "seq": self._seq, "at": at}
        record.update(fields or {})
        self.records.append(record)
        return record

    def tell_gap(self, at):
        """Before records are sent: one Gap for all that had to go, where any had to."""
        if self._lost:
            if len(self.records) >= self._most:
                self._evict()
            seqs, self._lost = ranges(self._lost), []
            count = sum([last - first + 1 for first, last in seqs])
            self.put("gap", at, {"reason": "overrun", "records": count, "of": self.epoch, "seqs": seqs})

    def receipt(self, payload):
        """The platform's word for what it holds; returns how many records that was. Another epoch's are nothing."""
        try:
            told = json.loads(payload)
            stored = told["stored"] if told["epoch"] == self.epoch else []
            held = [r for r in self.records if any([first <= r["seq"] <= last for first, last in stored])]
        except (ValueError, KeyError, TypeError):
            return 0  # what cannot be read is no receipt: records stay, and are sent again
        self.records = [r for r in self.records if r not in held]
        return len(held)

    def _evict(self):
        gone = self.records.pop(0)
        self._lost.append(gone["seq"])
        for first, last in gone.get("seqs", ()):  # a Gap that was never told: what it would have told is lost with it
            self._lost += range(first, last + 1)


class Door:
    """What the reed's reports mean, as the unit says it: found, opened, shut, lost."""

    def __init__(self, clock, outbox):
        self.door = "unknown"
        self.since = None
        self.openings = 0
        self._before = "unknown"  # what it was before it was lost
        self._clock = clock
        self._outbox = outbox

    def report(self, report):
        """Put the Event that a reed's Report stands for; returns it, or None where nothing changed."""
        if report.kind == FAULT:
            change, door = "lost", "unknown"
            self._before = self.door
        else:
            door = "shut" if report.closed else "open"
            change = "found" if self._before in (door, "unknown") else ("shut" if report.closed else "opened")
            self._before = door
        self.openings += change == "opened"
        self.door = door
        first_ns, last_ns = self._clock.at(report.first_us), self._clock.at(report.last_us)
        self.since = self._clock.stamp(first_ns)
        fields = {"change": change, "door": door, "edges": report.edges, "settle_us": (last_ns - first_ns) // 1000}
        if change == "lost":
            fields["reason"] = "it does not come to rest"
        return self._outbox.put("event", self.since, fields)


def topic(unit, leaf):
    """The unit's topic; umqtt wants bytes."""
    return ("door/v1/%s/%s" % (unit, leaf)).encode()


def message(unit, record, anchor):
    """One record as it travels: CloudEvents JSON. Its time is worked out now, by the best anchor there is."""
    at = record["at"]
    if at["clock"] == "synced":
        wall_ns, error_ms = at["wall_ns"], at["error_ms"]
    else:
        wall_ns, error_ms = reckon(at["boot_ns"], anchor)
    data = {"record": record, "clock": "unsynced" if wall_ns is None else "synced"}
    envelope = {
        "specversion": "1.0",
        "id": "%s/%s/%d" % (unit, record["epoch"], record["seq"]),
        "source": "/door/%s" % unit,
        "type": "doorunit.%s.v1" % record["kind"],
        "datacontenttype": "application/json",
        "data": data,
    }
    if wall_ns is not None:
        data["error_ms"] = error_ms
        envelope["time"] = rfc3339(wall_ns)
    return json.dumps(envelope).encode()


def online(boot, is_online):
    """What `online` carries; with False the last will."""
    return json.dumps({"online": is_online, "boot": boot, "version": VERSION}).encode()


def state(door, anchor):
    """What `state` carries."""
    wall_ns = None if door.since is None else reckon(door.since["boot_ns"], anchor)[0]
    since = None if wall_ns is None else rfc3339(wall_ns)
    return json.dumps({"door": door.door, "since": since, "camera": "none"}).encode()


def pulse(clock, boot_ns, door, outbox, glitches):
    """What `pulse` carries: the board in a few numbers."""
    told = clock.stamp(boot_ns)
    wall_ns = told.pop("wall_ns")
    told["time"] = rfc3339(wall_ns) if told["clock"] == "synced" else None
    told.update({"version": VERSION, "door": door.door, "camera": "none", "backlog": len(outbox.records)})
    told.update({"openings": door.openings, "glitches": glitches})
    return json.dumps(told).encode()


def reckon(boot_ns, anchor):
    """(UTC in ns, error in ms) of an instant of the anchor's boot; (None, None) without an anchor."""
    if anchor is None:
        return None, None
    apart_ns = boot_ns - anchor["boot_ns"]
    drift_ms = abs(apart_ns) * DRIFT_PPM // 1_000_000_000_000 + 1
    return anchor["wall_ns"] + apart_ns, anchor["error_ms"] + drift_ms


def rfc3339(wall_ns):
    """UTC in ns since 1970 as text, to the microsecond."""
    seconds, rest_ns = divmod(wall_ns, 1_000_000_000)
    fields = tuple(time.gmtime(seconds - _OFFSET_S)[:6])  # clock: no reading; a date from a number
    return "%04d-%02d-%02dT%02d:%02d:%02d" % fields + ".%06dZ" % (rest_ns // 1000)


def ranges(seqs):
    """Sorted inclusive ranges: [3, 1, 2, 7] -> [[1, 3], [7, 7]]."""
    made = []
    for seq in sorted(set(seqs)):
        if made and made[-1][1] == seq - 1:
            made[-1][1] = seq
        else:
            made.append([seq, seq])
    return made

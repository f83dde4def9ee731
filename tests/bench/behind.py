"""The report's rows on which a peer is ahead of ours, and why. Pure."""

from collections.abc import Iterator, Mapping

Rows = Mapping[str, Mapping[str, float]]
MORE_IS_BETTER = {"told_of_moved", "after_outage", "drain_s", "after_kill"}
_COLD = (
    "Before the socket, ours settles the contact, asks the term and announced visits, gives the record its number and "
    "writes down its time and how far that can be trusted: 0.24 ms of Python that runs seldom, so from cold caches. "
    "The synced commit is not in it: the two begin together."
)
_PROMISE = "The promise itself: on the card before anything can be lost, and off it after the receipt, two commits."
WHY = {
    "latency_p50_ms": _COLD,
    "latency_p99_ms": f"{_COLD} Then commit, sync and receipt share this machine's two cores with broker and ear.",
    "pss_mib": "SQLite, the spool, the term, warnings and the desk that doctor asks: what the others do not have.",
    "idle_cpu_pct": "The contact is sampled again each second, for an edge that nobody delivered; and the pulse.",
    "idle_switches_s": "The contact is sampled again each second, for an edge that nobody delivered; the keep-alive.",
    "cpu_ms_event": f"{_PROMISE} And 0.15 ms awake before settling ends, two samples, the receipt.",
    "syncs_event": _PROMISE,
    "written_kb_event": f"{_PROMISE} SQLite writes whole pages of 4 kB.",
    "start_ms": "50 ms of settling are in it; then identity, settings, and a spool that is opened, checked and synced.",
    "import_ms": "msgspec, SQLite and TLS beside gpiozero and paho.",
    "drain_s": "It empties a queue in RAM and waits for no receipt, one of which ours wants of the platform for each.",
}


def behind(rows: Rows, ours: str, peers: Mapping[str, str], keys: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """(measure, ours beside the best peer's, why) for each of `keys` on which a peer is ahead; words by key."""
    for key, words in keys.items():
        mine = rows.get(ours, {}).get(key)
        others = {name: rows[name][key] for name in peers if name != ours and key in rows.get(name, {})}
        if mine is None or not others:
            continue
        best = (max if key in MORE_IS_BETTER else min)(others, key=lambda name: others[name])
        ahead = others[best] > mine if key in MORE_IS_BETTER else others[best] < mine
        if ahead:
            yield words, f"{mine:.3g} beside {others[best]:.3g} ({peers[best]})", WHY.get(key, "Not known.")

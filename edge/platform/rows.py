"""What a check found of a platform: rows, and how they are told."""

from collections.abc import Iterable

import msgspec

WELL, WRONG, UNSEEN = "well", "wrong", "unseen"


class Row(msgspec.Struct, frozen=True):
    """One check. verdict: well, wrong, or unseen (it could not be looked at from here; wanted says with what)."""

    name: str
    verdict: str
    found: str
    wanted: str = ""
    remedy: str = ""


class Need(msgspec.Struct, frozen=True):
    """What a platform must do, by the row's name; said only where it does not."""

    wanted: str
    remedy: str


NEEDS = {
    "reach": Need(
        "a server that listens there", "Start it, or give its right address; nothing else could be looked at."
    ),
    "https": Need(
        "HTTPS there, by a certificate of the CA in the identity folder, for the name that is dialled",
        "Start it, or give its right address; see that its certificate is of that CA and has this host name.",
    ),
    "tls": Need(
        "TLS by a certificate of the CA in the identity folder, for the name that is dialled",
        "Give the server a certificate of that CA, with this host name among its subject alternative names.",
    ),
    "tls.client": Need(
        "a client without a certificate is refused",
        "Set the broker to require a certificate; mosquitto: require_certificate true.",
    ),
    "mqtt": Need(
        "MQTT 5 or 3.1.1 for the certificate's common name",
        "Let in whoever shows a certificate of the CA, as its CN; mosquitto: use_identity_as_username true.",
    ),
    "topics.own": Need(
        "a unit may publish event, state, online, pulse, reply below door/v1/<its CN>/, and hear receipt and command",
        "Compare the access list with deploy/broker/broker.acl.",
    ),
    "topics.neighbour": Need(
        "a unit may not publish below door/v1/<another unit>/",
        "Bind topics to the certificate's CN: see the patterns in deploy/broker/broker.acl.",
    ),
    "topics.retained": Need(
        "state and online are kept for whoever subscribes later",
        "Switch retained messages on; mosquitto: retain_available true.",
    ),
    "online.will": Need(
        "the last will is published when a unit's connection breaks", "Let clients have a retained last will of QoS 1."
    ),
    "receipt.comes": Need(
        "a receipt on topic receipt soon after each record is committed",
        "Publish {epoch, stored} once the record is on the disk; the unit keeps it and sends it again until then.",
    ),
    "receipt.form": Need(
        '{"epoch": "...", "stored": [[first, last], ...]}, inclusive ranges',
        "Write a lone seq as [seq, seq]; see deploy/platform/schemas/receipt.json.",
    ),
    "receipt.names": Need(
        "a receipt names the record's own epoch and seq",
        "Take both from data.record (or from id) of the record that was committed.",
    ),
    "receipt.again": Need(
        "a record that comes again is answered with a receipt again",
        "Recognise it by id, store nothing, and send its receipt: the first one was lost.",
    ),
    "receipt.own": Need(
        "no receipt for a record whose id is not <unit>/<epoch>/<seq> of its topic's unit",
        "Compare id with the topic; a unit may speak for itself alone.",
    ),
    "record.future": Need(
        "a record with a field that is not known yet is stored like any other",
        "Pass over what the schema does not name; keep the record's JSON as it came.",
    ),
    "record.kind": Need(
        "a record of a kind that is not known ends nothing: those after it get their receipts",
        "Store it, or log it and leave it without a receipt; never end the connection or the receiver.",
    ),
    "record.order": Need(
        "records are stored in whatever order they come",
        "A live alarm overtakes the backlog: order by (epoch, seq) when reading, wait for no seq when storing.",
    ),
    "record.gap": Need(
        "a Gap is stored and answered like any record, and so is what comes after it",
        "The seqs that it names never come; wait for none of them.",
    ),
    "record.backlog": Need(
        "a thousand records in a row are all answered",
        "Take them in batches, one commit and one receipt each; raise the broker's queue for the receiver.",
    ),
    "receipt.sent": Need(
        "no receipt for a seq that was never sent",
        "Name what is committed and nothing else: a unit forgets what a receipt names.",
    ),
    "posts.own": Need(
        "204 (or 200) to PUT online, state and pulse and to POST reply",
        "Keep the last one of each, as a retained message would be.",
    ),
    "posts.neighbour": Need(
        "403 to records posted below another unit's address", "Compare the address with the certificate's CN."
    ),
    "posts.commands": Need(
        '200 and {"next": "...", "commands": [...]} to GET commands?wait=1, with or without a command',
        "Hold the question until a command comes or `wait` seconds are over; see schemas/commands-waiting.json.",
    ),
    "command": Need(
        "a command that comes is signed by the platform's command key",
        "Sign the UTF-8 bytes of the text in `command` with Ed25519; see WIRE.md.",
    ),
    "frames.client": Need(
        "HTTPS without a client certificate is refused, in the handshake or with 401 or 403",
        "Require a certificate of the CA where frames are put.",
    ),
    "frames.put": Need("201 to a sealed frame, once it is on the disk", "See deploy/platform/openapi.json."),
    "frames.again": Need(
        "200 or 201 to the same frame again", "Recognise it by its name: the unit did not hear the first answer."
    ),
    "frames.digest": Need(
        "422 to bytes whose sha256 is not the name", "Hash what came; it was cut or changed on its way."
    ),
    "frames.signature": Need(
        "422 to a frame whose signature is not its unit's", "Check the last 64 bytes with the unit's verify_key."
    ),
    "frames.neighbour": Need(
        "403 to a frame put below another unit's address", "Compare the address with the certificate's CN."
    ),
}


def well(name: str, found: str) -> Row:
    """It does as it should."""
    return Row(name, WELL, found)


def wrong(name: str, found: object) -> Row:
    """It does not, and this is what it does."""
    return Row(name, WRONG, str(found), NEEDS[name].wanted, NEEDS[name].remedy)


def unseen(name: str, why: str) -> Row:
    """Nobody can say, from here."""
    return Row(name, UNSEEN, why, NEEDS[name].wanted)


def judge(name: str, well_: bool, found: object) -> Row:
    """One or the other."""
    return well(name, str(found)) if well_ else wrong(name, found)


def lines(rows: Iterable[Row]) -> list[str]:
    """For people."""
    told = []
    for row in rows:
        told.append(f"{row.verdict:<7} {row.name:<17} {row.found}")
        if row.verdict == WRONG:
            told += [f"{'':8}want {row.wanted}", f"{'':8}{row.remedy}"]
    return told


def plain(row: Row) -> dict[str, str]:
    """For --json."""
    told: dict[str, str] = msgspec.to_builtins(row)
    return told

"""What the neighbourhood's team asks and does: today's list, attending, labels, the audit, and all of it on paper."""

from collections.abc import Callable
from urllib.parse import quote

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from edge.clock import SECOND, Clock
from edge.errors import ConfigError
from edge.station import pdf, sheets, team, views
from edge.station.audit import Act
from edge.station.book import labels_of, told
from edge.station.gate import who_asks
from edge.station.hub import Hub
from edge.station.office import Language, Office
from edge.station.sheets import Sheet
from edge.station.wishes import whole, wish
from edge.wire import rfc3339

DAY_NS = 86_400 * SECOND
DAYS_MOST = 366
AUDIT_MOST = 20_000


def team_routes(office: Office, clock: Clock, hub: Hub) -> list[Route]:
    """/api/team, /api/installations, /api/attend, /api/label, /api/audit/<unit>, /api/export/<what>.<csv|pdf>."""

    def now_ns() -> int:
        return clock.read().wall_ns

    def today(_request: Request) -> Response:
        now = now_ns()
        return JSONResponse(
            {
                "now": rfc3339(now),
                "zone": office.habits.zone,
                "flats": team.flats(office, now),
                "openings": team.openings(office, now - DAY_NS, now + DAY_NS)[::-1],
                "week": team.period(office, now - 7 * DAY_NS, now, now),
            }
        )

    def installations(_request: Request) -> Response:
        return JSONResponse({"zone": office.habits.zone, "units": team.installations(office)})

    async def attend(request: Request) -> Response:
        words, who = await wish(request), who_asks(request)
        key = (str(words.get("unit", "")), str(words.get("epoch", "")), whole(str(words.get("seq", "")), "seq"))
        note = str(words.get("note", ""))
        attended = told(await run_in_threadpool(office.book.attend, key, who.name, note, now_ns()))
        answer = {"unit": key[0], "epoch": key[1], "seq": key[2], "attended": attended}
        hub.push("attended", answer)
        return JSONResponse(answer)

    async def label(request: Request) -> Response:
        words, who = await wish(request), who_asks(request)
        unit = str(words.get("unit", ""))
        await run_in_threadpool(office.book.label, unit, str(words.get("label", "")), who.name, now_ns())
        door = await run_in_threadpool(views.door, office.ledger, unit)
        if door is not None:
            hub.push("door", door)
        return JSONResponse({"unit": unit, "label": door["label"] if door else ""})

    def audit(request: Request) -> Response:
        unit, who = request.path_params["unit"], who_asks(request)
        rows = office.trail.rows(unit=unit, limit=AUDIT_MOST)
        office.trail.write(now_ns(), who.name, Act.READ_AUDIT, unit=unit)
        label = labels_of(office.ledger).get(unit, "")
        told_rows = [msgspec.structs.asdict(row) | {"time": rfc3339(row.at_ns)} for row in rows]
        return JSONResponse({"unit": unit, "label": label, "zone": office.habits.zone, "rows": told_rows})

    def export(request: Request) -> Response:
        what, kind = request.path_params["what"], request.path_params["kind"]
        sheet = _sheet(office, now_ns(), what, request.query_params.get)
        unit = request.query_params.get("unit", "")
        body = _written(sheet, kind)
        office.trail.write(now_ns(), who_asks(request).name, Act.EXPORTED, unit=unit, subject=what, detail=kind)
        media = "application/pdf" if kind == "pdf" else "text/csv; charset=utf-8"
        name = quote(f"{what}-{unit + '-' if unit else ''}{office.local(now_ns()):%Y%m%d-%H%M}.{kind}")
        return Response(body, media_type=media, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})

    return [
        Route("/api/team", today),
        Route("/api/installations", installations),
        Route("/api/attend", attend, methods=["POST"]),
        Route("/api/label", label, methods=["POST"]),
        Route("/api/audit/{unit:str}", audit),
        Route("/api/export/{what:str}.{kind:str}", export),
    ]


def _written(sheet: Sheet, kind: str) -> bytes:
    if kind == "csv":
        return sheets.csv_of(sheet)
    if kind == "pdf":
        return pdf.paper(sheet)
    raise ConfigError("export", found=kind, wanted="csv or pdf", remedy="Use the links on the page.")


def _sheet(office: Office, now_ns: int, what: str, given: Callable[[str, str], str]) -> Sheet:
    language: Language = "en" if given("lang", office.habits.language) == "en" else "zh"
    if what == "today":
        return sheets.today(team.flats(office, now_ns), office, now_ns, language)
    if what == "week":
        return sheets.week(team.period(office, now_ns - 7 * DAY_NS, now_ns, now_ns), office, language)
    if what == "openings":
        days = min(DAYS_MOST, max(1, whole(given("days", "7"), "days")))
        found = team.openings(office, now_ns - days * DAY_NS, now_ns + DAY_NS, given("unit", ""))
        return sheets.openings(found, office, language)
    if what == "audit":
        unit = given("unit", "")
        rows = office.trail.rows(unit=unit, limit=AUDIT_MOST)
        return sheets.audit(rows, unit, labels_of(office.ledger).get(unit, ""), office, language)
    raise ConfigError(
        "export", found=what, wanted="today, week, openings or audit", remedy="Use the links on the page."
    )

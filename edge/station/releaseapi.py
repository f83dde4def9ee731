"""GET /v1/releases/<channel>/<file>: for every unit with a certificate that is not revoked. Ranges are honoured."""

from functools import partial

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from edge.station.desk import Desk
from edge.station.releases import Releases
from edge.station.unitapi import PEER, no


def release_routes(releases: Releases, desk: Desk) -> list[Route]:
    """For the units' side of the station."""
    return [Route("/v1/releases/{channel:str}/{name:str}", partial(_release, releases, desk), methods=["GET"])]


def _release(releases: Releases, desk: Desk, request: Request) -> Response:
    name, fingerprint = request.scope.get(PEER) or ("", "")
    if not name or desk.known.refused(fingerprint):
        return no(403, "this certificate is revoked")
    found = releases.file(request.path_params["channel"], request.path_params["name"])
    return FileResponse(found) if found else no(404, "no such release")

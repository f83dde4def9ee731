"""The pages by the addresses that people see; what is in them comes from the API."""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

PAGE = Path(__file__).with_name("page")
_FILES = {"/signin": "signin.html", "/team": "team.html", "/team/audit/{unit:str}": "audit.html"}


def page_routes() -> list[Route]:
    """GET each of them."""
    return [_route(path, name) for path, name in _FILES.items()]


def _route(path: str, name: str) -> Route:
    async def page(_request: Request) -> Response:
        return FileResponse(PAGE / name)

    return Route(path, page)

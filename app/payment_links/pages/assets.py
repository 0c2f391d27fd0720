"""Serves the pages' scripts and styles. Files are read once; their address changes when any of them changes."""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

from app.domain.errors import NotFound

FOLDER = Path(__file__).parent / "static"
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
HEADERS = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

FILES = {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in TYPES}
VERSION = hashlib.sha256(b"".join(FILES.values())).hexdigest()[:12]
ADDRESS = f"/pay/assets/{VERSION}"


async def asset(request: Request) -> Response:
    """Serve one file. The address of an older version answers with the current file, which is not cached."""
    name, version = request.path_params["name"], request.path_params["version"]
    if name not in FILES:
        raise NotFound("There is no such file.")
    return served(FILES[name], Path(name).suffix, current=version == VERSION)


def served(content: bytes | str, suffix: str, *, current: bool) -> Response:
    """Answer with a file. `current`: it was asked for at the address of its version."""
    headers = HEADERS if current else {**HEADERS, "Cache-Control": "no-cache"}
    return Response(content, headers=headers, media_type=TYPES[suffix])

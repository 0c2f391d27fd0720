"""Serves the OpenAPI document at /openapi.json, the pages at /docs that show it, and in development the guide at /docs/guide.

The pages load nothing from other hosts. Of inline scripts only one of the guide's theme runs, which the policy names by hash.
"""

from functools import cache
from pathlib import Path

import fastapi_offline
from fastapi import FastAPI
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

ASSETS = Path(fastapi_offline.__file__).parent / "static"

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Invoicing API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="data:,">
</head>
<body>
<div id="swagger-ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
"""

CSP = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"

GUIDE = Path(__file__).resolve().parents[2] / "build" / "guide" / "site"
"""Where `make docs` puts the guide."""

GUIDE_CSP = f"{CSP}; script-src 'self' 'sha256-ySvT2PEZeueHGC1y2crNuNTfphBynFPP7i+U21fEgX0='"

NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The guide is not built</title>
<p>The guide is not built. Run <code>make docs</code>, then load this page again.</p>
</html>
"""

START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
});
"""


class Guide(StaticFiles):
    """The guide's files, or a page that says how to build them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, html=True, check_dir=False)
        self._home = folder / "index.html"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._home.exists():
            await super().__call__(scope, receive, send)
        else:
            await HTMLResponse(NOT_BUILT, 404, {"Content-Security-Policy": CSP})(scope, receive, send)

    async def get_response(self, path: str, scope: Scope) -> Response:
        answer = await super().get_response(path, scope)
        answer.headers["Content-Security-Policy"] = GUIDE_CSP
        return answer


def install(app: FastAPI, *, guide: Path | None) -> None:
    """Serve the pages on `app`, and the guide from its folder unless that is None."""

    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(PAGE, headers={"Content-Security-Policy": CSP})

    @app.get("/docs/start.js", include_in_schema=False)
    async def start() -> Response:
        return Response(START, media_type="text/javascript")

    @cache
    def contract() -> bytes:
        return bytes(JSONResponse(app.openapi()).body)

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return Response(contract(), media_type="application/json")

    app.mount("/docs/assets", StaticFiles(directory=ASSETS), name="docs-assets")
    if guide:
        app.add_route("/docs/guide", lambda _: RedirectResponse("/docs/guide/"), include_in_schema=False)
        app.mount("/docs/guide", Guide(guide), name="docs-guide")

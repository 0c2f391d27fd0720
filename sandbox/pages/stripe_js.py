"""The stand-in for Stripe.js, and the frames of its Elements.

It serves the files in `static/`, and limits what a frame may do.
"""

from pathlib import Path

from sandbox.wire.messages import Response

_FILES = {path.name: path.read_bytes() for path in (Path(__file__).parent / "static").iterdir()}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_ELEMENTS = {"payment", "card"}
_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
)


def script() -> Response:
    """`/stripe.js`, as a merchant's page loads it."""
    return _file("stripe.js")


def element(name: str) -> Response | None:
    """`/elements/payment` and `/elements/card` are frames, anything else is a file of theirs."""
    if name in _ELEMENTS:
        return _frame(name)
    return _file(name) if name in _FILES else None


def _file(name: str) -> Response:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(200, _FILES[name], headers, _TYPES[Path(name).suffix])


def _frame(kind: str) -> Response:
    html = (
        f'<!doctype html><html lang="en" data-kind="{kind}"><head><meta charset="utf-8"><title>Payment details</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/elements/frame.css">'
        '<script type="module" src="/elements/frame.js"></script></head><body><div id="fields"></div></body></html>'
    )
    headers = {
        "Content-Security-Policy": _FRAME_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(200, html.encode(), headers, "text/html; charset=utf-8")

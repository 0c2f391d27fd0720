"""HTML for the sandbox's pages: one frame with security headers around each body.

Each page escapes what it puts into the frame.
"""

from html import escape

from offline_stripe.wire.messages import Response

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color:#1a1f36}"
    "table{width:100%;border-collapse:collapse;margin:1rem 0}th,td{text-align:left;padding:.4rem .2rem;"
    "border-bottom:1px solid #e3e8ee}td.n,th.n{text-align:right}dl{display:grid;grid-template-columns:auto 1fr;"
    "gap:.2rem 1rem}dt{color:#5d6572}button{font:inherit;padding:.5rem 1rem;margin-right:.5rem}"
    "dd{overflow-wrap:anywhere}[role=alert]{color:#b3093c}"
)


def page(title: str, body: str, *, status: int = 200) -> Response:
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )
    headers = {
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; frame-src 'self'; connect-src 'self';"
            " img-src data:"
        ),
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(status, html.encode(), headers, "text/html; charset=utf-8")

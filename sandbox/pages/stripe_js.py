"""The stand-in for Stripe.js, and the frames of its Elements.

It serves the files in `static/`, and limits what a frame may do. The page's script is written as modules, but Stripe.js
is a classic script, so that `window.Stripe` is there as soon as it has loaded: its modules are joined to one.
"""

import json
import re
from pathlib import Path

from sandbox.wire.messages import Response

_FILES = {path.name: path.read_text() for path in (Path(__file__).parent / "static").iterdir()}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_MODULES = ("calls.js", "missing.js", "origin.js", "element.js", "elements.js", "actions.js", "confirming.js",
            "creating.js", "constructor.js")  # fmt: skip
"""What Stripe.js consists of. Each imports only from the ones before it."""
_MODULE_SYNTAX = re.compile(r'^import \{.*\} from "\./\w+\.js";\n|^export (?=\w)', re.MULTILINE)
_FRAMES = dict.fromkeys(
    (
        "payment",
        "card",
        "cardNumber",
        "cardExpiry",
        "cardCvc",
        "iban",
        "address",
        "linkAuthentication",
        "contactDetails",
    ),
    "frame.js",
) | {"absent": "absent.js"}
"""The script of each Element's frame; `absent` is the frame of the Elements that are not simulated."""
_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
)


def script(public_url: str) -> Response:
    """`/stripe.js`, as a merchant's page loads it. `public_url` is the sandbox's address."""
    joined = "".join(_MODULE_SYNTAX.sub("", _FILES[name]) for name in _MODULES)
    wrapped = f'(() => {{\n"use strict";\nconst SANDBOX_URL = {json.dumps(public_url)};\n{joined}}})();\n'
    return _asset(wrapped, ".js")


def element(name: str) -> Response | None:
    """`/elements/payment` and the like are frames, anything else is a file of theirs."""
    if name in _FRAMES:
        return _frame(name, _FRAMES[name])
    return _asset(_FILES[name], Path(name).suffix) if name in _FILES else None


def _asset(text: str, suffix: str) -> Response:
    headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
    return Response(200, text.encode(), headers, _TYPES[suffix])


def _frame(kind: str, program: str) -> Response:
    html = (
        f'<!doctype html><html lang="en" data-kind="{kind}"><head><meta charset="utf-8"><title>Payment details</title>'
        '<link rel="icon" href="data:,"><link rel="stylesheet" href="/elements/frame.css">'
        f'<script type="module" src="/elements/{program}"></script></head><body><div id="fields"></div></body></html>'
    )
    headers = {
        "Content-Security-Policy": _FRAME_POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return Response(200, html.encode(), headers, "text/html; charset=utf-8")

"""The stand-in for Stripe.js, and the frames of its Elements.

It serves what is in `static/`, and limits what a frame may do. The scripts are written as modules and joined to one
each: Stripe.js is a classic script, so that `window.Stripe` is there as soon as it has loaded, and a frame loads quickly.
"""

import json
import re
from pathlib import Path

from offline_stripe.wire.messages import Response

_FILES = {path.name: path.read_text() for path in (Path(__file__).parent / "static").iterdir()}
_TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
_MODULE_SYNTAX = re.compile(r'^import \{.*\} from "\./\w+\.js";\n|^export (?=\w)', re.MULTILINE)
_ELEMENTS = frozenset({"payment", "card", "cardNumber", "cardExpiry", "cardCvc", "iban", "address",
                       "linkAuthentication", "contactDetails"})  # fmt: skip
_ASSETS = ("frame.css", "challenge.js", "hosted.js", "absent.js")
_FRAME_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'"
)


def _joined(*names: str) -> str:
    """One script of several modules. What a module uses while it loads stands before it."""
    return "".join(_MODULE_SYNTAX.sub("", _FILES[f"{name}.js"]) for name in names)


_STRIPE_JS = _joined(
    "missing", "calls", "origin", "element", "elements", "actions", "confirming", "creating", "constructor"
)
_FRAME_JS = _joined("missing", "calls", "card", "address", "fields", "words", "appearance", "form", "paying", "frame")


def script(public_url: str) -> Response:
    """`/stripe.js`, as a merchant's page loads it. `public_url` is the sandbox's address."""
    wrapped = f'(() => {{\n"use strict";\nconst SANDBOX_URL = {json.dumps(public_url)};\n{_STRIPE_JS}}})();\n'
    return _asset(wrapped, ".js")


def element(name: str) -> Response | None:
    """`/elements/payment` and the like are frames, anything else is a file of theirs."""
    if name in _ELEMENTS:
        return _frame(name, "frame.js")
    if name == "absent":  # the frame of all Elements that are not simulated
        return _frame(name, "absent.js")
    if name == "frame.js":
        return _asset(_FRAME_JS, ".js")
    return _asset(_FILES[name], Path(name).suffix) if name in _ASSETS else None


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

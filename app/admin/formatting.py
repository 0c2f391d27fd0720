"""Formats values as HTML: times, amounts, states, ids as links, documents. Masks what looks like a secret."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from markupsafe import Markup, escape

from app.domain.money import format_amount
from app.domain.redaction import redacted

NOTHING = Markup('<span class="quiet">&ndash;</span>')
AMOUNTS = frozenset({"subtotal", "total", "amount", "amount_due", "amount_paid", "amount_remaining", "unit_amount"})
BADGES = {
    "good": {"paid", "fulfilled", "processed", "active", "done", "delivered", "succeeded", "enabled"},
    "bad": {"dead", "payment_failed", "failed", "uncollectible", "revoked", "disabled"},
    "wait": {"open", "awaiting_payment", "processing", "received", "in flight", "pending", "waiting"},
}
"""The colour of a state. States that are not listed are neutral."""
KINDS = {
    "in": "invoice",
    "cus": "customer",
    "evt": "webhook-event",
    "dlv": "delivery",
    "ful": "fulfillment",
    "key": "api-key",
}
"""The view behind each id prefix. Prices and products are missing, because Stripe makes some that never come here."""
_ID = re.compile(r"(?<![\w.])(in|cus|evt|ful|key|dlv)_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6,}\b")
LONG = 60


def moment(at: datetime) -> Markup:
    """A time in UTC, to the second."""
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(), utc.isoformat(), utc.strftime("%Y-%m-%d %H:%M:%S")
    )


def badge(word: str) -> Markup:
    """A state as a coloured badge."""
    kind = next((kind for kind, words in BADGES.items() if word in words), "plain")
    return Markup('<span class="badge {}">{}</span>').format(kind, word.replace("_", " "))


def linked(value: str) -> Markup:
    """`value` with each id in it as a link."""
    parts, end = [], 0
    for found in _ID.finditer(value):
        parts.append(escape(value[end : found.start()]))
        address = f"/console/{KINDS[found[1]]}/details/{found[0]}"
        parts.append(Markup('<a href="{}"><code>{}</code></a>').format(address, found[0]))
        end = found.end()
    return Markup("").join([*parts, escape(value[end:])])


def document(value: Any) -> Markup:
    """An indented JSON document, with what looks like a secret masked."""
    encoded = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    text = redacted(msgspec.json.format(encoded, indent=2).decode())
    return Markup("<pre>{}</pre>").format(linked(text))


def shown(name: str, value: Any, currency: str | None = None) -> Markup:  # noqa: PLR0911 -- a line per kind
    """One value of a row."""
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, bool):
        return escape("yes" if value else "no")
    if name in AMOUNTS and currency and isinstance(value, int):
        return Markup('<span class="amount">{}</span>').format(format_amount(value, currency))
    if name in WORDS:
        return WORDS[name](str(value))
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return Markup(", ").join(value)
    if isinstance(value, (dict, list)):
        return document(value)
    if isinstance(value, float):
        return escape(f"{value:,.1f}")
    return linked(redacted(str(value)) if name == "last_error" else str(value))


def short(name: str, value: Any, currency: str | None = None) -> Markup:
    """One value of a row, shortened for a list."""
    if isinstance(value, (dict, list)) and value and not all(isinstance(one, str) for one in value):
        return Markup('<span class="quiet">{} entries</span>').format(len(value))
    if isinstance(value, str) and len(value) > LONG and not _ID.search(value):
        return Markup('<span title="{}">{}…</span>').format(value, value[:LONG])
    return shown(name, value, currency)


def _code(value: str) -> Markup:
    return Markup("<code>{}</code>").format(value)


def _address(value: str) -> Markup:
    if not value.startswith(("https://", "http://", "/console/")):
        return escape(value)
    return Markup('<a href="{}" rel="noreferrer noopener" target="_blank">{}</a>').format(value, value[:80])


WORDS: dict[str, Callable[[str], Markup]] = {
    "status": badge,
    "outcome": badge,
    "became": badge,
    "was": badge,
    "type": _code,
    "prefix": _code,
    "idempotency_key": _code,
    "hosted_invoice_url": _address,
    "invoice_pdf": _address,
}

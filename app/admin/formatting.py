"""Formats values as HTML: times, amounts, states, ids as links, documents. Masks what looks like a secret."""

import re
from collections.abc import Callable, Container
from datetime import UTC, datetime
from typing import Any

import msgspec
from markupsafe import Markup, escape

from app.domain.money import format_amount
from app.domain.redaction import redacted

NOTHING = Markup('<span class="quiet">&ndash;</span>')
AMOUNT = re.compile(r"(sub)?total(_excluding_tax)?|amount(_\w+)?|\w+_amount|(\w+_)?balance")
"""The names of amounts in minor units."""
TIME = re.compile(r"\w+_at|next_payment_attempt|period_(start|end)")
"""The names of times."""
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
    "re": "refund",
    "cn": "credit-note",
    "dp": "dispute",
    "du": "dispute",
}
"""The view behind each id prefix. Prices and products are missing, because Stripe makes some that never come here."""
ELSEWHERE = frozenset({"re", "cn", "dp", "du"})
"""Prefixes of what an event may tell of although it never comes here: what came back of a payment without an invoice."""
DASHBOARD = {
    "in": "invoices", "cus": "customers", "pi": "payments", "re": "refunds", "pyr": "refunds", "dp": "disputes",
    "du": "disputes",
}  # fmt: skip
"""The page of Stripe's Dashboard behind each id prefix."""
_ID = re.compile(r"(?<![\w.])(in|cus|evt|ful|key|dlv|re|cn|dp|du|pi)_(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{6,}\b")
LONG = 60
LINK = Markup('<a href="{}"><code>{}</code></a>')
PLAIN_LINK = Markup('<a href="{}">{}</a>')


def moment(at: datetime) -> Markup:
    """A time in UTC, to the second. In a browser with scripts, console.js shows it in the viewer's own zone."""
    utc = at.astimezone(UTC)
    written = utc.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(utc.isoformat(), written, written)


def badge(word: str) -> Markup:
    """A state as a coloured badge."""
    kind = next((kind for kind, words in BADGES.items() if word in words), "plain")
    return Markup('<span class="badge {}">{}</span>').format(kind, word.replace("_", " "))


def linked(value: str, link: Markup = LINK, unlinked: Container[str] = ()) -> Markup:
    """`value` with each id in it as a `link`; `unlinked` are prefixes of ids that stay as they are."""
    parts, end = [], 0
    for found in _ID.finditer(value):
        if found[1] not in unlinked:
            parts.append(escape(value[end : found.start()]))
            parts.append(link.format(page_of(found[0]), found[0]))
            end = found.end()
    return Markup("").join([*parts, escape(value[end:])])


def page_of(object_id: str) -> str | None:
    """The address of the page of an object by its id: ours, or Stripe's of a payment. None for what is no id."""
    found = _ID.fullmatch(object_id)
    if found is None:
        return None
    return f"/console/{KINDS[found[1]]}/details/{object_id}" if found[1] in KINDS else f"/console/stripe/{object_id}"


def document(value: Any) -> Markup:
    """An indented JSON document, with what looks like a secret masked."""
    encoded = value.encode() if isinstance(value, str) else msgspec.json.encode(value)
    text = redacted(msgspec.json.format(encoded, indent=2).decode())
    return Markup("<pre>{}</pre>").format(linked(text, PLAIN_LINK, ELSEWHERE))


def shown(name: str, value: Any, currency: str | None = None) -> Markup:  # noqa: PLR0911 -- a line per kind
    if value is None or value in ("", [], {}):
        return NOTHING
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str) and TIME.fullmatch(name):
        return moment(datetime.fromisoformat(value))
    if isinstance(value, bool):
        return escape("yes" if value else "no")
    if currency and isinstance(value, int) and AMOUNT.fullmatch(name):
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

"""Stripe's search language over stored documents.

It parses `field:"value" AND metadata["key"]:"value"` and turns it into SQL. Texts are compared whatever their case; a
string is found by words of it, or by three letters at least, a token as a whole. Unlike Stripe's, results are
immediately consistent.
"""

import re

from offline_stripe.documents import Document
from offline_stripe.store.listing import Filters, Page, page_limit, select_page
from offline_stripe.store.transaction import Transaction
from offline_stripe.wire.errors import invalid_request

FIELDS: dict[str, frozenset[str]] = {
    "product": frozenset({"active", "description", "name", "shippable", "url"}),
    "price": frozenset({"active", "lookup_key", "product", "type", "currency"}),
    "customer": frozenset({"created", "email", "name", "phone"}),
    "invoice": frozenset({"created", "currency", "customer", "number", "receipt_number", "status", "subscription",
                          "total"}),
    "payment_intent": frozenset({"amount", "created", "currency", "customer", "status"}),
    "charge": frozenset({"amount", "created", "currency", "customer", "status", "refunded", "disputed",
                         *(f"payment_method_details.card.{name}" for name in (
                             "brand", "exp_month", "exp_year", "fingerprint", "last4"))}),
}  # fmt: skip
_NUMBERS = frozenset({"created", "total", "amount"})
_STRINGS = frozenset(
    {
        "description",
        "email",
        "lookup_key",
        "name",
        "number",
        "phone",
        "product",
        "receipt_number",
        "subscription",
        "url",
    }
)
_BOOLEANS = frozenset({"active", "shippable", "refunded", "disputed"})
_CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[\w.]+)(?:\[(?P<q>["'])(?P<key>.*?)(?P=q)\])?\s*(?P<op>:|~|>=|<=|>|<)\s*"""
    r"""(?:(?P<vq>["'])(?P<text>(?:\\.|(?!(?P=vq))[^\\])*)(?P=vq)|(?P<bare>[\w.+-]+))\s*"""
)
_JOINT = re.compile(r"(AND|OR)\b", re.IGNORECASE)
_LEAST_LETTERS = 3


def search_documents(tx: Transaction, kind: str, params: Document, url: str) -> Page:
    """One page of what matches the query; `page` is an opaque cursor."""
    filters = Filters()
    condition, values = _parse(params["query"], FIELDS[kind])
    filters.raw(condition, *values)
    cursor = {"starting_after": params["page"]} if params.get("page") else {}
    limit = page_limit(params)
    tx.flush()
    rows, has_more = select_page(tx, "objects", kind, {"limit": limit, **cursor}, filters)
    items = [tx.remember(row) for row in rows]
    return Page(items, has_more, url, "search_result", items[-1]["id"] if has_more else None)


def _parse(query: str, known: frozenset[str]) -> tuple[str, list[object]]:
    conditions: list[str] = []
    values: list[object] = []
    joints: set[str] = set()
    position = 0
    while position < len(query) or not conditions:
        clause = _CLAUSE.match(query, position)
        if clause is None:
            raise invalid_request("We were unable to parse your search query.", param="query")
        condition, value = _condition(clause, known)
        conditions.append(condition)
        values.extend(value)
        position = clause.end()
        joint = _JOINT.match(query, position)
        if joint is not None:
            joints.add(joint[1].upper())
            position = joint.end()
        elif position < len(query):
            joints.add("AND")
    if len(joints) > 1:
        raise invalid_request("You may not mix AND and OR in one search query.", param="query")
    glue = " OR " if joints == {"OR"} else " AND "
    return f"({glue.join(conditions)})", values


def _condition(clause: re.Match[str], known: frozenset[str]) -> tuple[str, list[object]]:
    name, key, operator = clause["field"], clause["key"], clause["op"]
    if key is not None:
        if name != "metadata":
            raise invalid_request(f"Field `{name}` is an unsupported search field.", param="query")
        place: str = "(SELECT value FROM json_each(doc, '$.metadata') WHERE key = ?)"
        before: list[object] = [key]
    elif name in known:
        place, before = f"json_extract(doc, '$.{name}')", []
    else:
        raise invalid_request(f"Field `{name}` is an unsupported search field for this resource.", param="query")
    raw = clause["text"] if clause["bare"] is None else clause["bare"]
    text = re.sub(r"\\(.)", r"\1", raw)
    condition, value = _comparison(name if key is None else "", place, operator, text, quoted=clause["bare"] is None)
    return (f"NOT ifnull({condition}, 0)" if clause["not"] else condition), [*before, *value]


def _comparison(name: str, place: str, operator: str, text: str, *, quoted: bool) -> tuple[str, list[object]]:
    if text.lower() == "null" and not quoted:
        return f"{place} IS NULL", []
    if name in _NUMBERS and operator != "~":
        if not re.fullmatch(r"-?\d+", text):
            raise invalid_request(f"Field `{name}` takes a number.", param="query")
        return f"{place} {'=' if operator == ':' else operator} ?", [int(text)]
    if operator == "~" and name in _STRINGS:
        if len(text) < _LEAST_LETTERS:
            raise invalid_request(f"A substring has at least {_LEAST_LETTERS} characters.", param="query")
        return f"instr(lower({place}), lower(?)) > 0", [text]
    if operator != ":":
        raise invalid_request(
            f"Operator `{operator}` is not supported for field `{name or 'metadata'}`.", param="query"
        )
    if name in _BOOLEANS:
        return f"{place} = ?", [int(text == "true")]
    if name in _STRINGS:
        return f"instr(' ' || lower({place}) || ' ', ' ' || lower(?) || ' ') > 0", [text]
    return f"lower({place}) = lower(?)", [text]

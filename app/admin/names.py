"""Puts names beside the ids of customers and invoices on a page, by one statement for the whole page."""

import re

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from sqlalchemy import Text, func, select

from app.db.schema import customers, invoices
from app.db.statement import Statement, any_of
from app.domain.masking import masked

_LINK = re.compile(r'<a href="/console/(?:customer|invoice)/details/(\w+)"><code>\1</code></a>')
"""A link as formatting.linked writes it."""
_C, _I = customers.c, invoices.c
_NAMES = Statement(
    select(_C.id, func.coalesce(func.nullif(_C.name, ""), _C.email).label("name"))
    .where(_C.id == any_of("ids", Text))
    .union_all(select(_I.id, _I.number).where(_I.id == any_of("ids", Text)))
)


@pass_context
async def with_names(context: Context, page: str) -> Markup:
    """`page` with the customer's name (or email) and the invoice's number beside each link. A filter of templates.

    Only admins see a customer's name in full.
    """
    ids = list(set(_LINK.findall(page)))
    if not ids:
        return Markup(page)  # noqa: S704 -- autoescaped by its template
    async with context["admin"].container.database.connection() as connection:
        names = {row["id"]: row["name"] for row in await _NAMES.fetch(connection, ids=ids) if row["name"]}

    def named(link: re.Match[str]) -> str:
        name = names.get(link[1])
        if name is None:
            return link[0]
        seen = name if context["operator"].admin or link[1].startswith("in_") else masked(name)
        return f'{link[0]} <span class="name">{escape(seen)}</span>'

    return Markup(_LINK.sub(named, page))  # noqa: S704 -- what is added is escaped

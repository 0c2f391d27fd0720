"""Puts names beside the ids of customers and invoices on a page."""

import re

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from app.admin import name_statements
from app.domain.masking import masked

_LINK = re.compile(r'<a href="/console/(?:customer|invoice)/details/(\w+)"><code>\1</code></a>')
"""A link as formatting.linked writes it."""


@pass_context
async def with_names(context: Context, page: str) -> Markup:
    """`page` with names beside the links. A filter of templates. Only admins see a customer's name in full."""
    ids = set(_LINK.findall(page))
    if not ids:
        return Markup(page)  # noqa: S704 -- autoescaped by its template
    async with context["admin"].container.database.connection() as connection:
        names = await name_statements.names(connection, ids)

    def named(link: re.Match[str]) -> str:
        name = names.get(link[1])
        if name is None:
            return link[0]
        seen = name if context["operator"].admin or link[1].startswith("in_") else masked(name)
        return f'{link[0]} <span class="name">{escape(seen)}</span>'

    return Markup(_LINK.sub(named, page))  # noqa: S704 -- what is added is escaped

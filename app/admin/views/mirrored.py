"""The base class of the views of mirrored rows. It shows fields without a column from the document."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from markupsafe import Markup

from app.admin.formatting import shown
from app.admin.login import Operator
from app.admin.views.table import ReadOnlyView, Section
from app.db import documents
from app.domain.json import JsonView
from app.domain.masking import PAYABLE, masked
from app.domain.sources import Personal
from app.projection.write_through import RESOURCES
from app.stripe.fields import Fields
from app.stripe.mapping import FIELDS, Kind

UNSHOWN = frozenset({"document", "items_document", "document_version", "later_digests", "sequence", "search"})
"""Columns that are not shown: what documents hold is in other columns, and may be personal; a row's number tells nothing."""


class MirroredView(ReadOnlyView):
    """The view of a table that mirrors one `kind` of Stripe's objects."""

    kind: ClassVar[Kind]
    secret = UNSHOWN
    hidden = PAYABLE
    order = ("created_at", "sequence")

    async def sections(self, key: str, operator: Operator) -> Sequence[Section]:
        """A section for the fields without a column, if there are any."""
        fields = FIELDS[self.kind]
        if not fields.later:
            return []
        async with self.container.database.connection() as connection:
            document = await documents.read(connection, RESOURCES[self.kind], key)
        return [later_section(fields, msgspec.json.decode(document), operator)] if document else []


def later_section(fields: Fields, document: JsonView, operator: Operator) -> Section:
    """A section with the later fields of `document` that `operator` may see."""
    personal = set(fields.marked(Personal))
    rows = []
    for name, value in fields.later_in(document).items():
        seen = masked(value) if name in personal and not operator.admin else value
        rows.append([Markup("<code>{}</code>").format(name), shown(name, seen, document.get("currency"))])
    return Section("Also shown", ["Field", "Value"], rows)

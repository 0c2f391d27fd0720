"""The base class of the views of mirrored rows. It shows fields without a column from the document."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec
from markupsafe import Markup

from app.admin.formatting import NOTHING, shown
from app.admin.login import Operator
from app.admin.views.table import ONLY_FOR_ADMINS, ReadOnlyView, Section
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
        written = Markup("")
        if operator.admin or name not in personal | PAYABLE:
            written = shown(name, value, document.get("currency"))
        elif name in PAYABLE:
            written = ONLY_FOR_ADMINS if value else NOTHING
        else:
            written = shown(name, masked(value))
        rows.append([Markup("<code>{}</code>").format(name), written])
    return Section("Also shown", ["Field", "Value"], rows)

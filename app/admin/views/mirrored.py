"""What the views of mirrored rows have in common: fields that no column holds are shown from the document."""

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

DOCUMENTS = frozenset({"document", "items_document", "document_version", "later_digests"})
"""What the columns and the sections say once more; in a customer's, what is personal."""


class MirroredView(ReadOnlyView):
    """A table that mirrors one `kind` of Stripe's objects."""

    kind: ClassVar[Kind]
    secret = DOCUMENTS

    async def sections(self, key: str, operator: Operator) -> Sequence[Section]:
        """The fields that no column holds, where there are some."""
        fields = FIELDS[self.kind]
        if not fields.later:
            return []
        async with self.parts.database.connection() as connection:
            document = await documents.read(connection, RESOURCES[self.kind], key)
        return [later_section(fields, msgspec.json.decode(document), operator)] if document else []


def later_section(fields: Fields, document: JsonView, operator: Operator) -> Section:
    """The later fields of `document`, as far as `operator` may see them."""
    personal = set(fields.marked(Personal))
    rows = []
    for name in fields.later:
        value, written = document[name], Markup("")
        if operator.admin or name not in personal | PAYABLE:
            written = shown(name, value, document.get("currency"))
        elif name in PAYABLE:
            written = ONLY_FOR_ADMINS if value else NOTHING
        else:
            written = shown(name, masked(value))
        rows.append([Markup("<code>{}</code>").format(name), written])
    return Section("Also shown", ["Field", "Value"], rows)

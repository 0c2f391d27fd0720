"""The columns of the tables that are read and written as whole rows."""

from dataclasses import dataclass

import sqlalchemy

from app.db import schema


@dataclass(frozen=True, slots=True)
class Table:
    """A table with its primary key, and all its columns but those that PostgreSQL numbers by itself."""

    name: str
    columns: tuple[str, ...]
    key: str


def _table(declared: sqlalchemy.Table) -> Table:
    (key,) = declared.primary_key
    return Table(declared.name, tuple(column.name for column in declared.columns if column.identity is None), key.name)


PRODUCTS = _table(schema.products)
PRICES = _table(schema.prices)
CUSTOMERS = _table(schema.customers)
INVOICES = _table(schema.invoices)
INVOICE_ITEMS = _table(schema.invoice_items)
INVOICE_PAYMENTS = _table(schema.invoice_payments)
FULFILLMENTS = _table(schema.fulfillments)

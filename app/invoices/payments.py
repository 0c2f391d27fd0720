"""Reads the payments of an invoice with what came back of each."""

from collections import defaultdict
from dataclasses import asdict

import msgspec

from app.db import documents, resources
from app.db.engine import Connection
from app.db.resources import Resource
from app.domain.events import written
from app.payments import statements

RETURNED: dict[str, Resource] = {"refunds": resources.REFUND, "disputes": resources.DISPUTE}


async def read(connection: Connection, invoice_id: str) -> bytes:
    returned: dict[str, defaultdict[str | None, list[msgspec.Raw]]] = {}
    for name, resource in RETURNED.items():
        found = await statements.returned(connection, name, invoice_id)
        texts = await documents.read_all(connection, resource, [object_id for object_id, _ in found])
        returned[name] = defaultdict(list)
        for object_id, payment_intent in found:
            returned[name][payment_intent].append(msgspec.Raw(texts[object_id].encode()))
    data = []
    for payment in await statements.all_of(connection, invoice_id):
        shown = {name: value for name, value in asdict(payment).items() if name != "invoice"}
        times = {name: at and written(at) for name, at in shown.items() if name.endswith("_at")}
        shown["payment_intent"] = None if payment.payment_record else payment.payment_intent
        data.append(shown | times | {name: returned[name][payment.payment_intent] for name in RETURNED})
    return msgspec.json.encode({"data": data})

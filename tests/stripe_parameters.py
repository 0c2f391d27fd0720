"""What becomes of each parameter of Stripe's calls, by the typed parameters of the installed SDK.

A parameter is supported (a field of the request's schema becomes it), refused by name with what to do instead, or out of
scope with the reason. `python -m tests.stripe_parameters docs/contributing/stripe-coverage.md` writes the table into the documentation.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints

import stripe.params
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from stripe._request_options import RequestOptions
from typing_extensions import is_typeddict

from app.catalog.schemas import PriceCreate, PriceUpdate, ProductCreate, ProductUpdate
from app.credit_notes.schemas import CreditNoteCreate
from app.customers.schemas import CustomerCreate, CustomerUpdate
from app.http.schemas import Request, Update
from app.invoices.item_schemas import ItemsCreate, ItemUpdate
from app.invoices.payment_schemas import PaymentAttach
from app.invoices.preview_schemas import InvoicePreview
from app.invoices.previews import PreviewedItem
from app.invoices.schemas import InvoiceCreate, InvoiceFinalize, InvoicePay, InvoiceUpdate
from app.refunds.schemas import RefundCreate
from app.stripe.parameters import Parameter, compiled

BEGIN, END = "<!-- parameters: begin -->", "<!-- parameters: end -->"
OUT_OF_SCOPE = "out of scope: "


@dataclass(frozen=True)
class Call:
    """A call of Stripe's that a request of ours leads to.

    `within` is the parameter that the request's fields are part of, `items` the schema of what becomes `invoice_items`.
    `ours` are those that the service says itself, and `without` those that it turns into others.
    """

    name: str
    typed: str
    schema: type[Request]
    within: str = ""
    ours: frozenset[str] = field(default_factory=frozenset)
    items: type[Request] | None = None
    without: tuple[str, ...] = ()


CALLS = (
    Call("create a product", "ProductCreateParams", ProductCreate),
    Call("change a product", "ProductUpdateParams", ProductUpdate),
    Call("create a price", "PriceCreateParams", PriceCreate),
    Call("change a price", "PriceUpdateParams", PriceUpdate),
    Call("create a customer", "CustomerCreateParams", CustomerCreate),
    Call("change a customer", "CustomerUpdateParams", CustomerUpdate),
    Call("create an invoice", "InvoiceCreateParams", InvoiceCreate),
    Call("change an invoice", "InvoiceUpdateParams", InvoiceUpdate),
    Call("add items", "InvoiceAddLinesParams", ItemsCreate),
    Call("change an item", "InvoiceUpdateLinesParams", ItemUpdate, "lines", frozenset({"lines", "lines.id"})),
    Call(
        "preview",
        "InvoiceCreatePreviewParams",
        InvoicePreview,
        ours=frozenset({"invoice_items"}),
        items=PreviewedItem,
        without=("invoice_items.price_data.product_data", "invoice_items.tax_amounts"),
    ),
    Call("finalize", "InvoiceFinalizeInvoiceParams", InvoiceFinalize),
    Call("pay", "InvoicePayParams", InvoicePay),
    Call("attach a payment", "InvoiceAttachPaymentParams", PaymentAttach),
    Call("issue a credit note", "CreditNoteCreateParams", CreditNoteCreate, ours=frozenset({"invoice"})),
    Call("refund", "RefundCreateParams", RefundCreate),
)


def of_the_sdk(typed: type, within: str = "") -> Iterator[str]:
    """The parameters of a typed dictionary of the SDK, nested ones as `rendering.pdf.page_size`."""
    return (name for name, _ in with_types(typed, within))


def with_types(typed: type, within: str = "") -> Iterator[tuple[str, Any]]:
    """The parameters of a typed dictionary of the SDK, each with its type."""
    hints = get_type_hints(typed, vars(sys.modules[typed.__module__]), {"StripeContext": object, "Mapping": Mapping})
    for name, hint in hints.items():
        if name not in RequestOptions.__annotations__:
            yield within + name, hint
            for inner in {id(it): it for it in _dictionaries(hint)}.values():
                yield from with_types(inner, f"{within}{name}.")


def _dictionaries(hint: Any) -> Iterator[type]:
    if is_typeddict(hint):
        yield hint
    for inner in get_args(hint):
        yield from _dictionaries(inner)


def supported(schema: type[BaseModel], within: str = "") -> Iterator[str]:
    """The parameters that the fields of `schema` become."""
    for parameter in compiled(schema):
        for end in range(1, len(parameter.path) + 1):
            yield within + ".".join(parameter.path[:end])
        if parameter.inner:
            yield from supported(parameter.inner, _inside(within, parameter))


def emptied(call: Call) -> list[str]:
    """The parameters that `call` would send as the empty text, for a null or an empty list, where Stripe takes none."""
    types = dict(with_types(getattr(stripe.params, call.typed)))
    empty: tuple[object, ...] = (None, []) if issubclass(call.schema, Update) else ([],)
    return list(_emptied(call.schema, types, empty, f"{call.within}." if call.within else ""))


def _emptied(
    schema: type[BaseModel], types: Mapping[str, Any], empty: tuple[object, ...], within: str
) -> Iterator[str]:
    for parameter in compiled(schema):
        name = within + ".".join(parameter.path)
        never = getattr(schema, "never_null", ())
        sent = [it for it in empty if it not in parameter.absent and (it is not None or parameter.field not in never)]
        allowed = [it for it in sent if _allows(schema.model_fields[parameter.field], it)]
        if allowed and name in types and not _takes_empty(types[name]):
            yield name
        if parameter.inner:
            yield from _emptied(parameter.inner, types, empty, f"{name}.")


def _allows(field: FieldInfo, value: object) -> bool:
    try:
        TypeAdapter(field.rebuild_annotation()).validate_python(value)
    except ValidationError:
        return False
    return True


def _takes_empty(hint: Any) -> bool:
    """Whether a parameter of this type may be the empty text. An enum that Stripe may extend is no text."""
    kinds = list(_kinds(hint))
    words = [word for kind in kinds if get_origin(kind) is Literal for word in get_args(kind)]
    return "" in words or (str in kinds and not words)


def _kinds(hint: Any) -> Iterator[Any]:
    if get_origin(hint) in {Union, UnionType, NotRequired}:
        for inner in get_args(hint):
            yield from _kinds(inner)
    else:
        yield hint


def refused(schema: type[BaseModel], within: str = "") -> Iterator[tuple[str, str]]:
    """The parameters that `schema` refuses by name, with the reasons."""
    if issubclass(schema, Request):
        for name, reason in schema.refused.items():
            yield within + name, reason
    for parameter in compiled(schema):
        if parameter.inner:
            yield from refused(parameter.inner, _inside(within, parameter))


def _inside(within: str, parameter: Parameter) -> str:
    return f"{within}{'.'.join(parameter.path)}."


@dataclass(frozen=True)
class Decided:
    """What becomes of the parameters of one call. `refused` and `out_of_scope` have the reasons."""

    supported: list[str]
    refused: dict[str, str]
    out_of_scope: dict[str, str]
    undecided: list[str]
    unknown: list[str]


def decided(call: Call) -> Decided:
    """Look at each parameter of `call`. A refused one stands for all that is in it."""
    within = f"{call.within}." if call.within else ""
    known = list(dict.fromkeys(of_the_sdk(getattr(stripe.params, call.typed))))
    taken = {*supported(call.schema, within), *call.ours}
    taken |= set(supported(call.items, "invoice_items.")) if call.items else set()
    taken = {name for name in taken if not name.startswith(("metadata.", *call.without))}
    reasons = dict(refused(call.schema, within)) | dict(call.schema.refused)
    result = Decided([], {}, {}, [], sorted(taken - set(known)))
    for name in known:
        above = [".".join(name.split(".")[:end]) for end in range(1, name.count(".") + 2)]
        reason = next((reasons[one] for one in above if one in reasons), None)
        if name in taken:
            result.supported.append(name)
        elif reason is None:
            result.undecided.append(name)
        elif reason.startswith(OUT_OF_SCOPE):
            result.out_of_scope[name] = reason
        else:
            result.refused[name] = reason
    return result


def table() -> str:
    """The table of the documentation: counts with nested parameters, names of the outermost ones."""
    lines = [
        "| call | supported | refused by name | out of scope |",
        "| --- | --- | --- | --- |",
    ]
    reasons: dict[str, set[str]] = {}
    for call in CALLS:
        found = decided(call)
        cells = [f"{len(found.supported)}: {_names(found.supported)}"]
        for group in (found.refused, found.out_of_scope):
            cells.append(f"{len(group)}: {_names(group)}" if group else "0")
            for name in _outermost(group):
                reasons.setdefault(group[name], set()).add(name.rpartition(".")[2])
        lines.append(f"| {call.name} | {' | '.join(cells)} |")
    told = [f"- {', '.join(f'`{name}`' for name in sorted(names))}: {why}" for why, names in sorted(reasons.items())]
    return "\n".join([*lines, "", *told])


def _outermost(names: Any) -> list[str]:
    return [name for name in names if not any(name.startswith(f"{other}.") for other in names)]


def _names(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in _outermost(names))


def written(page: str) -> str:
    """The page with the table as it is now."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{table()}\n\n{END}", page, flags=re.DOTALL)


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(written(path.read_text()))

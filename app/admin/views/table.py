"""The base class of all views: a read-only table, page by page, with personal data masked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar
from urllib.parse import urlencode

from markupsafe import Markup
from sqladmin import ModelView
from sqladmin.pagination import Pagination
from starlette.datastructures import URL
from starlette.requests import Request

from app.admin.formatting import DASHBOARD, NOTHING, short, shown
from app.admin.login import Operator, operator_of
from app.admin.read_sessions import Listing
from app.container import Container
from app.domain.masking import masked

ONLY_FOR_ADMINS = Markup('<span class="quiet">shown to admins</span>')


@dataclass
class Page(Pagination):
    """A page of a list and the address of the next one. It has no total: counting takes longer than reading."""

    older: str | None = None

    def add_pagination_urls(self, base_url: URL) -> None:
        """Do nothing: there are no page numbers."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button for admins: where its form is posted, the values it sends, and the question it asks first.

    `amount` is the label of an amount that is asked for; `choices` are the values of a choice `how`, and their labels.
    """

    label: str
    action: str
    values: Mapping[str, str] = field(default_factory=dict)
    confirm: str | None = None
    amount: str | None = None
    choices: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Section:
    """A table below the row with more about it."""

    title: str
    head: list[str]
    rows: list[list[Markup]]


class ReadOnlyView(ModelView):
    """A read-only table.

    `order` are the columns it is listed by, times or numbers. `choices` maps columns to the values that they can be
    filtered by. `slices` maps names to conditions in our own SQL; `always` are conditions of every page. Only admins see
    `personal` and `hidden` columns, nobody sees `secret` ones. `named` is the column whose value stands beside the id on
    the row's page. `related` are the lists that find other rows by this row's id. `list_buttons` stand below the list and
    send the chosen rows, `row_buttons` stand on the row's page and send its id.
    """

    can_create = False
    can_edit = False
    can_delete = False
    can_export = False
    list_template = "console/list.html"
    details_template = "console/details.html"
    page_size = 50

    group: ClassVar[str] = ""
    named: ClassVar[str | None] = None
    related: ClassVar[tuple[str, ...]] = ()
    order: ClassVar[tuple[str, ...]] = ("created_at",)
    search: ClassVar[tuple[str, ...]] = ("id",)
    choices: ClassVar[dict[str, tuple[str, ...]]] = {}
    slices: ClassVar[dict[str, str]] = {}
    always: ClassVar[tuple[str, ...]] = ()
    oldest_first: ClassVar[bool] = False
    admins_only: ClassVar[bool] = False
    personal: ClassVar[frozenset[str]] = frozenset()
    hidden: ClassVar[frozenset[str]] = frozenset()
    secret: ClassVar[frozenset[str]] = frozenset()
    list_buttons: ClassVar[tuple[Button, ...]] = ()
    row_buttons: ClassVar[tuple[Button, ...]] = ()

    @property
    def container(self) -> Container:
        found: Container = self._admin_ref.container  # type: ignore[attr-defined]
        return found

    def get_details_columns(self) -> list[str]:
        """All columns except secret ones."""
        return [name for name in super().get_details_columns() if name not in self.secret]

    async def list(self, request: Request) -> Page:
        """A page of rows, newest first."""
        asked = request.query_params
        equal = {name: asked[name] for name, values in self.choices.items() if asked.get(name) in values}
        chosen = self.slices.get(asked.get("only", ""))
        currency = ["currency"] if "currency" in self._prop_names else []  # amounts are written with it
        listing = Listing(
            self.model, self.order, [*self._list_prop_names, *currency], self._searched(request), self.oldest_first
        )
        statement = listing.statement(
            limit=self.page_size + 1,
            after=asked.get("after"),
            term=asked.get("search", "").strip() or None,
            equal=equal,
            conditions=[*self.always, *([chosen] if chosen else [])],
        )
        found = await self._run_query(statement)
        rows = found[: self.page_size]
        page = Page(rows=rows, page=1, page_size=self.page_size, count=len(rows))
        if len(found) > len(rows):
            kept = {name: value for name, value in asked.items() if name != "after"}
            page.older = "?" + urlencode(kept | {"after": listing.cursor(rows[-1])})
        return page

    async def get_object_for_details(self, request: Request) -> Any:
        """The row with this key; None where the key has the wrong type."""
        try:
            return await super().get_object_for_details(request)
        except ValueError:  # no UUID, no number
            return None

    def _searched(self, request: Request) -> tuple[str, ...]:
        """The columns to search. Masked columns are excluded, as finding a row by a value reveals the value."""
        if operator_of(request).admin:
            return self.search
        return tuple(name for name in self.search if name not in self.personal | self.hidden)

    async def list_context(self, request: Request) -> dict[str, Any]:
        """What the list's template gets besides the rows."""
        operator = operator_of(request)
        buttons = self.list_buttons if operator.admin else ()
        return {"operator": operator, "buttons": buttons, "searched": self._searched(request)}

    async def details_context(self, request: Request) -> dict[str, Any]:
        """What the row's template gets besides the columns."""
        key = request.path_params["pk"]
        operator = operator_of(request)
        return {
            "operator": operator,
            "sections": await self.sections(key, operator),
            "buttons": await self.buttons(key) if operator.admin else [],
            "related": [view for view in self._admin_ref.views if view.identity in self.related],
            "at_stripe": key.partition("_")[0] in DASHBOARD,
        }

    async def buttons(self, key: str) -> Sequence[Button]:
        return [replace(button, values={"id": key}) for button in self.row_buttons]

    async def sections(self, key: str, operator: Operator) -> Sequence[Section]:  # noqa: ARG002 -- for those that have some
        """The tables below the row on its page."""
        return []

    async def get_list_value(self, obj: Any, prop: str, request: Request | None = None) -> tuple[Any, Any]:
        return self._written(short, obj, prop, request)

    async def get_detail_value(self, obj: Any, prop: str, request: Request | None = None) -> tuple[Any, Any]:
        return self._written(shown, obj, prop, request)

    def value(self, obj: Any, prop: str, operator: Operator) -> Any:
        """The value of a column, as far as `operator` may see it."""
        found = getattr(obj, prop)
        return masked(found) if prop in self.personal and not operator.admin else found

    def _written(self, write: Any, obj: Any, prop: str, request: Request | None) -> tuple[Any, Any]:
        operator = operator_of(request) if request else Operator("", admin=False)
        if prop in self.hidden and not operator.admin:
            return None, ONLY_FOR_ADMINS if getattr(obj, prop) else NOTHING
        value = self.value(obj, prop, operator)
        return value, write(prop.rstrip("_"), value, getattr(obj, "currency", None))

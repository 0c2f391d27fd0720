"""API keys, and the audit log of what was done with them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.domain.access import Scope
from app.http.parameters import PRINTABLE, IdQuery, TimeQuery
from app.http.queries import Paging
from app.http.schemas import Request, Shown, Text, Time

DAY_S = 24 * 3600
ApiKeyStatus = TypeAliasType("ApiKeyStatus", Literal["active", "expired", "revoked"])


Expiry = Annotated[Time | None, Field(examples=[None], description="When the key ends by itself. Null: never.")]


class ApiKeyCreate(Request):
    name: Text = Field(min_length=1, max_length=200, examples=["billing front end"])
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(
        min_length=1, max_length=len(Scope), examples=[["invoices:write"]]
    )
    expires_at: Expiry = None


class ApiKeyRotate(Request):
    overlap_s: int = Field(
        default=DAY_S, ge=0, le=30 * DAY_S, description="For how long the old key works beside the new one."
    )
    expires_at: Expiry = None


class ApiKeyRead(Shown):
    """A key, without what is secret of it."""

    id: str = Field(examples=["key_0d8c"])
    name: str
    prefix: str = Field(examples=["ik_test_4f9QaZ0bTr1x"], description="How the key begins; it may be shown.")
    scopes: list[Scope]
    livemode: bool
    caller: str = Field(description="Who the key stands for; a rotation keeps it, so that idempotency keys stay valid.")
    status: ApiKeyStatus
    replaced_by: str | None
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="Exact to about a minute.")
    revoked_at: datetime | None


class ApiKeyMade(ApiKeyRead):
    key: str | None = Field(description="The key itself, shown in this answer only; null where the answer is a replay.")


class AuditEntryRead(Shown):
    """Who did what, and how it ended."""

    id: str
    at: datetime
    actor: str = Field(examples=["key_0d8c"])
    action: str = Field(examples=["void_invoice"])
    subject: str | None = Field(examples=["in_1Pgf"])
    detail: str | None = Field(
        examples=[None], description="How many and which, if one entry stands for many, as after a bulk replay."
    )
    outcome: str = Field(examples=["done"], description="`done`, or the code of the error it ended with.")
    request_id: str | None = Field(
        description="The `X-Request-ID`. Callers may choose it, so two requests can have the same."
    )
    operation: UUID | None = Field(
        description="The id of the write. Callers cannot choose it. The log lines of its request have it, too."
    )


class ApiKeysQuery(Paging):
    """Which keys are listed."""

    prefix: Annotated[str | None, Field(max_length=20, pattern=PRINTABLE, description="How the keys begin.")] = None
    caller: IdQuery = None


class AuditEntriesQuery(Paging):
    """Which entries are listed."""

    actor: IdQuery = None
    action: IdQuery = None
    subject: IdQuery = None
    since: TimeQuery = None


class PortalLinkCreate(Request):
    expires_at: Time | None = Field(
        default=None, description="Until when the link is good; PORTAL_LINK_DAYS from now otherwise."
    )


class PortalLinkRead(Shown):
    """A link that opens a customer's own pages, for whoever has it."""

    id: str = Field(examples=["prtl_4f0c2a9e5b6d4b0f9f5d1c7a8e3b2d10"])
    customer: str = Field(examples=["cus_QXg1"])
    expires_at: datetime
    url: str = Field(examples=["https://billing.example.com/portal/prtl_4f0c.cus_QXg1.1796638892.Xk3"])

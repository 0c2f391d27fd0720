"""Operations are written as FastAPI's documentation shows; the route class keeps out whom their rules do not let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Path, Query
from pydantic import BaseModel
from starlette.types import Receive, Scope, Send

from app.domain import access
from app.domain.access import BOOTSTRAP, Caller, CallerKind, Rule
from app.http import problems
from app.http.routing import AuthorizedRoute, operations

LACKING = Caller("a-key", CallerKind.SERVICE, frozenset({access.Scope.FEED_READ}))
PERSON = Caller("person", CallerKind.CUSTOMER, customer="cus_1")


class Refund(BaseModel):
    amount: int
    reason: str | None = None


class RefundRead(Refund):
    id: str
    by: str


router = APIRouter(prefix="/v1/refunds", tags=["refunds"], route_class=AuthorizedRoute)


async def somebody() -> AsyncIterator[str]:
    yield "somebody"


@router.put("/{refund_id}")
async def put_refund(
    refund_id: Annotated[str, Path(max_length=5)],
    refund: Refund,
    by: Annotated[str, Depends(somebody)],
    notify: Annotated[str, Query()] = "no",
) -> RefundRead:
    return RefundRead(id=refund_id, by=f"{by}, {notify}", **refund.model_dump())


@router.get("/{refund_id}")
def get_refund(refund_id: str) -> dict[str, str]:
    return {"id": refund_id}


def client_of(caller: Caller) -> httpx.AsyncClient:
    app = FastAPI()
    app.router.routes += router.routes
    problems.install(app)

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "caller": caller}, receive, send)

    return httpx.AsyncClient(transport=httpx.ASGITransport(authenticated), base_url="http://x")


@pytest.fixture
def ruled(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("put_refund", "get_refund"):
        monkeypatch.setitem(access.RULES, name, Rule(access.Scope.INVOICES_WRITE))


async def test_an_operation_as_fastapi_documents_it_works(ruled: None) -> None:
    async with client_of(BOOTSTRAP) as client:
        answer = await client.put("/v1/refunds/re_1?notify=yes", json={"amount": 5})
        assert answer.json() == {"id": "re_1", "amount": 5, "reason": None, "by": "somebody, yes"}
        assert (await client.get("/v1/refunds/re_1")).json() == {"id": "re_1"}
        assert (
            await client.put("/v1/refunds/re_1", content="{", headers={"Content-Type": "application/json"})
        ).status_code == 400
        assert (await client.put("/v1/refunds/too_long", json={})).status_code == 422


@pytest.mark.parametrize(("caller", "status"), [(LACKING, 403), (PERSON, 404)])
async def test_the_rule_is_asked_before_anything_else_of_the_request(ruled: None, caller: Caller, status: int) -> None:
    async with client_of(caller) as client:
        for body in ("{", "{}", '{"amount": 5}'):
            answer = await client.put(
                "/v1/refunds/too_long", content=body, headers={"Content-Type": "application/json"}
            )
            assert answer.status_code == status


async def test_an_operation_without_a_rule_is_refused_to_all() -> None:
    async with client_of(BOOTSTRAP) as client:
        assert (await client.get("/v1/refunds/re_1")).status_code == 403


def test_an_application_with_an_operation_without_a_rule_does_not_start() -> None:
    with pytest.raises(TypeError, match="put_refund has no rule"):
        operations(router)


def test_an_application_with_a_route_that_asks_no_rule_does_not_start() -> None:
    open_router = APIRouter(prefix="/v1/refunds")
    open_router.get("/{refund_id}")(get_refund)
    with pytest.raises(TypeError, match="route_class=AuthorizedRoute"):
        operations(open_router)


def test_operations_with_rules_are_served(ruled: None) -> None:
    assert operations(router) == router.routes

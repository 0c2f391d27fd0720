"""Who gets into the console, for how long, and what a browser is told about its cookie."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from pydantic import SecretStr

from app.admin.login import COOKIE, IDLE_S, LONGEST_S
from app.domain.keys import new_key
from tests.console.conftest import MakeVisitor, Stocked, Visitor
from tests.fixtures.caller import Caller
from tests.fixtures.service import API_KEY


async def test_without_a_session_every_page_leads_to_the_log_in(visitor: Visitor) -> None:
    for path in ("", "invoice/list", "webhook-event/details/evt_x"):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert "API key" in await visitor.page("login")


async def test_the_operators_key_opens_everything(visitor: Visitor) -> None:
    answer = await visitor.login()
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
    assert "bootstrap" in await visitor.page("")


async def test_a_key_that_is_none_opens_nothing(visitor: Visitor) -> None:
    for key in ("", "nonsense", "ik_test_short", new_key(livemode=False), new_key(livemode=True), "ü"):
        answer = await visitor.login(key)
        assert answer.status_code == 401
        assert 'role="alert"' in answer.text
        assert not key or key not in answer.text
        assert not await visitor.is_in()


async def test_a_key_without_the_scope_is_told_which_it_lacks(stocked: Stocked, visitor: Visitor) -> None:
    answer = await visitor.login((await stocked.key("invoices:write"))["key"])
    assert answer.status_code == 403
    assert "lacks the scope console:read" in answer.text
    assert not await visitor.is_in()


async def test_revoking_the_key_ends_its_sessions(stocked: Stocked, visitor: Visitor) -> None:
    made = await stocked.key("console:read")
    await visitor.login(made["key"])
    assert await visitor.is_in()
    await stocked.api.post(f"/v1/api-keys/{made['id']}/revoke")
    assert not await visitor.is_in()


async def test_what_the_key_may_is_asked_again_for_every_page(stocked: Stocked, visitor: Visitor) -> None:
    made = await stocked.key("admin")
    await visitor.login(made["key"])
    assert (await visitor.get("audit-entry/list")).status_code == 200
    await stocked.stage.rows("UPDATE api_keys SET scopes = '{console:read}' WHERE id = $1", made["id"])
    assert (await visitor.get("audit-entry/list")).status_code == 403


async def test_the_cookie_is_for_this_console_alone_and_no_script_reads_it(visitor: Visitor) -> None:
    cookie = (await visitor.login()).headers["set-cookie"]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=strict", "path=/console", f"max-age={IDLE_S}"} <= parts
    assert API_KEY not in cookie


async def test_in_production_the_cookie_travels_by_tls_only(make_visitor: MakeVisitor) -> None:
    visitor = await make_visitor(environment="production")
    answer = await visitor.login()
    assert "; secure" in answer.headers["set-cookie"].lower()
    assert answer.headers["strict-transport-security"]


async def test_another_process_does_not_know_the_session(visitor: Visitor, make_visitor: MakeVisitor) -> None:
    await visitor.login()
    other = await make_visitor()
    other.client.cookies.update(visitor.client.cookies)
    assert not await other.is_in()


async def test_a_session_that_rests_ends(operator: Visitor) -> None:
    with time_machine.travel(timedelta(seconds=IDLE_S - 60), tick=True):
        assert await operator.is_in()
    with time_machine.travel(timedelta(seconds=2 * IDLE_S + 60), tick=True):
        assert not await operator.is_in()


async def test_a_session_that_never_rests_ends_all_the_same(operator: Visitor) -> None:
    for passed in range(IDLE_S // 2, LONGEST_S - 60, IDLE_S // 2):
        with time_machine.travel(timedelta(seconds=passed), tick=True):
            assert await operator.is_in()
    with time_machine.travel(timedelta(seconds=LONGEST_S + 60), tick=True):
        assert not await operator.is_in()


async def test_logging_out_ends_the_session_for_its_copies_as_well(operator: Visitor) -> None:
    copied = operator.client.cookies[COOKIE]
    assert (await operator.get("logout")).status_code == 405
    assert await operator.is_in()
    await operator.post("logout")
    assert not await operator.is_in()
    operator.client.cookies.set(COOKIE, copied, path="/console")
    assert not await operator.is_in()


async def test_guessing_is_slowed_down(make_visitor: MakeVisitor) -> None:
    visitor = await make_visitor(rate_limit_failed=0.01)
    answers = [await visitor.login(new_key(livemode=False)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [401, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "Too many requests" in answers[-1].text


async def test_the_audit_log_says_who_logged_in(stocked: Stocked, visitor: Visitor) -> None:
    made = await stocked.key("console:read")
    answer = await visitor.login(made["key"])
    (entry,) = await stocked.stage.rows("SELECT * FROM audit_log WHERE action = 'console_login'")
    assert (entry["actor"], entry["outcome"]) == (made["id"], "done")
    assert entry["request_id"] == answer.headers["x-request-id"]


async def test_without_the_operators_key_its_sessions_would_not_be_known(make_visitor: MakeVisitor) -> None:
    visitor = await make_visitor(api_bootstrap_key=None)
    assert (await visitor.login()).status_code == 401


@pytest.mark.parametrize(("mode", "status"), [("test", 303), ("live", 401)])
async def test_the_console_needs_no_key_of_stripes_to_know_its_mode(
    make_visitor: MakeVisitor, api: Caller, mode: str, status: int
) -> None:
    key = (await api.post("/v1/api-keys", {"name": "x", "scopes": ["console:read"]}))["key"]
    visitor = await make_visitor(stripe_secret_key=SecretStr(""), stripe_mode=mode)
    assert (await visitor.login(key)).status_code == status
    assert await visitor.is_in() is (status == 303)

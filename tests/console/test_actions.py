"""What may be done at the console: by whom, from where, and what is left in the audit log."""

from __future__ import annotations

from tests.console.conftest import FROM_HERE, URL, Stocked, Visitor

ELSEWHERE: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": URL},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {},
]


async def status_of(stocked: Stocked) -> str:
    row = await stocked.stage.row("webhook_events", stocked.dead)
    assert row is not None
    return str(row["status"])


ACTIONS = ("replay", "replay-dead")


async def test_a_page_elsewhere_cannot_make_a_browser_act(stocked: Stocked, operator: Visitor) -> None:
    for headers in ELSEWHERE:
        for action in ACTIONS:
            refused = await operator.post(f"webhook-event/{action}", headers=headers, id=stocked.dead)
            assert refused.status_code == 403, headers
    assert await status_of(stocked) == "dead"


async def test_nobody_is_logged_in_from_elsewhere(visitor: Visitor) -> None:
    for headers in ELSEWHERE:
        assert (await visitor.post("login", headers=headers, key="whatever")).status_code == 403, headers


async def test_a_browser_without_tls_says_by_its_origin_where_it_is(stocked: Stocked, operator: Visitor) -> None:
    answer = await operator.post("webhook-event/replay", headers={"Origin": URL}, id=stocked.dead)
    assert answer.status_code == 303
    assert await status_of(stocked) == "received"


async def test_an_address_alone_changes_nothing(stocked: Stocked, operator: Visitor) -> None:
    for action in ACTIONS:
        answer = await operator.client.get(
            f"/console/webhook-event/{action}", params={"id": stocked.dead}, headers=FROM_HERE
        )
        assert answer.status_code in {404, 405}
    assert await status_of(stocked) == "dead"


async def test_who_may_only_look_cannot_act_and_is_offered_nothing(stocked: Stocked, visitor: Visitor) -> None:
    await visitor.login((await stocked.key("console:read"))["key"])
    assert "replay" not in (await visitor.page("webhook-event/list")).lower()
    assert "replay" not in (await visitor.page(f"webhook-event/details/{stocked.dead}")).lower()
    for action in ACTIONS:
        assert (await visitor.post(f"webhook-event/{action}", id=stocked.dead)).status_code == 403
    assert await status_of(stocked) == "dead"


async def test_a_stranger_is_led_to_the_log_in(stocked: Stocked, visitor: Visitor) -> None:
    for action in ACTIONS:
        answer = await visitor.post(f"webhook-event/{action}", id=stocked.dead)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    assert await status_of(stocked) == "dead"


async def test_a_replayed_event_is_processed_and_the_audit_log_says_by_whose_wish(
    stocked: Stocked, visitor: Visitor
) -> None:
    made = await stocked.key("admin")
    await visitor.login(made["key"])
    answer = await visitor.post("webhook-event/replay", id=stocked.dead)
    assert answer.headers["location"] == f"/console/webhook-event/details/{stocked.dead}"
    assert "1 event queued to be processed again." in await visitor.page(f"webhook-event/details/{stocked.dead}")
    await stocked.stage.work()
    assert await status_of(stocked) == "processed"
    (entry,) = await stocked.stage.rows("SELECT * FROM audit_log WHERE subject = $1", stocked.dead)
    assert (entry["actor"], entry["action"], entry["outcome"]) == (made["id"], "replay_event", "done")
    assert entry["request_id"] == answer.headers["x-request-id"]


async def test_several_events_are_replayed_together(stocked: Stocked, operator: Visitor) -> None:
    events = [row["id"] for row in await stocked.stage.rows("SELECT id FROM webhook_events WHERE status = 'processed'")]
    await operator.client.post("/console/webhook-event/replay", data={"id": events[:3]}, headers=FROM_HERE)
    assert "3 events queued" in await operator.page("webhook-event/list")
    waiting = await stocked.stage.rows("SELECT id FROM webhook_events WHERE status = 'received'")
    assert {row["id"] for row in waiting} == set(events[:3])


async def test_choosing_nothing_or_what_does_not_exist_is_told(operator: Visitor) -> None:
    await operator.post("webhook-event/replay")
    assert "No event was chosen." in await operator.page("webhook-event/list")
    await operator.post("webhook-event/replay", id="evt_nobody")
    assert "1 of 1 event refused: There is no webhook event &#39;evt_nobody&#39;." in await operator.page(
        "webhook-event/list"
    )
    assert "refused" not in await operator.page("webhook-event/list")


async def test_an_action_that_was_given_up_is_tried_again(stocked: Stocked, operator: Visitor) -> None:
    answer = await operator.post("fulfillment-action/retry", id=stocked.action)
    assert answer.headers["location"] == f"/console/fulfillment-action/details/{stocked.action}"
    assert "1 action queued to be tried again." in await operator.page("fulfillment-action/list")
    row = await stocked.stage.row("fulfillment_actions", stocked.action)
    assert row is not None
    assert row["status"] == "pending"
    (entry,) = await stocked.stage.rows("SELECT * FROM audit_log WHERE subject = $1", stocked.action)
    assert (entry["actor"], entry["action"]) == ("bootstrap", "retry_fulfillment_action")
    await stocked.stage.rows(
        "UPDATE fulfillment_actions SET status = 'done', next_attempt_at = NULL, finished_at = now()"
    )
    await operator.post("fulfillment-action/retry", id=stocked.action)
    assert "1 of 1 action refused: The action is done" in await operator.page("fulfillment-action/list")


async def test_a_delivery_that_was_given_up_is_made_again(stocked: Stocked, operator: Visitor) -> None:
    await operator.post("delivery/redeliver", id=stocked.delivery)
    assert "1 delivery queued to be made again." in await operator.page("delivery/list")
    row = await stocked.stage.row("deliveries", stocked.delivery)
    assert row is not None
    assert row["status"] == "pending"
    (entry,) = await stocked.stage.rows("SELECT * FROM audit_log WHERE subject = $1", stocked.delivery)
    assert (entry["actor"], entry["action"]) == ("bootstrap", "redeliver")


async def test_all_dead_letters_are_replayed_at_once_with_one_audit_entry_that_says_how_many(
    stocked: Stocked, operator: Visitor
) -> None:
    await stocked.stage.rows(
        "UPDATE webhook_events SET status = 'dead', next_attempt_at = NULL WHERE type = 'invoice.created'"
    )
    dead = {row["id"] for row in await stocked.stage.rows("SELECT id FROM webhook_events WHERE status = 'dead'")}
    assert len(dead) > 1
    await operator.post("webhook-event/replay-dead")
    assert f"{len(dead)} events queued" in await operator.page("webhook-event/list")
    (entry,) = await stocked.stage.rows("SELECT * FROM audit_log WHERE action = 'replay_event'")
    assert (entry["actor"], entry["subject"], entry["outcome"]) == ("bootstrap", None, "done")
    (made,) = await stocked.stage.rows(
        "SELECT to_char(min(created_at), :f) AS first, to_char(max(created_at), :f) AS last "
        "FROM webhook_events WHERE id = ANY($1)".replace(":f", """'YYYY-MM-DD"T"HH24:MI:SS"Z"'"""),
        list(dead),
    )
    told = f"{len(dead)} events that Stripe made from {made['first']} to {made['last']}; asked for: status dead"
    assert entry["detail"] == told
    assert told in await operator.page("audit-entry/list")
    await stocked.stage.work()
    assert not await stocked.stage.rows(
        "SELECT FROM webhook_events WHERE status <> 'processed' AND status <> 'ignored'"
    )


LIBRARY = [
    ("GET", "invoice/create"),
    ("POST", "invoice/create"),
    ("POST", "invoice/edit/in_x"),
    ("GET", "invoice/export/csv"),
    ("POST", "invoice/import"),
    ("GET", "invoice/ajax/lookup"),
    ("GET", "statics/js/main.js"),
    ("GET", "webhook-event/evt_x/payload/download/"),
]


async def test_nothing_else_of_the_library_is_served(operator: Visitor) -> None:
    for method, path in LIBRARY:
        form = {"x": "y"} if method == "POST" else None
        answer = await operator.client.request(method, f"/console/{path}", headers=FROM_HERE, data=form)
        assert answer.status_code in {404, 405}, path


async def test_other_methods_are_refused(operator: Visitor) -> None:
    for method in ("DELETE", "PUT", "PATCH", "OPTIONS"):
        answer = await operator.client.request(method, "/console/invoice/delete?pks=in_x", headers=FROM_HERE)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


async def test_a_form_has_its_bounds(operator: Visitor) -> None:
    assert (await operator.post("webhook-event/replay", id="x" * 70_000)).status_code == 413

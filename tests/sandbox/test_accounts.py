"""Several accounts in one process do not meet."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe

from tests.sandbox.process import RunningSandbox
from tests.sandbox.receiver import Receiver


class Account:
    """An account made for a test, its SDK client and its control calls."""

    def __init__(self, box: RunningSandbox, made: dict[str, Any]) -> None:
        self.box = box
        self.made = made
        self.id: str = made["id"]
        self.key: str = made["secret_key"]
        self.v1 = box.client_with(self.key).v1

    def control(self, method: str, path: str, **sent: Any) -> Any:
        return self.box.control(method, f"../{self.id}/_sandbox/{path}", **sent)

    def pay(self, customer: str, amount: int = 1000) -> stripe.Invoice:
        invoice = self.v1.invoices.create({"customer": customer})
        self.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": amount, "description": "Work"}]})
        return self.v1.invoices.pay(invoice.id, {"payment_method": "pm_card_visa"})


def open_account(box: RunningSandbox, **how: Any) -> Account:
    return Account(box, box.control("POST", "accounts", **how))


@pytest.fixture
def two(box: RunningSandbox) -> Iterator[tuple[Account, Account]]:
    made = open_account(box), open_account(box)
    yield made
    for account in made:
        if account.id in box.control("GET", "accounts")["accounts"]:
            box.control("DELETE", f"accounts/{account.id}")


def test_objects_events_requests_and_mail_of_accounts_do_not_meet(
    box: RunningSandbox, two: tuple[Account, Account]
) -> None:
    one, other = two
    customer = one.v1.customers.create({"name": "Ada", "email": "ada@example.com"})
    assert [it.id for it in one.v1.customers.list().data] == [customer.id]
    assert other.v1.customers.list().data == box.v1.customers.list().data == []
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        other.v1.customers.retrieve(customer.id)
    assert [it.type for it in one.v1.events.list().data] == ["customer.created"]
    assert other.v1.events.list().data == box.v1.events.list().data == []
    assert one.v1.accounts.retrieve_current().id == one.id
    assert {it["path"] for it in other.control("GET", "requests")["requests"]} >= {"/v1/customers", "/v1/events"}
    assert not [it for it in other.control("GET", "requests")["requests"] if it["method"] == "POST"]
    assert list(one.control("GET", "state")["objects"]) == ["account", "customer"]
    assert list(other.control("GET", "state")["objects"]) == ["account"]


def test_an_idempotency_key_is_an_accounts_own(box: RunningSandbox, two: tuple[Account, Account]) -> None:
    one, other = two
    answers = [
        box.post("/v1/customers", body, key=key, **{"Idempotency-Key": "same"})
        for key, body in ((one.key, "name=A"), (other.key, "name=B"), (one.key, "name=A"))
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert answers[2].headers["Idempotent-Replayed"] == "true"
    assert answers[0].json()["id"] == answers[2].json()["id"] != answers[1].json()["id"]


def test_time_switches_and_faults_are_an_accounts_own(box: RunningSandbox, two: tuple[Account, Account]) -> None:
    one, other = two
    one.control("POST", "clock", advance_s=86_400)
    one.control("POST", "switches", lines_page_size=3)
    one.control("POST", "faults", kind="status", match={"path": "/v1/products"}, status=500)
    day = one.v1.customers.create({"name": "A"}).created - other.v1.customers.create({"name": "B"}).created
    assert abs(day - 86_400) <= 60
    assert other.control("GET", "switches")["switches"]["lines_page_size"] == 10
    assert box.get("/v1/products", key=one.key).status_code == 500
    assert box.get("/v1/products", key=other.key).status_code == box.get("/v1/products").status_code == 200


def test_each_account_delivers_to_its_own_endpoints(two: tuple[Account, Account], box: RunningSandbox) -> None:
    receivers = [Receiver(), Receiver()]
    for account, receiver in zip(two, receivers, strict=True):
        account.v1.webhook_endpoints.create({"url": receiver.url, "enabled_events": ["*"]})
        account.v1.products.create({"name": account.id})
    for account, receiver in zip(two, receivers, strict=True):
        receiver.wait_for("product.created")
        account.control("GET", "webhooks/idle")
        assert [event["data"]["object"]["name"] for event in receiver.events] == [account.id]
        receiver.close()


def test_ids_of_accounts_differ_unless_their_seeds_are_the_same(box: RunningSandbox) -> None:
    accounts = [open_account(box, seed=7), open_account(box, seed=7), open_account(box)]
    first, same, third = (account.v1.customers.create({"name": "A"}).id for account in accounts)
    assert first == same != third
    for account in accounts:
        box.control("DELETE", f"accounts/{account.id}")


def test_a_platform_acts_for_the_accounts_connected_to_it(box: RunningSandbox, two: tuple[Account, Account]) -> None:
    one, other = two
    under = open_account(box, platform=one.id, name="Under", country="de")
    made = one.v1.customers.create({"name": "Ada"}, {"stripe_account": under.id})
    assert under.v1.customers.retrieve(made.id).name == "Ada"
    assert under.v1.accounts.retrieve_current().country == "DE"
    assert one.v1.customers.list().data == []
    for key, asked in ((other.key, under.id), (under.key, one.id), (one.key, "acct_none")):
        refused = box.post("/v1/customers", "name=B", key=key, **{"Stripe-Account": asked})
        assert (refused.status_code, refused.json()["error"]["code"]) == (403, "account_invalid")
    box.control("DELETE", f"accounts/{under.id}")


def test_a_restricted_key_is_the_account_s_that_restricted_it(two: tuple[Account, Account]) -> None:
    one, _ = two
    one.control("POST", "keys", key="rk_test_of_one", permissions=["rak_customer_write"])
    one.v1.customers.create({"name": "A"})
    assert len(one.box.get("/v1/customers", key="rk_test_of_one").json()["data"]) == 1
    assert one.box.get("/v1/products", key="rk_test_of_one").status_code == 403
    one.control("POST", "reset")
    assert one.box.get("/v1/customers", key="rk_test_of_one").json()["data"] == []


def test_pages_and_stripe_js_find_their_account(box: RunningSandbox, two: tuple[Account, Account]) -> None:
    one, _ = two
    customer = one.v1.customers.create({"email": "a@b.example"})
    invoice = one.v1.invoices.create(
        {"customer": customer.id, "collection_method": "send_invoice", "days_until_due": 3}
    )
    one.v1.invoices.add_lines(invoice.id, {"lines": [{"amount": 700, "description": "Work"}]})
    final = one.v1.invoices.finalize_invoice(invoice.id, {"expand": ["confirmation_secret"]})
    page = box.http.get(str(final.hosted_invoice_url))
    assert f"/{one.id}/i/" in str(page.url)
    assert one.made["publishable_key"] in page.text
    assert box.http.get(str(page.url).replace(f"/{one.id}", "")).status_code == 404
    secret = final.confirmation_secret
    assert secret is not None
    intent = secret.client_secret.partition("_secret_")[0]
    told = {"client_secret": secret.client_secret, "payment_method": "pm_card_visa", "key": one.made["publishable_key"]}
    assert box.http.post(f"/v1/payment_intents/{intent}/confirm", data=told).json()["status"] == "succeeded"
    assert one.v1.invoices.retrieve(invoice.id).status == "paid"


def test_a_snapshot_is_restored_as_often_as_wanted(box: RunningSandbox, two: tuple[Account, Account]) -> None:
    one, other = two
    customer = one.v1.customers.create({"name": "Ada"})
    other.v1.customers.create({"name": "Not touched"})
    name = box.control("POST", f"accounts/{one.id}/snapshot")["snapshot"]
    ids = []
    for _ in range(2):
        one.control("POST", "clock", advance_s=1000)
        one.control("POST", "faults", kind="status", match={"path": "/v1/products"})
        ids += [one.v1.customers.create({"name": "B"}).id, one.pay(customer.id).id]
        box.control("POST", f"accounts/{one.id}/restore", snapshot=name)
        assert [it.name for it in one.v1.customers.list().data] == ["Ada"]
        assert one.v1.invoices.list().data == []
        assert one.control("GET", "clock")["offset_s"] == 0
        assert one.control("GET", "faults")["faults"] == []
        assert one.v1.accounts.retrieve_current().id == one.id
    assert len({*ids}) == 4, "ids never repeat"
    assert len(other.v1.customers.list().data) == 1
    box.control("DELETE", f"snapshots/{name}")


def test_a_fork_begins_with_the_same_objects_and_goes_its_own_way(
    box: RunningSandbox, two: tuple[Account, Account]
) -> None:
    one, _ = two
    receiver = Receiver()
    one.control("POST", "webhooks/endpoint", url=receiver.url, secret="whsec_x")
    one.control("POST", "webhooks/mode", hold=True)
    customer = one.v1.customers.create({"name": "Ada", "email": "a@b.example"})
    held = one.pay(customer.id)
    fork = Account(box, box.control("POST", f"accounts/{one.id}/fork"))
    assert fork.v1.customers.retrieve(customer.id).name == "Ada"
    assert f"/{fork.id}/i/" in str(fork.v1.invoices.retrieve(held.id).hosted_invoice_url)
    assert fork.v1.accounts.retrieve_current().id == fork.id
    fork.v1.customers.update(customer.id, {"name": "Bea"})
    assert one.v1.customers.retrieve(customer.id).name == "Ada"
    assert fork.v1.customers.create({"name": "C"}).id != one.v1.customers.create({"name": "C"}).id
    receiver.wait_for("customer.updated")
    fork.control("GET", "webhooks/idle")
    assert set(receiver.types) == {"customer.updated", "customer.created"}, "what was held is the origin's to deliver"
    assert len([kind for kind in receiver.types if kind == "customer.created"]) == 1
    receiver.close()
    box.control("DELETE", f"accounts/{fork.id}")


def test_a_fork_of_a_snapshot_may_outlive_its_account(box: RunningSandbox) -> None:
    one = open_account(box)
    one.v1.customers.create({"name": "Ada"})
    name = box.control("POST", f"accounts/{one.id}/snapshot")["snapshot"]
    box.control("DELETE", f"accounts/{one.id}")
    fork = Account(
        box, box.control("POST", "accounts/" + box.v1.accounts.retrieve_current().id + "/fork", snapshot=name)
    )
    assert [it.name for it in fork.v1.customers.list().data] == ["Ada"]
    for path in (f"accounts/{fork.id}", f"snapshots/{name}"):
        box.control("DELETE", path)


def test_accounts_work_in_parallel(box: RunningSandbox) -> None:
    accounts = [open_account(box) for _ in range(6)]
    start = threading.Barrier(len(accounts))

    def live(account: Account) -> list[str]:
        start.wait(timeout=20)
        customer = account.v1.customers.create({"name": account.id})
        paid = [account.pay(customer.id, 100 + index) for index in range(3)]
        account.control("POST", "clock", advance_s=60)
        assert {it.customer for it in account.v1.invoices.list().data} == {customer.id}
        return [it.id for it in paid]

    with ThreadPoolExecutor(len(accounts)) as pool:
        made = [identifier for ids in pool.map(live, accounts) for identifier in ids]
    assert len({*made}) == 18
    for account in accounts:
        kinds = [it.type for it in account.v1.events.list({"limit": 100}).data]
        assert kinds.count("invoice.paid") == 3
        box.control("DELETE", f"accounts/{account.id}")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("GET", "/acct_none/_sandbox/clock", None, 404, "No such account: acct_none"),
        ("GET", "/acct_none/i/x/1", None, 404, "No such account: acct_none"),
        ("DELETE", "/_sandbox/accounts/acct_none", None, 404, "No such account: acct_none"),
        ("POST", "/_sandbox/accounts/acct_none/fork", {}, 404, "No such account: acct_none"),
        ("POST", "/_sandbox/accounts", {"platform": "acct_none"}, 404, "No such account: acct_none"),
        ("POST", "/_sandbox/accounts", {"secret_key": "sk_live_x"}, 400, "begins with sk_test_"),
        ("POST", "/_sandbox/accounts", {"secret": "x"}, 400, "an account has no secret"),
        ("POST", "/_sandbox/accounts/{own}/restore", {"snapshot": "snap_none"}, 400, "No such snapshot: snap_none"),
        ("POST", "/_sandbox/accounts/{own}/fork", {"snapshot": "snap_none"}, 400, "No such snapshot: snap_none"),
        ("DELETE", "/_sandbox/accounts/{own}", None, 400, "the default account stays"),
    ],
)
def test_an_account_that_does_not_exist_is_named(
    box: RunningSandbox, method: str, path: str, body: dict[str, str] | None, status: int, says: str
) -> None:
    own = box.v1.accounts.retrieve_current().id
    answer = box.http.request(method, path.format(own=own), json=body)
    assert (answer.status_code, says in answer.json()["error"]["message"]) == (status, True), answer.text


def test_a_key_belongs_to_one_account(box: RunningSandbox, two: tuple[Account, Account]) -> None:
    answer = box.http.post("/_sandbox/accounts", json={"secret_key": two[0].key})
    assert (answer.status_code, "belongs to another" in answer.text) == (400, True)
    snapshot = box.control("POST", f"accounts/{two[0].id}/snapshot")["snapshot"]
    answer = box.http.post(f"/_sandbox/accounts/{two[1].id}/restore", json={"snapshot": snapshot})
    assert (answer.status_code, "fork makes an account of it" in answer.text) == (400, True)
    box.control("DELETE", f"snapshots/{snapshot}")
    box.control("DELETE", f"accounts/{two[0].id}")
    assert box.get("/v1/customers", key=two[0].key).json()["data"] == [], "a key of nobody is the default account's"


def test_an_account_per_key_survives_a_restart(tmp_path: Path) -> None:
    arguments = ("--account-per-key", "--state", str(tmp_path / "state"), "--seed", "3")
    first = RunningSandbox(*arguments)
    try:
        one, other = (Account(first, {"id": "", "secret_key": f"sk_test_{name}"}) for name in ("one", "other"))
        made = one.v1.customers.create({"name": "Ada"})
        assert other.v1.customers.list().data == first.v1.customers.list().data == []
        assert [it["id"] for it in first.get("/v1/customers", key="rk_test_one").json()["data"]] == [made.id]
        ids = {first.get("/v1/account", key=f"sk_test_{name}").json()["id"] for name in ("one", "other", "sandbox")}
        assert {*first.control("GET", "accounts")["accounts"]} == ids
    finally:
        first.stop()
    second = RunningSandbox(*arguments)
    try:
        assert {*second.control("GET", "accounts")["accounts"]} == ids
        again = second.client_with("sk_test_one").v1.customers.create({"name": "Bea"})
        assert len(second.client_with("sk_test_one").v1.customers.list().data) == 2
        assert again.id != made.id
        [gone] = ids - {second.get("/v1/account", key=f"sk_test_{name}").json()["id"] for name in ("one", "sandbox")}
        second.control("DELETE", f"accounts/{gone}")
        assert len([*tmp_path.glob("state.accounts/*.sqlite3")]) == 1
    finally:
        second.stop()


def test_live_keys_make_no_account(box: RunningSandbox) -> None:
    before = box.control("GET", "accounts")
    assert box.get("/v1/customers", key="sk_live_x").status_code == 401
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{box.url}/v1/customers", params={"key": "sk_live_x"}).status_code == 401
    assert box.control("GET", "accounts") == before

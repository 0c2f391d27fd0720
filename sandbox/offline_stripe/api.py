"""The API: one request from its bytes to its answer.

The order: authenticate, find the route, read the parameters, apply faults, look up the idempotency key, check the
parameters, execute in one transaction, answer. This module knows no resource.
"""

import asyncio
import logging
from dataclasses import dataclass

from offline_stripe.control.faults import Fault, Faults
from offline_stripe.control.journal import Journal, redacted
from offline_stripe.control.versions import Versions
from offline_stripe.documents import Document, pretty, to_text
from offline_stripe.expansion import expand
from offline_stripe.presentation import show
from offline_stripe.publishable import redact_for_publishable
from offline_stripe.resources import ROUTER
from offline_stripe.settings import API_VERSION
from offline_stripe.store.listing import Page
from offline_stripe.store.transaction import Cause, Store, Transaction
from offline_stripe.webhooks.delivery import Deliveries
from offline_stripe.wire.errors import StripeError
from offline_stripe.wire.form import decode_form
from offline_stripe.wire.idempotency import IdempotencyKeys, Stored, fingerprint
from offline_stripe.wire.keys import Caller, RestrictedKeys, authenticate, require_secret
from offline_stripe.wire.lengths import require_short
from offline_stripe.wire.messages import Request, Response
from offline_stripe.wire.parameters import check_parameters
from offline_stripe.wire.routing import Answer, Call, Route
from offline_stripe.wire.simulated import NOT_SIMULATED, is_stripes, not_simulated, require_simulated, taken_by

logger = logging.getLogger("sandbox")
FOREVER_S = 3600.0
BAD_REQUEST = 400
TOO_MANY = 429


class CutError(Exception):
    """The connection is to be cut without an answer, after `after_s` seconds if that is set."""

    def __init__(self, after_s: float = 0.0) -> None:
        super().__init__()
        self.after_s = after_s


@dataclass(slots=True)
class Exchange:
    """What is known about one request while it is answered."""

    request: Request
    request_id: str
    entry: Document
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What a request asks for, once it is authenticated and valid."""

    caller: Caller
    route: Route
    path: dict[str, str]
    sent: Document
    mark: str
    """The fingerprint its idempotency key is bound to."""


class Api:
    """Answers `/v1/…`."""

    def __init__(
        self,
        store: Store,
        keys: IdempotencyKeys,
        faults: Faults,
        versions: Versions,
        restricted: RestrictedKeys,
        journal: Journal,
        deliveries: Deliveries,
    ) -> None:
        self._store = store
        self._keys = keys
        self._faults = faults
        self._versions = versions
        self._restricted = restricted
        self._journal = journal
        self._deliveries = deliveries

    async def answer(self, request: Request) -> Response:
        """Answer a request. Raises CutError if a fault wants the connection cut."""
        exchange = self._begin(request)
        try:
            response = await self._answer(exchange)
        except StripeError as error:
            response = self._error(error, exchange)
        except CutError:
            raise
        except Exception:
            logger.exception("the sandbox failed on %s %s", request.method, request.path)
            failure = StripeError(
                "An unknown error occurred in the sandbox; its log says more.", status=500, kind="api_error"
            )
            response = self._error(failure, exchange)
        exchange.entry["status"] = response.status
        version = request.headers.get("stripe-version") or API_VERSION
        response.body = self._versions.rendered(version, request.path, response.body)
        response.headers.setdefault("Request-Id", exchange.request_id)
        response.headers.setdefault("Stripe-Version", version)
        if exchange.key:
            response.headers.setdefault("Idempotency-Key", exchange.key)
        return response

    def _begin(self, request: Request) -> Exchange:
        request_id = self._store.identifiers.new("req")
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        entry = self._journal.open(
            at=self._store.clock.now(),
            request_id=request_id,
            method=request.method,
            path=request.path,
            idempotency_key=key,
        )
        return Exchange(request, request_id, entry, key)

    async def _answer(self, exchange: Exchange) -> Response:
        request = exchange.request
        sent = self._parameters(request)
        exchange.entry["params"] = to_text(redacted(sent))
        sent_key = sent.get("key") if isinstance(sent.get("key"), str) else None
        caller = authenticate(request.headers.get("authorization"), sent_key)
        self._check_version(request)
        self._check_account(request)
        found = ROUTER.find(request.method, request.path)
        if found is None:
            raise _unknown_url(request)
        route, path = found
        if not route.publishable:
            require_secret(caller)
            self._restricted.require(caller, request.method, request.path, self._store.account["id"])
        work = Work(caller, route, path, sent, fingerprint(request.method, request.path, sent))
        fault = self._faults.strike(request.method, request.path)
        if fault is None:
            return self._guarded(exchange, work)
        exchange.entry["fault"] = fault.kind
        return await self._with_fault(exchange, fault, work)

    def _check_version(self, request: Request) -> None:
        asked = request.headers.get("stripe-version")
        if asked and not self._versions.speaks(asked):
            raise StripeError(
                f"Invalid Stripe API version: {asked}. The sandbox speaks {API_VERSION} only.",
                headers={"Stripe-Version": API_VERSION},
            )

    def _check_account(self, request: Request) -> None:
        asked = request.headers.get("stripe-account")
        if asked and asked != self._store.account["id"]:
            raise StripeError(
                f"The provided key does not have access to account '{asked}' (or that account does not exist)."
                " Application access may have been revoked.",
                status=403,
                code="account_invalid",
            )

    def _parameters(self, request: Request) -> Document:
        if request.body and request.headers.get("content-type", "").startswith("application/json"):
            raise StripeError(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have any"
                " questions, we can help at https://support.stripe.com/."
            )
        text = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
        return decode_form(text)

    # Faults

    async def _with_fault(self, exchange: Exchange, fault: Fault, work: Work) -> Response:
        if fault.kind == "timeout" and not fault.executes:
            raise CutError(fault.delay_ms / 1000 or FOREVER_S)
        if fault.kind == "stale_read":
            made = self._guarded(exchange, work)
            await fault.hold()
            return made
        stored = await self._delayed(exchange, fault, work)
        if stored is not None:
            return self._replay(exchange, stored)
        response = self._guarded(exchange, work) if fault.executes else None
        match fault.kind:
            case "drop_request" | "drop_response":
                raise CutError
            case "timeout":
                raise CutError(fault.delay_ms / 1000 or FOREVER_S)
            case "slow" if response is not None:
                return response
            case "malformed_body" if response is not None:
                return Response(200, response.body[: len(response.body) // 2], response.headers)
        answer = self._error(_injected(fault), exchange)
        if fault.stored and exchange.key is not None:
            with self._store.database.writing():
                stored = Stored(answer.status, answer.body, exchange.request_id)
                self._keys.store(work.caller.scope, exchange.key, work.mark, stored, int(self._store.clock.now()))
        return answer

    async def _delayed(self, exchange: Exchange, fault: Fault, work: Work) -> Stored | None:
        """Wait as long as the fault says. The idempotency key is in flight meanwhile."""
        if (not fault.delay_ms and not fault.stored) or fault.kind == "timeout":
            return None
        key = exchange.key if fault.executes or fault.stored else None
        if key is not None:
            stored = self._begin_key(work, key)
            if stored is not None:
                return stored
        try:
            await asyncio.sleep(fault.delay_ms / 1000)
        finally:
            if key is not None:
                self._keys.end(work.caller.scope, key)
        return None

    # Execution

    def _begin_key(self, work: Work, key: str) -> Stored | None:
        oldest = int(self._store.clock.now()) - self._store.switches.idempotency_keys_kept_s
        return self._keys.begin(work.caller.scope, key, work.mark, oldest)

    def _guarded(self, exchange: Exchange, work: Work) -> Response:
        """Answer through the idempotency key, if there is one."""
        key = exchange.key
        if key is None:
            return self._execute(exchange, work)
        stored = self._begin_key(work, key)
        if stored is not None:
            return self._replay(exchange, stored)
        try:
            return self._execute(exchange, work)
        finally:
            self._keys.end(work.caller.scope, key)

    def _execute(self, exchange: Exchange, work: Work) -> Response:
        params = check_parameters(work.route.params, work.sent, work.route.also)
        require_simulated(taken_by(work.route.takes), {k: v for k, v in params.items() if k not in work.route.also})
        require_short(work.route.path, params)
        tx = Transaction(self._store, Cause(exchange.request_id, exchange.key))
        call = Call(tx, params, work.path, work.caller.publishable)
        exchange.entry["executed"] = True
        if work.route.method == "GET":
            return self._read(call, work)
        with self._store.database.writing():
            response = self._write(exchange, call, work)
            tx.finish()
            if exchange.key is not None:
                stored = Stored(response.status, response.body, exchange.request_id)
                self._keys.store(work.caller.scope, exchange.key, work.mark, stored, tx.now)
        if tx.emitted:
            self._deliveries.wake()
        return response

    def _read(self, call: Call, work: Work) -> Response:
        response = Response(200, self._body(call, work.route.handler(call)))
        if call.tx.changed:  # a test token, minted by being read
            with self._store.database.writing():
                call.tx.finish()
        return response

    def _write(self, exchange: Exchange, call: Call, work: Work) -> Response:
        """Make the change and answer. An error rolls the change back, unless it says to keep it."""
        self._store.database.execute("SAVEPOINT change")
        try:
            return Response(200, self._body(call, work.route.handler(call)))
        except StripeError as error:
            if not error.keeps_changes:
                self._store.database.execute("ROLLBACK TO change")
                call.tx.forget()
            if call.publishable:
                redact_for_publishable(error.details)
            return self._error(error, exchange)

    def _body(self, call: Call, answer: Answer) -> bytes:
        paths = call.params.get("expand") or []
        if isinstance(answer, Page):
            shown: Document = {
                "object": answer.kind,
                "data": [show(call.tx, doc) for doc in answer.items],
                "has_more": answer.has_more,
                "url": answer.url,
            }
            if answer.kind == "search_result":
                shown["next_page"] = answer.next_page
        else:
            shown = show(call.tx, answer)
        expanded = expand(call.tx, shown, paths)
        if call.publishable:
            redact_for_publishable(expanded)
        return pretty(expanded) + b"\n"

    # Answers

    def _replay(self, exchange: Exchange, stored: Stored) -> Response:
        exchange.entry["replayed"] = True
        headers = {"Idempotent-Replayed": "true", "Original-Request": stored.request_id}
        if stored.status >= BAD_REQUEST:
            headers["Stripe-Should-Retry"] = "false"
        return Response(stored.status, stored.body, headers)

    def _error(self, error: StripeError, exchange: Exchange) -> Response:
        if error.code == NOT_SIMULATED:
            self._journal.refuse(exchange.entry, error.message)
        return Response(error.status, pretty(error.body(exchange.request_id)) + b"\n", dict(error.headers))


def _unknown_url(request: Request) -> StripeError:
    if is_stripes(request.method, request.path):
        return not_simulated(f"{request.method} {request.path}")
    return StripeError(
        f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs or we can"
        " help at https://support.stripe.com/.",
        status=404,
    )


def _injected(fault: Fault) -> StripeError:
    kinds = {400: "invalid_request_error", 402: "card_error", 404: "invalid_request_error"}
    kind = kinds.get(fault.status, "invalid_request_error" if fault.status in {401, 403, TOO_MANY} else "api_error")
    return StripeError(
        fault.message or "An error was injected by the sandbox.",
        status=fault.status,
        kind=kind,
        code=fault.code or ("rate_limit" if fault.status == TOO_MANY else None),
        headers=fault.headers,
    )

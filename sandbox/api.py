"""The API: one request from its bytes to its answer.

Owns the order of things: authenticate, find the route, read the parameters, strike faults, look up
the idempotency key, check the parameters, execute in one transaction, answer. Must not know resources.
"""

import asyncio
import logging
from dataclasses import dataclass

from sandbox.control.faults import Fault, Faults
from sandbox.control.journal import Journal, redacted
from sandbox.documents import Document, pretty
from sandbox.expansion import expand
from sandbox.presentation import show
from sandbox.publishable import redact_for_publishable
from sandbox.resources import ROUTER
from sandbox.settings import API_VERSION
from sandbox.store.listing import Page
from sandbox.store.transaction import Cause, Store, Transaction
from sandbox.webhooks.delivery import Deliveries
from sandbox.wire.errors import StripeError
from sandbox.wire.form import decode_form
from sandbox.wire.idempotency import IdempotencyKeys, fingerprint
from sandbox.wire.keys import Caller, authenticate, require_secret
from sandbox.wire.messages import Request, Response
from sandbox.wire.parameters import check_parameters
from sandbox.wire.routing import Answer, Call, Route

logger = logging.getLogger("sandbox")
FOREVER_S = 3600.0
BAD_REQUEST = 400
TOO_MANY = 429


class CutError(Exception):
    """The connection shall be cut without an answer."""


@dataclass(slots=True)
class Exchange:
    """What is known about one request while it is answered."""

    request: Request
    request_id: str
    entry: Document
    key: str | None = None
    fault: Fault | None = None


class Api:
    """Answers `/v1/…`."""

    def __init__(
        self, store: Store, keys: IdempotencyKeys, faults: Faults, journal: Journal, deliveries: Deliveries
    ) -> None:
        self._store = store
        self._keys = keys
        self._faults = faults
        self._journal = journal
        self._deliveries = deliveries

    async def answer(self, request: Request) -> Response:
        """Raises CutError where a fault wants the connection cut."""
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
        response.headers.setdefault("Request-Id", exchange.request_id)
        response.headers.setdefault("Stripe-Version", API_VERSION)
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
        exchange.entry["params"] = redacted(sent)
        sent_key = sent.get("key") if isinstance(sent.get("key"), str) else None
        caller = authenticate(request.headers.get("authorization"), sent_key)
        _check_version(request)
        found = ROUTER.find(request.method, request.path)
        if found is None:
            raise _unknown_url(request)
        route, path = found
        if not route.publishable:
            require_secret(caller)
        exchange.fault = self._faults.strike(request.method, request.path)
        if exchange.fault is None:
            return self._guarded(exchange, caller, route, path, sent)
        exchange.entry["fault"] = exchange.fault.kind
        return await self._with_fault(exchange, exchange.fault, caller, route, path, sent)

    def _parameters(self, request: Request) -> Document:
        text = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
        return decode_form(text)

    # Faults

    async def _with_fault(
        self, exchange: Exchange, fault: Fault, caller: Caller, route: Route, path: dict[str, str], sent: Document
    ) -> Response:
        executes = fault.executes or fault.kind in {"drop_response", "slow", "malformed_body"}
        mark = fingerprint(route.method, exchange.request.path, sent)
        scope = caller.scope
        held = exchange.key is not None and fault.kind == "slow" and fault.delay_ms > 0
        if held and exchange.key is not None:
            stored = self._keys.begin(scope, exchange.key, mark)
            if stored is not None:
                return self._replay(exchange, stored.status, stored.body, stored.request_id)
        try:
            if fault.delay_ms and fault.kind != "timeout":
                await asyncio.sleep(fault.delay_ms / 1000)
        finally:
            if held and exchange.key is not None:
                self._keys.end(scope, exchange.key)
        response = self._guarded(exchange, caller, route, path, sent) if executes else None
        if fault.kind in {"drop_request", "drop_response"}:
            raise CutError
        if fault.kind == "timeout":
            await asyncio.sleep(fault.delay_ms / 1000 or FOREVER_S)
            raise CutError
        if fault.kind == "malformed_body" and response is not None:
            body = response.body[: max(1, len(response.body) // 2)]
            return Response(200, body, response.headers)
        if fault.kind == "slow" and response is not None:
            return response
        return self._error(_injected(fault), exchange)

    # Execution

    def _guarded(
        self, exchange: Exchange, caller: Caller, route: Route, path: dict[str, str], sent: Document
    ) -> Response:
        """Behind the idempotency key, when there is one."""
        key = exchange.key
        if key is None:
            return self._execute(exchange, caller, route, path, sent, None)
        mark = fingerprint(route.method, exchange.request.path, sent)
        stored = self._keys.begin(caller.scope, key, mark)
        if stored is not None:
            return self._replay(exchange, stored.status, stored.body, stored.request_id)
        try:
            return self._execute(exchange, caller, route, path, sent, mark)
        finally:
            self._keys.end(caller.scope, key)

    def _execute(
        self,
        exchange: Exchange,
        caller: Caller,
        route: Route,
        path: dict[str, str],
        sent: Document,
        mark: str | None,
    ) -> Response:
        params = check_parameters(route.params, sent, route.also)
        cause = Cause(exchange.request_id, exchange.key)
        exchange.entry["executed"] = True
        if route.method == "GET":
            call = Call(Transaction(self._store, cause), params, path, caller.publishable)
            response = Response(200, self._body(call, route.handler(call)))
            if call.tx.changed:  # a test token, minted by being read
                with self._store.database.writing():
                    call.tx.finish()
            return response
        failure: StripeError | None = None
        with self._store.database.writing():
            tx = Transaction(self._store, cause)
            call = Call(tx, params, path, caller.publishable)
            self._store.database.execute("SAVEPOINT change")
            try:
                response = Response(200, self._body(call, route.handler(call)))
            except StripeError as error:
                failure = error
                if not error.keeps_changes:
                    self._store.database.execute("ROLLBACK TO change")
                    tx.forget()
                if caller.publishable:
                    redact_for_publishable(error.details)
                response = self._error(error, exchange)
            tx.finish()
            if mark is not None and exchange.key is not None:
                self._keys.store(
                    caller.scope, exchange.key, mark, exchange.request_id, response.status, response.body, tx.now
                )
        if tx.emitted and (failure is None or failure.keeps_changes):
            self._deliveries.wake()
        return response

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

    def _replay(self, exchange: Exchange, status: int, body: bytes, original: str) -> Response:
        exchange.entry["replayed"] = True
        headers = {"Idempotent-Replayed": "true", "Original-Request": original}
        if status >= BAD_REQUEST:
            headers["Stripe-Should-Retry"] = "false"
        return Response(status, body, headers)

    def _error(self, error: StripeError, exchange: Exchange) -> Response:
        return Response(error.status, pretty(error.body(exchange.request_id)) + b"\n", dict(error.headers))


def _check_version(request: Request) -> None:
    asked = request.headers.get("stripe-version")
    if asked and asked != API_VERSION:
        raise StripeError(
            f"Invalid Stripe API version: {asked}. The sandbox speaks {API_VERSION} only.",
            headers={"Stripe-Version": API_VERSION},
        )


def _unknown_url(request: Request) -> StripeError:
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

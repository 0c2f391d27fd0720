"""The TypeScript client: its documentation as it stands there, run by Node against the running service."""

import asyncio
import gzip
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.sandbox import PROJECT
from tests.fixtures.service import API_KEY, MakeService, Service

FOLDER = PROJECT / "clients/typescript"
MOST_BYTES = 12_000

BEHAVES = """
import { createInvoicing, InvoicingError, InvoicingUnavailable } from "invoicing-client";
import { verify } from "invoicing-client/webhooks";
import { Webhook } from "standardwebhooks";
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import type { IncomingHttpHeaders } from "node:http";

let asked: { url: string; key: string | null; body: unknown }[] = [];
function answering(...answers: (Response | Error)[]) {
  asked = [];
  return createInvoicing({
    baseUrl: "http://service.test/", apiKey: () => "token",
    fetch: async (url, init) => {
      const headers = new Headers(init?.headers);
      assert.equal(headers.get("Authorization"), "Bearer token");
      asked.push({ url: String(url), key: headers.get("Idempotency-Key"), body: init?.body });
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return answer as Response;
    },
  });
}
const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", "Retry-After": "0" } });

// A write is sent again under its key until it is answered.
const customer = await answering(
  new TypeError("fetch failed"), json(503, {}), json(409, { code: "idempotency_in_progress" }), json(429, {}),
  json(201, { id: "cus_1" }),
).customers.create({ name: "Jenny Rosen" });
assert.equal(customer.id, "cus_1");
assert.equal(asked.length, 5);
assert.equal(new Set(asked.map((one) => one.key)).size, 1);
assert.equal(new Set(asked.map((one) => one.body)).size, 1);

// A refusal has its code and is not tried again.
const refused = answering(json(422, { code: "validation_error", param: "name", detail: "no" }));
await assert.rejects(refused.customers.create({}), (error) =>
  error instanceof InvoicingError && error.code === "validation_error" && error.param === "name" && error.status === 422);
assert.equal(asked.length, 1);

// An answer that is cut off is none: the call is sent again under its key.
const cut = () => new Response(new ReadableStream({ pull: (body) => body.error(new TypeError("terminated")) }), { status: 201, headers: { "Content-Type": "application/json" } });
assert.equal((await answering(cut(), json(201, { id: "cus_2" })).customers.create({ name: "Jenny Rosen" })).id, "cus_2");
assert.equal(new Set(asked.map((one) => one.key)).size, 1);

// Where nobody knows whether it happened, the key is told.
const unknown = answering(...Array.from({ length: 5 }, () => json(504, { code: "stripe_timeout" })));
await assert.rejects(unknown.customers.create({}), (error) =>
  error instanceof InvoicingError && error.code === "stripe_timeout" && error.idempotencyKey === asked[0]?.key);

// Whoever is called off does not wait first.
const left = new AbortController();
const busy = createInvoicing({
  baseUrl: "http://service.test", apiKey: "key",
  fetch: async () => (left.abort(new Error("left")), new Response("{}", { status: 503, headers: { "Retry-After": "20" } })),
});
await assert.rejects(busy.customers.get("cus_1", { signal: left.signal }), /left/);

// Whoever waits often leaves nothing behind at the signal.
const open = new AbortController();
const poor = answering(...Array.from({ length: 4 }, () => json(503, {})), json(200, {}));
await poor.customers.get("cus_1", { signal: open.signal });
assert.equal(getEventListeners(open.signal, "abort").length, 0);

// Without an answer the key is told.
const away = answering(...Array.from({ length: 5 }, () => new TypeError("fetch failed")));
await assert.rejects(away.customers.create({}, { idempotencyKey: "order-1042" }), (error) =>
  error instanceof InvoicingUnavailable && error.idempotencyKey === "order-1042");

// Ids and queries stand in addresses as they must; nothing is sent where nothing is taken.
const page = { data: [], has_more: false, next_cursor: null };
const reads = answering(json(200, {}), json(200, page), json(200, page), json(200, {}), new Response("a,b", { headers: { "Content-Type": "text/csv" } }));
await reads.customers.get("../x?y");
await reads.prices.list({ active: true, limit: 5 }).page();
await reads.invoices.list({ status: ["open", "paid"], metadata: { team: "emea" } }).page();
await reads.invoices.void("in_1");
assert.equal(await reads.reports.getBalanceCsv({ from: "2026-01-01" }), "a,b");
assert.deepEqual(asked.map((one) => [one.url, one.body]), [
  ["http://service.test/v1/customers/..%2Fx%3Fy", undefined],
  ["http://service.test/v1/prices?active=true&limit=5", undefined],
  ["http://service.test/v1/invoices?status=open&status=paid&metadata%5Bteam%5D=emea", undefined],
  ["http://service.test/v1/invoices/in_1/void", undefined],
  ["http://service.test/v1/reports/balance.csv?from=2026-01-01", undefined],
]);

assert.throws(() => reads.paymentMethods.detach("cus_1", ".."), /no id/); // it would be a call for the customer

// What `apiKey` throws is thrown at once.
const expired = createInvoicing({ baseUrl: "http://service.test", apiKey: () => Promise.reject(new Error("log in again")) });
await assert.rejects(expired.customers.get("cus_1"), /log in again/);
await assert.rejects(expired.feed.stream().next(), /log in again/);

// Lists go on page after page.
const list = answering(json(200, { data: [{ id: "a" }], has_more: true, next_cursor: "c" }), json(200, { data: [{ id: "b" }], has_more: false, next_cursor: null }));
const found: string[] = [];
for await (const one of list.products.list({ limit: 1 })) found.push(one.id);
assert.deepEqual(found, ["a", "b"]);
assert.ok(asked[1]?.url.endsWith("?limit=1&cursor=c"));

// A consumer that stops goes on and handles each event once; what it failed at comes again.
const event = (id: string) => ({ id, sequence: id, type: "invoice.paid", subject: "in_1" });
const feed = () => answering(json(200, { data: [event("1"), event("2")], next_cursor: "2" }), json(200, { data: [event("2"), event("3")], next_cursor: "3" }));
const known = new Map<string, string>();
const place = { cursor: () => [...known.values()].at(-1), knows: (id: string) => known.has(id), keep: (id: string, at: string) => void known.set(id, at) };
const handled: string[] = [];
for (let run = 0; run < 2; run++)
  await assert.rejects(feed().feed.consume(place, (one) => { handled.push(one.id); if (handled.length === 2 || one.id === "3") throw new Error("stop"); }));
assert.deepEqual(handled, ["1", "2", "2", "3"]);

// It goes on after what it did not ask for.
const rare = answering(json(200, { data: [], next_cursor: "9" }), json(403, {}));
const kept: (string | undefined)[][] = [];
await assert.rejects(rare.feed.consume({ ...place, keep: (id, at) => void kept.push([id, at]) }, () => {}, { types: ["refund.failed"] }));
assert.deepEqual(kept, [[undefined, "9"]]);

// A long poll may be silent for as long as it waits.
const slow = createInvoicing({
  baseUrl: "http://service.test", apiKey: "key", timeoutMs: 50, retries: 0,
  fetch: (_, init) => new Promise((done, failed) => {
    init?.signal?.addEventListener("abort", () => failed(init.signal?.reason));
    setTimeout(() => done(json(200, { data: [], next_cursor: "1" })), 150);
  }),
});
for await (const one of slow.feed.pages({ wait: 1 })) {
  assert.equal(one.next_cursor, "1");
  break;
}

// A second takes a millisecond from here on.
const timer = globalThis.setTimeout;
globalThis.setTimeout = ((then: () => void, ms: number, ...given: []) => timer(then, ms / 1000, ...given)) as typeof setTimeout;

// Once a page came, a service that is away is waited for.
const gone = Array.from({ length: 9 }, () => new TypeError("fetch failed"));
const lasting = answering(json(200, { data: [], next_cursor: "1" }), ...gone, json(200, { data: [], next_cursor: "2" })).feed.pages();
await lasting.next();
assert.equal((await lasting.next()).value.next_cursor, "2");

// A stream that broke before it told anything goes on where it was, also in Safari, which cannot iterate over a body.
delete (ReadableStream.prototype as Partial<ReadableStream>)[Symbol.asyncIterator];
const told = (text: string) => new Response(text, { headers: { "Content-Type": "text/event-stream" } });
const streams = answering(told(": \\nid: 00aa\\n\\n"), json(503, { code: "database_unavailable" }), told('id: 00ab\\ndata: {"id":"iev_1"}\\n\\n'));
for await (const one of streams.feed.stream()) {
  assert.equal(one.id, "iev_1");
  break;
}
assert.deepEqual(asked.map((one) => new URL(one.url).searchParams.get("after")), ["now", "00aa", "00aa"]);

// A stream that is silent for a minute is dead: another one takes over.
const silent = new Response(new ReadableStream({}), { headers: { "Content-Type": "text/event-stream" } });
for await (const one of answering(silent, told('id: 00ab\\ndata: {"id":"iev_1"}\\n\\n')).feed.stream()) {
  assert.equal(one.id, "iev_1");
  break;
}
globalThis.setTimeout = timer;

// A delivery is verified with its raw body.
const secret = "whsec_c2VjcmV0", at = new Date(), body = JSON.stringify(event("1"));
const headers = { "webhook-id": "1", "webhook-timestamp": String(Math.floor(at.getTime() / 1000)), "webhook-signature": new Webhook(secret).sign("1", at, body) };
const fromNode: IncomingHttpHeaders = headers;
for (const each of [headers, fromNode, new Headers(headers)]) assert.equal(verify(secret, body, each).id, "1");
assert.throws(() => verify(secret, body.replace("paid", "void"), headers));
const ping = JSON.stringify({ id: "1", type: "ping", subject: "whe_1", data: { endpoint: "whe_1" } });
const tried = verify(secret, ping, { ...headers, "webhook-signature": new Webhook(secret).sign("1", at, ping) });
assert.equal(tried.type === "ping" ? tried.data.endpoint : undefined, "whe_1");
console.log("behaves");
"""


def blocks(document: Path) -> list[str]:
    return re.findall(r"^```ts\n(.*?)^```$", document.read_text(), re.MULTILINE | re.DOTALL)


ANYWHERE = "http://127.0.0.1:8000"
*DOCUMENTED, STACK = blocks(FOLDER / "README.md")
[FIRST] = blocks(PROJECT / "docs/getting-started.md")
PROGRAMS = {
    "documented": "\n".join([f'const apiKey = "{API_KEY}";', *DOCUMENTED]),
    "first": FIRST,
    "stack": STACK.replace('{ checkout: "../invoicing" }', ""),
    "behaves": BEHAVES,
}


def node(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [shutil.which("node") or "node", *command],
        cwd=folder, env=os.environ | {"INVOICING_CHECKOUT": str(PROJECT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty project into which the built package is installed, with the programs; strict, all of it compiles."""
    if shutil.which("node") is None or not (FOLDER / "node_modules").exists():
        pytest.skip("no node, or nothing is installed: npm ci --prefix clients/typescript")
    folder = tmp_path_factory.mktemp("project")
    package = folder / "node_modules/invoicing-client"
    node(FOLDER / "node_modules/typescript/bin/tsc", "-p", FOLDER, "--outDir", package / "dist", folder=folder)
    shutil.copy(FOLDER / "package.json", package)
    for name in (
        "@types",
        "undici-types",
        "@stablelib",
        "fast-sha256",
        *json.loads((FOLDER / "package.json").read_text())["dependencies"],
    ):
        if (FOLDER / "node_modules" / name).exists():
            (folder / "node_modules" / name).symlink_to(FOLDER / "node_modules" / name)
    (folder / "package.json").write_text('{"type": "module"}')
    options = {
        "module": "nodenext",
        "target": "es2022",
        "strict": True,
        "lib": ["es2023", "dom", "dom.asynciterable"],
        "types": ["node"],
    }
    (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
    for name, program in PROGRAMS.items():
        (folder / f"{name}.ts").write_text(program)
    node(FOLDER / "node_modules/typescript/bin/tsc", "-p", folder, folder=folder)
    return folder


def calling(service: Service, script: Path) -> Path:
    """Have a compiled program call this service."""
    text = script.read_text()
    assert ANYWHERE in text
    script.write_text(text.replace(ANYWHERE, service.url))
    return script


@pytest.mark.e2e
async def test_the_documented_calls_compile_and_work_as_they_stand_there(
    project: Path, make_service: MakeService
) -> None:
    service = await make_service(WORKER_POLL_S="0.2")
    script = calling(service, project / "documented.js")
    said = (await asyncio.to_thread(node, script, folder=project)).splitlines()
    assert said[0] == "open 4900"
    assert re.fullmatch(r"not_found undefined \w+", said[1])
    assert re.fullmatch(r"invoice.finalized in_\w+", said[-1])


@pytest.mark.e2e
async def test_the_first_steps_in_typescript_end_fulfilled(project: Path, make_service: MakeService) -> None:
    service = await make_service(WORKER_POLL_S="0.2")
    (project / ".data").mkdir()
    (project / ".data/dev-api-key").write_text(service.api_key)
    script = calling(service, project / "first.js")
    assert re.fullmatch(r"\S+-0001 is fulfilled\n", await asyncio.to_thread(node, script, folder=project))


@pytest.mark.e2e
@pytest.mark.timeout(300)
def test_the_stack_serves_the_tests_of_others(project: Path) -> None:
    if not (PROJECT / ".venv/bin/python").exists():
        pytest.skip("this checkout was not installed by make")
    node(project / "stack.js", folder=project)


def test_calls_are_tried_again_refused_paged_and_verified(project: Path) -> None:
    assert node(project / "behaves.js", folder=project).strip() == "behaves"


def test_the_bundle_for_browsers_is_small(project: Path) -> None:
    bundle = project / "bundle.js"
    esbuild = FOLDER / "node_modules/esbuild/bin/esbuild"
    subprocess.run(
        [
            esbuild,
            FOLDER / "src/index.ts",
            "--bundle",
            "--minify",
            "--format=esm",
            f"--outfile={bundle}",
            "--log-level=error",
        ],
        check=True,
    )
    size = len(gzip.compress(bundle.read_bytes()))
    assert size <= MOST_BYTES
    assert b"standardwebhooks" not in bundle.read_bytes()

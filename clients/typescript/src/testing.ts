// The service, its database and the offline Stripe, for the tests of a program that calls the service. For vitest and others:
//
//   const stack = await startStack({ checkout: "../invoicing" });
//   afterAll(() => stack.stop());

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pause } from "./call.js";
import { createInvoicing, type Invoicing } from "./index.js";

const START_MS = 90_000;

export interface Stack {
  url: string;
  apiKey: string;
  stripeUrl: string;
  client: Invoicing;
  /** Any control call of the offline Stripe: settle a debit, open a dispute, let events fail. */
  control(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Wait until Stripe has delivered all its events. */
  settled(): Promise<void>;
  /** Let time pass at Stripe; everything that becomes due there happens, and its events are delivered. */
  advance(seconds: number): Promise<void>;
  /** Let Stripe fail while `during` runs: `fault({ match: { path: "/v1/invoices/…/pay" }, kind: "status" }, …)`. */
  fault<Made>(rule: object, during: () => Promise<Made>): Promise<Made>;
  /** Let Stripe's events misbehave while `during` runs; afterwards what was held or dropped is delivered. */
  events<Made>(mode: object, during: () => Promise<Made>): Promise<Made>;
  stop(): Promise<void>;
}

/** Start a stack from a checkout of the service in which `make run` worked once. */
export async function startStack({ checkout = process.env["INVOICING_CHECKOUT"] ?? "" } = {}): Promise<Stack> {
  if (!checkout) throw new Error("say where the invoicing service is: { checkout }, or INVOICING_CHECKOUT");
  const [port, stripePort] = await freePorts(2);
  const data = await mkdtemp(join(tmpdir(), "invoicing-"));
  const log = await open(join(data, "stack.log"), "w");
  const outer = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(STRIPE|DATABASE)_/.test(name)));
  const child = spawn(
    resolve(checkout, ".venv/bin/python"),
    ["-m", "dev.run", "--with-parent", "--no-demo", "--env-file", "/dev/null"],
    {
      cwd: checkout,
      env: { ...outer, DATA_DIR: data, PORT: String(port), SANDBOX_PORT: String(stripePort) },
      stdio: ["ignore", log.fd, log.fd],
    },
  );
  const ended = new Promise<string>((done) => {
    child.once("error", (error) => done(error.message));
    child.once("exit", (code) => done(`it ended with ${code}`));
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.pid && child.kill("SIGTERM")) await once(child, "exit");
    await log.close();
    await rm(data, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const why = await Promise.race([ready(url), ended]);
  if (why) {
    const told = await readFile(join(data, "stack.log"), "utf8");
    await stop();
    throw new Error(`the stack did not start: ${why}\n${told.slice(-3000)}`);
  }
  const apiKey = (await readFile(join(data, "dev-api-key"), "utf8")).trim();
  return stack(url, apiKey, `http://127.0.0.1:${stripePort}`, stop);
}

function stack(url: string, apiKey: string, stripeUrl: string, stop: () => Promise<void>): Stack {
  const control = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${stripeUrl}/_sandbox${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  const settled = async (): Promise<void> => {
    const { idle } = (await control("POST", "/webhooks/idle?timeout_s=20")) as { idle: boolean };
    if (!idle) throw new Error("events are still undelivered after 20 s");
  };
  return {
    url, apiKey, stripeUrl, control, settled, stop,
    client: createInvoicing({ baseUrl: url, apiKey }),
    advance: async (seconds) => {
      await control("POST", "/clock", { advance_s: seconds });
      await settled();
    },
    fault: async (rule, during) => {
      await control("POST", "/faults", rule);
      return during().finally(() => control("DELETE", "/faults"));
    },
    events: async (mode, during) => {
      const before = await control("GET", "/webhooks/mode");
      await control("POST", "/webhooks/mode", mode);
      return during().finally(async () => {
        await control("POST", "/webhooks/mode", before);
        await control("POST", "/webhooks/release");
        await control("POST", "/webhooks/retry");
      });
    },
  };
}

/** Nothing once the service is ready, or why it is not in time. */
async function ready(url: string): Promise<string | undefined> {
  for (const end = Date.now() + START_MS; Date.now() < end; await pause(100))
    if (await fetch(`${url}/readyz`).then((answer) => answer.ok, () => false)) return undefined;
  return `it is not ready after ${START_MS / 1000} s`;
}

async function freePorts(many: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: many }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

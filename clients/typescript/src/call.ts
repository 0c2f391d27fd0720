// One call to the service: its headers, when it is tried again, and what its answer means.

import type { components } from "./contract.js";

export type Problem = components["schemas"]["Problem"];

export interface Options {
  /** The key under which a write happens once. By default each call has one of its own. */
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export interface Settings {
  /** Where the service is, e.g. `https://billing.example.com`. */
  baseUrl: string;
  /** An API key, or a token of your identity provider; or a function that gets a fresh one. What it throws, the call throws. */
  apiKey: string | (() => string | Promise<string>);
  /** How often a call is tried again that got no answer, or was told to wait. */
  retries?: number;
  /** How long one attempt may take. */
  timeoutMs?: number;
  fetch?: typeof fetch;
}

/**
 * The service refused a call. Decide by `code`; the message is for people. `param` names the field that is wrong. A write
 * that was refused because the service or Stripe is away may have happened: send it again with `idempotencyKey`.
 */
export class InvoicingError extends Error {
  readonly code: string;
  readonly param: string | undefined;
  readonly requestId: string | undefined;

  constructor(readonly problem: Partial<Problem>, readonly status: number, readonly idempotencyKey?: string | undefined) {
    super(problem.detail ?? `HTTP ${status}`);
    this.name = "InvoicingError";
    this.code = problem.code ?? "unknown";
    this.param = problem.param ?? undefined;
    this.requestId = problem.request_id ?? undefined;
  }
}

/** No answer came, however often it was tried. A write may have happened: send it again with `idempotencyKey`. */
export class InvoicingUnavailable extends Error {
  constructor(cause: unknown, readonly idempotencyKey: string | undefined) {
    super("the service did not answer", { cause });
    this.name = "InvoicingUnavailable";
  }
}

const AGAIN = new Set([429, 502, 503, 504]);
const BUSY = new Set(["idempotency_in_progress", "invoice_busy"]);
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 20_000;

export type Query = Record<string, unknown>;

export class Caller {
  readonly #retries: number;
  readonly #timeoutMs: number;
  readonly #base: string;

  constructor(readonly settings: Settings) {
    this.#retries = settings.retries ?? 4;
    this.#timeoutMs = settings.timeoutMs ?? 60_000;
    this.#base = settings.baseUrl.replace(/\/+$/, "");
  }

  /** What a call answers. It throws InvoicingError if it is refused, InvoicingUnavailable if no whole answer came. */
  async call(
    method: string, path: string, query: Query, body: unknown, options: Options = {}, retries = this.#retries,
  ): Promise<unknown> {
    const key = method === "get" ? undefined : (options.idempotencyKey ?? crypto.randomUUID());
    for (let tried = 0; ; tried++) {
      let wait = Math.min(FIRST_WAIT_MS * 2 ** tried, LONGEST_WAIT_MS) * (0.5 + Math.random() / 2);
      const send = await this.prepare(method, path, query, body, key, options.signal);
      try {
        const response = await send();
        if (response.ok) return await content(response);
        const { error, again, waitMs } = await refusal(response, key);
        if (!again || tried >= retries) throw error;
        wait = waitMs ?? wait;
      } catch (error) {
        if (error instanceof InvoicingError || options.signal?.aborted) throw error;
        if (tried >= retries) throw new InvoicingUnavailable(error, key);
      }
      await pause(wait, options.signal);
    }
  }

  /** One attempt. A long poll has its `wait` more; a stream has no limit of time: `signal` ends it. Throws what `apiKey` throws. */
  async prepare(
    method: string, path: string, query: Query, body: unknown, key?: string, signal?: AbortSignal, stream = false,
  ): Promise<() => Promise<Response>> {
    const { apiKey } = this.settings;
    const headers = new Headers({ Authorization: `Bearer ${typeof apiKey === "function" ? await apiKey() : apiKey}` });
    if (key) headers.set("Idempotency-Key", key);
    if (body !== undefined) headers.set("Content-Type", "application/json");
    const limit = this.#timeoutMs + 1000 * Number(query["wait"] ?? 0);
    const limits = [...(stream ? [] : [AbortSignal.timeout(limit)]), ...(signal ? [signal] : [])];
    const asked: RequestInit = { method: method.toUpperCase(), headers, signal: AbortSignal.any(limits) };
    if (body !== undefined) asked.body = JSON.stringify(body);
    return () => (this.settings.fetch ?? fetch)(`${this.#base}${path}${parameters(query)}`, asked);
  }
}

async function content(response: Response): Promise<unknown> {
  return response.headers.get("Content-Type")?.includes("json") ? response.json() : response.text();
}

/** Why a call was refused, whether the same call may be taken later, and after how long the service says. */
export async function refusal(response: Response, key?: string): Promise<{ error: InvoicingError; again: boolean; waitMs?: number }> {
  const problem = ((await response.json().catch(() => null)) ?? {}) as Partial<Problem>;
  const again = AGAIN.has(response.status) || BUSY.has(problem.code ?? "");
  const asked = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const wait = asked >= 0 ? { waitMs: Math.min(asked * 1000, LONGEST_WAIT_MS) } : {};
  return { error: new InvoicingError(problem, response.status, key), again, ...wait };
}

/** An id as a part of a path. It throws for one that would change which object the path leads to. */
export function named(id: string): string {
  if (["", ".", ".."].includes(id)) throw new TypeError(`"${id}" is no id`);
  return encodeURIComponent(id);
}

function parameters(query: Query): string {
  const found = new URLSearchParams();
  const add = (name: string, value: unknown): void => {
    if (Array.isArray(value)) for (const one of value) add(name, one);
    else if (value && typeof value === "object") for (const [key, one] of Object.entries(value)) add(`${name}[${key}]`, one);
    else if (value !== undefined && value !== null) found.append(name, String(value));
  };
  for (const [name, value] of Object.entries(query)) add(name, value);
  return found.size ? `?${found}` : "";
}

/** Wait, or end early with the reason of `signal`. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((done, failed) => {
    signal?.throwIfAborted();
    const left = () => (clearTimeout(timer), failed(signal?.reason));
    const timer = setTimeout(() => (signal?.removeEventListener("abort", left), done()), ms);
    signal?.addEventListener("abort", left, { once: true });
  });
}

// The feed of events: followed by pages or as a stream, resumed where it ended, and each event handled once.

import { createParser } from "eventsource-parser";
import { type Caller, InvoicingError, named, pause, refusal } from "./call.js";
import type { components } from "./contract.js";

export type FeedEvent = components["schemas"]["FeedEvent"];
export type FeedPage = components["schemas"]["FeedPage"];

export interface Asked {
  /** Where to go on: a cursor, `start` or `now`. */
  after?: string;
  types?: FeedEvent["type"][];
  /** How long the service waits for an event before it answers an empty page, in seconds. */
  wait?: number;
  signal?: AbortSignal;
}

/** Where a consumer is in the feed, and which events it knows. Keep it in your own database. */
export interface Place {
  cursor(): string | undefined | Promise<string | undefined>;
  knows(event: string): boolean | Promise<boolean>;
  /** Without an event: those that were not asked for were passed. */
  keep(event: string | undefined, cursor: string): void | Promise<void>;
}

const PAUSE_MS = 1000;
/** A stream that says nothing for so long is dead: the service sends a heartbeat every fifteen seconds. */
const SILENCE_MS = 60_000;

export class Feed {
  constructor(readonly caller: Caller) {}

  /**
   * Pages of events without end; `next_cursor` of each is where to go on. An empty page means that nothing came. The first
   * page is tried `retries` times; after it, whatever time the service is away is waited for.
   */
  async *pages({ after = "start", types = [], wait = 25, signal }: Asked = {}): AsyncGenerator<FeedPage> {
    for (let retries: number | undefined; ; retries = Infinity) {
      const query = { after, types: types.join(",") || undefined, wait };
      const page = (await this.caller.call("get", "/v1/events", query, undefined, signal ? { signal } : {}, retries)) as FeedPage;
      yield page;
      after = page.next_cursor;
    }
  }

  /**
   * Hand every new event to `handle`, oldest first, without end. An event is kept after it was handled: if this process
   * dies between the two, it is handled again.
   */
  async consume(place: Place, handle: (event: FeedEvent) => void | Promise<void>, asked: Asked = {}): Promise<void> {
    for await (const page of this.pages({ ...asked, after: (await place.cursor()) ?? asked.after ?? "start" })) {
      for (const event of page.data)
        if (!(await place.knows(event.id))) {
          await handle(event);
          await place.keep(event.id, event.sequence);
        }
      await place.keep(undefined, page.next_cursor);
    }
  }

  /** Events as they happen, without end; of one invoice from its beginning. If the connection ends, it goes on where it was. */
  async *stream({ after, types = [], signal, invoice }: Asked & { invoice?: string } = {}): AsyncGenerator<FeedEvent> {
    const path = invoice ? `/v1/invoices/${named(invoice)}/events` : "/v1/events/stream";
    const known = new Set<string>();
    for (let place = after, wait = PAUSE_MS; ; wait = PAUSE_MS) {
      const query = { after: invoice ? undefined : (place ?? "now"), types: types.join(",") || undefined };
      const send = await this.caller.prepare("get", path, query, undefined, undefined, signal, true);
      try {
        const response = await send();
        if (!response.ok) {
          const { error, again, waitMs } = await refusal(response);
          if (!again) throw error;
          wait = waitMs ?? wait;
        } else
          for await (const { id, data } of sent(response.body as ReadableStream<Uint8Array>)) {
            place = id ?? place;
            if (!data || known.has(id ?? data)) continue;
            if (invoice) known.add(id ?? data);
            yield JSON.parse(data) as FeedEvent;
          }
      } catch (error) {
        if (error instanceof InvoicingError || signal?.aborted) throw error;
      }
      await pause(wait, signal);
    }
  }
}

/** What a stream sends: events, and between them ids alone, which say where to go on. */
async function* sent(body: ReadableStream<Uint8Array>): AsyncGenerator<{ id: string | undefined; data: string }> {
  const ready: { id: string | undefined; data: string }[] = [];
  const parser = createParser({
    onId: (id) => ready.push({ id, data: "" }),
    onEvent: ({ id, data }) => ready.push({ id, data }),
  });
  const text = new TextDecoder();
  const reader = body.getReader(); // Safari does not iterate over streams
  const alarm = (): ReturnType<typeof setTimeout> => setTimeout(() => void reader.cancel().catch(() => undefined), SILENCE_MS);
  let silent = alarm();
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      clearTimeout(silent);
      parser.feed(text.decode(read.value, { stream: true }));
      yield* ready.splice(0);
      silent = alarm();
    }
  } finally {
    clearTimeout(silent);
    await reader.cancel().catch(() => undefined); // whoever stops listening closes the connection
  }
}

// The feed of events: followed by pages or as a stream, resumed where it ended, and each event handled once.

import { createParser } from "eventsource-parser";
import { type Caller, InvoicingError, pause } from "./call.js";
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
  keep(event: string, cursor: string): void | Promise<void>;
}

export class Feed {
  constructor(readonly caller: Caller) {}

  /** Pages of events without end; `next_cursor` of each is where to go on. An empty page means that nothing came. */
  async *pages({ after = "start", types = [], wait = 25, signal }: Asked = {}): AsyncGenerator<FeedPage> {
    while (true) {
      const query = { after, types: types.join(",") || undefined, wait };
      const page = (await (await this.caller.call("get", "/v1/events", query, undefined, signal ? { signal } : {})).json()) as FeedPage;
      yield page;
      after = page.next_cursor;
    }
  }

  /**
   * Hand every new event to `handle`, oldest first, without end. An event is kept after it was handled: if this process
   * dies between the two, it is handled again.
   */
  async consume(place: Place, handle: (event: FeedEvent) => void | Promise<void>, asked: Asked = {}): Promise<void> {
    for await (const page of this.pages({ ...asked, after: (await place.cursor()) ?? asked.after ?? "start" }))
      for (const event of page.data)
        if (!(await place.knows(event.id))) {
          await handle(event);
          await place.keep(event.id, event.sequence);
        }
  }

  /** Events as they happen, without end; of one invoice from its beginning. If the connection ends, it goes on where it was. */
  async *stream({ after, types = [], signal, invoice }: Asked & { invoice?: string } = {}): AsyncGenerator<FeedEvent> {
    const path = invoice ? `/v1/invoices/${encodeURIComponent(invoice)}/events` : "/v1/events/stream";
    const known = new Set<string>();
    for (let place = after; ; ) {
      const query = { after: invoice ? undefined : (place ?? "now"), types: types.join(",") || undefined };
      try {
        const response = await this.caller.send("get", path, query, undefined, undefined, signal, true);
        if (!response.ok) throw new InvoicingError((await response.json()) as object, response.status);
        const ready: { id: string | undefined; data: string }[] = [];
        const parser = createParser({ onEvent: ({ id, data }) => ready.push({ id, data }) });
        const text = new TextDecoder();
        for await (const bytes of response.body as ReadableStream<Uint8Array>) {
          parser.feed(text.decode(bytes, { stream: true }));
          for (const { id, data } of ready.splice(0)) {
            place = id ?? place;
            if (!data || known.has(id ?? data)) continue;
            if (invoice) known.add(id ?? data);
            yield JSON.parse(data) as FeedEvent;
          }
        }
      } catch (error) {
        if (error instanceof InvoicingError || signal?.aborted) throw error;
      }
      await pause(1000, signal);
    }
  }
}

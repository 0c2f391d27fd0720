// A consumer of the invoicing service: it verifies, works once, and misses nothing. npm install standardwebhooks
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { Webhook, WebhookVerificationError } from "standardwebhooks";

interface Event {
  id: string;
  type: string;
  subject: string;
  data: unknown;
}

interface Page {
  data: Event[];
  has_more: boolean;
  next_cursor: string;
}

function setting(name: string, otherwise?: string): string {
  const value = process.env[name] ?? otherwise;
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
}

const invoicing = setting("INVOICING_URL");
const apiKey = setting("INVOICING_API_KEY"); // with the scope feed:read
const webhook = new Webhook(setting("INVOICING_WEBHOOK_SECRET"));
const port = Number(setting("PORT", "9000"));
const journal = setting("STORE", "consumer.jsonl"); // in a service of yours: a database, and one transaction in keep()

const seen = new Set<string>();
let cursor = "start";
for (const line of existsSync(journal) ? readFileSync(journal, "utf8").split("\n") : []) {
  if (!line.endsWith("}")) continue; // cut off by a crash: its event comes again
  const entry = JSON.parse(line) as { id?: string; cursor?: string };
  if (entry.id) seen.add(entry.id);
  cursor = entry.cursor ?? cursor;
}

/** What this service is for. */
function work(event: Event): void {
  console.log("worked", event.type, event.subject, event.id);
}

/** Work on what is new: an id that is known was worked on, whichever way it came, so it may come any number of times. */
function keep(events: Event[], upto?: string): void {
  const fresh = events.filter((event) => !seen.has(event.id));
  const lines = fresh.map(({ id, type, subject }) => JSON.stringify({ id, type, subject }));
  if (upto !== undefined) lines.push(JSON.stringify({ cursor: upto }));
  appendFileSync(journal, "\n" + lines.join("\n") + "\n", { flush: true });
  for (const event of fresh) {
    seen.add(event.id);
    work(event);
  }
  cursor = upto ?? cursor;
}

/** Read the feed from where we were: whatever was not delivered while we were away is there, in order. */
async function catchUp(): Promise<void> {
  for (let more = true; more; ) {
    const address = `${invoicing}/v1/events?${new URLSearchParams({ after: cursor, limit: "500" })}`;
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${apiKey}` } });
    if (!answer.ok) throw new Error(`the feed answered ${answer.status}`);
    const page = (await answer.json()) as Page;
    keep(page.data, page.next_cursor);
    more = page.has_more;
  }
}

async function received(request: IncomingMessage): Promise<number> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  try {
    const body = Buffer.concat(chunks).toString("utf8");
    keep([webhook.verify(body, request.headers as Record<string, string>) as Event]);
    return 204; // only now: what is not answered with 2xx is delivered again
  } catch (error) {
    if (error instanceof WebhookVerificationError) return 400; // not from the invoicing service, or older than five minutes
    throw error;
  }
}

createServer((request, answer) => {
  received(request).then(
    (status) => answer.writeHead(status).end(),
    () => answer.writeHead(500).end(),
  );
}).listen(port, "127.0.0.1", () => console.log("listening"));

for (;;) {
  // The invoicing service may be away: deliveries and the next round make up for it.
  await catchUp().catch((error: unknown) => console.log("not caught up:", error));
  await new Promise((done) => setTimeout(done, 300_000));
}

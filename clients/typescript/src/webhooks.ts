// Verifies what the service pushes to an endpoint of yours (Standard Webhooks). For servers.

import { Webhook, WebhookVerificationError } from "standardwebhooks";
import type { components } from "./contract.js";
import type { FeedEvent } from "./feed.js";

export { WebhookVerificationError as NotFromTheService };

/** An event of the feed, or of the type `ping`, which only tries the endpoint. */
export type Delivered = FeedEvent | components["schemas"]["PingEvent"];

/** As Node gives them, or fetch. */
export type Received = Headers | Record<string, string | string[] | undefined>;

/**
 * The event of a delivery, with the raw `body` as it came. It throws NotFromTheService if the signature is wrong or older
 * than five minutes: answer 400 then, and 2xx otherwise.
 */
export function verify(secret: string, body: string, headers: Received): Delivered {
  const given = headers instanceof Headers ? [...headers] : Object.entries(headers);
  return new Webhook(secret).verify(body, Object.fromEntries(given.map(([name, value]) => [name, String(value)]))) as Delivered;
}

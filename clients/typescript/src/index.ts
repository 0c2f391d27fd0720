// A client for the invoicing service.

import { Caller, type Settings } from "./call.js";
import type { components } from "./contract.js";
import { Feed } from "./feed.js";
import { type Resources, resources } from "./resources.js";

export { InvoicingError, InvoicingUnavailable, type Options, type Problem, type Settings } from "./call.js";
export type { Asked, FeedEvent, FeedPage, Place } from "./feed.js";
export type { List, Resources } from "./resources.js";
export type Schemas = components["schemas"];

export type Invoicing = Resources & { feed: Feed };

/** A client: `invoicing.invoices.create({…})`, and so for every operation. */
export function createInvoicing(settings: Settings): Invoicing {
  const caller = new Caller(settings);
  return { ...resources(caller), feed: new Feed(caller) };
}

// Stripe.js puts itself on the window; its types say so here, for pages that load it with a script element.
import type { StripeConstructor } from "@stripe/stripe-js";

declare global {
  interface Window {
    Stripe?: StripeConstructor;
  }
  /** The sandbox's address, which it writes before its Stripe.js. */
  const SANDBOX_URL: string;
}

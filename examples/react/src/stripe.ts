// Stripe, once for the whole application, and what the server is asked for.

import { loadStripe } from "@stripe/stripe-js";
import type { Appearance, StripeElementsOptionsMode } from "@stripe/stripe-js";

export const stripePromise = loadStripe(import.meta.env.VITE_STRIPE_PUBLISHABLE_KEY ?? "pk_test_sandbox");

/** The order, as the page shows it before the server has made a PaymentIntent for it. */
export const ORDER = { mode: "payment", amount: 2890, currency: "usd" } satisfies StripeElementsOptionsMode;

export const appearance: Appearance = {
  theme: "stripe",
  variables: { colorPrimary: "#0a6847", borderRadius: "8px", spacingUnit: "4px" },
  rules: { ".Input:focus": { borderColor: "#0a6847" } },
};

/** The address a person comes back to, whatever the payment method. */
export const returnUrl = () => `${location.origin}/return`;

export interface Intent {
  id: string;
  client_secret: string;
  status: string;
}

export async function ask(path: "order" | "payment-intent" | "setup-intent" | "pay", body: object = {}): Promise<Intent> {
  const answer = await fetch(`/api/${path}`, { method: "POST", body: JSON.stringify(body) });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

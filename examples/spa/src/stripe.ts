// Loads Stripe.js. It always comes from Stripe; only where there is no internet does VITE_STRIPE_JS_URL name
// another place, the sandbox's stand-in.

import { loadStripe } from "@stripe/stripe-js/pure";
import type { PaymentIntent, Stripe } from "@stripe/stripe-js";

const elsewhere: string | undefined = import.meta.env.VITE_STRIPE_JS_URL;
const started = new Map<string, Promise<Stripe>>();

function script(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src });
    element.onload = () => resolve();
    element.onerror = () => reject(new Error("Stripe.js could not be loaded."));
    document.head.append(element);
  });
}

async function start(publishableKey: string): Promise<Stripe> {
  // loadStripe uses a Stripe.js that is on the page already, and fetches Stripe's own otherwise.
  if (elsewhere && !("Stripe" in window)) await script(elsewhere);
  const stripe = await loadStripe(publishableKey);
  if (!stripe) throw new Error("Stripe.js could not be started.");
  return stripe;
}

/** One for each key: Stripe refuses to confirm with a form that another one made. */
export function stripeFor(publishableKey: string): Promise<Stripe> {
  const stripe = started.get(publishableKey) ?? start(publishableKey);
  started.set(publishableKey, stripe);
  stripe.catch(() => started.delete(publishableKey)); // the next click tries again
  return stripe;
}

/** Whether the money came or is on its way: then nothing is to be paid again. */
export const paid = (intent: PaymentIntent | undefined) => intent?.status === "succeeded" || intent?.status === "processing";

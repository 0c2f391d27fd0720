// Loads Stripe.js. It always comes from Stripe; only where there is no internet does VITE_STRIPE_JS_URL name
// another place, the sandbox's stand-in.

import { loadStripe } from "@stripe/stripe-js/pure";
import type { Stripe } from "@stripe/stripe-js";

const elsewhere: string | undefined = import.meta.env.VITE_STRIPE_JS_URL;

function script(src: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src });
    element.onload = () => resolve();
    element.onerror = () => reject(new Error("Stripe.js could not be loaded."));
    document.head.append(element);
  });
}

export async function stripeFor(publishableKey: string): Promise<Stripe> {
  // loadStripe uses a Stripe.js that is on the page already, and fetches Stripe's own otherwise.
  if (elsewhere && !("Stripe" in window)) await script(elsewhere);
  const stripe = await loadStripe(publishableKey);
  if (!stripe) throw new Error("Stripe.js could not be started.");
  return stripe;
}

// What the customer keeps: saved payment methods and tax ids, and paying several invoices with one of them.

import type { StripeElements } from "@stripe/stripe-js";
import { type Api, Problem } from "./api";
import { find, on, reveal } from "./page";
import { paid, stripeFor } from "./stripe";

const KNOWN_PAUSES_MS = [200, 400, 800, 1600, 3200];
const methods = find("methods", HTMLSelectElement);
const adding = find("adding", HTMLFormElement);
let api: Api;
let setup: { elements: StripeElements; publishableKey: string } | null = null;

/** Each invoice has a PaymentIntent of its own, so they are confirmed one after another; the first that fails ends it. */
export async function payAll(invoices: string[], done: (invoice: string) => void): Promise<void> {
  const method = methods.value; // once for all: the list of methods is made anew meanwhile
  if (!method) throw new Error("Save a payment method first.");
  for (const invoice of invoices) {
    const { client_secret: clientSecret, publishable_key } = await api.clientSecret(invoice);
    const stripe = await stripeFor(publishable_key);
    const confirmParams = { payment_method: method, return_url: location.href };
    const { error } = await stripe.confirmPayment({ clientSecret, confirmParams, redirect: "if_required" });
    if (error && !paid(error.payment_intent)) throw new Error(error.message ?? "The payment did not go through.");
    done(invoice);
  }
}

export async function show(of: Api): Promise<void> {
  api = of;
  const saved = await api.paymentMethods().catch((error) => {
    if (error instanceof Problem && error.code === "not_found") return null; // an API key is nobody's customer
    throw error;
  });
  if (!saved) return;
  const chosen = saved.find((it) => it.id === methods.value) ?? saved.find((it) => it.is_default);
  methods.replaceChildren(...saved.map((it) => new Option(`${it.brand ?? it.type} ${it.last4 ?? ""}`, it.id, it.is_default, it === chosen)));
  const numbers = (await api.taxIds()).map((it) => Object.assign(document.createElement("li"), { textContent: it.value }));
  find("tax-ids", HTMLElement).replaceChildren(...numbers);
  find("account", HTMLElement).hidden = false;
}

async function begin(): Promise<void> {
  if (adding.ariaBusy === "true") return; // the form that is there is being saved
  const { client_secret: clientSecret, publishable_key: publishableKey } = await api.setupIntent();
  if (!clientSecret) throw new Error("Please try again.");
  const elements = (await stripeFor(publishableKey)).elements({ clientSecret });
  setup?.elements.getElement("payment")?.destroy();
  const fields = elements.create("payment");
  fields.on("ready", () => reveal(adding));
  fields.mount("#method-element");
  setup = { elements, publishableKey };
  adding.hidden = false;
}

async function save(): Promise<void> {
  if (!setup) return;
  const { elements, publishableKey } = setup;
  const { error: incomplete } = await elements.submit();
  if (incomplete) return;
  const stripe = await stripeFor(publishableKey);
  const { error, setupIntent } = await stripe.confirmSetup({ elements, confirmParams: { return_url: location.href }, redirect: "if_required" });
  if (error) throw new Error(error.message ?? "It could not be saved.");
  for (const pause of KNOWN_PAUSES_MS) {
    // The service hears of it by webhook.
    if ((await api.paymentMethods()).some((it) => it.id === setupIntent?.payment_method)) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  elements.getElement("payment")?.destroy();
  setup = null;
  adding.hidden = true;
  await show(api);
}

on(find("add-method", HTMLButtonElement), begin);
on(find("remove-method", HTMLButtonElement), async () => {
  if (methods.value) await api.removePaymentMethod(methods.value);
  await show(api);
});
on(adding, save);
const tax = find("tax", HTMLFormElement);
on(tax, async () => {
  await api.addTaxId(find("tax-type", HTMLSelectElement).value, find("tax-value", HTMLInputElement).value.trim());
  tax.reset();
  await show(api);
});

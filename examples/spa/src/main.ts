// The page: sign in, the list, one payment at a time, and watching it become fulfilled.

import type { Stripe, StripeElements } from "@stripe/stripe-js";
import { Api, type Fulfillment, type Invoice, Problem } from "./api";
import * as account from "./account";
import { find, on, reveal, tell } from "./page";
import { paid, stripeFor } from "./stripe";

const PAUSE_MS = 300;
const LONGEST_PAUSE_MS = 5_000;
const SAYS: Record<Fulfillment["status"], string> = {
  awaiting_payment: "Open",
  action_required: "Waiting for you to authenticate",
  processing: "Payment on its way",
  payment_failed: "Payment failed",
  fulfilled: "Paid and fulfilled",
  disputed: "Paid, and disputed",
  reversed: "Paid back",
  canceled: "Canceled",
  written_off: "Written off",
};
const SETTLED: Fulfillment["status"][] = ["fulfilled", "disputed", "reversed", "canceled", "written_off"];

const form = find("sign-in", HTMLFormElement);
const payment = find("payment", HTMLFormElement);
const message = find("message", HTMLElement);
let api: Api;
/** What was just paid, and is not settled: the service may not know of it yet. */
const watched = new Set<string>();
let current: { invoice: Invoice; stripe: Stripe; elements: StripeElements } | null = null;
/** The invoice that was chosen last, and the last list: an answer that comes late shows nothing any more. */
let chosen = "";
let lists = 0;
let invoices: Invoice[] = [];

/** What Stripe says in the address of somebody whom it sends back. It holds a secret, so it does not stay there. */
const back = new URLSearchParams(location.search);
if (location.search.includes("client_secret")) history.replaceState(null, "", location.pathname);

/** The currencies that Stripe does not count in hundredths. A browser's own table is another: it has HUF without decimals. */
const WHOLE = ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
const THOUSANDTHS = ["bhd", "jod", "kwd", "omr", "tnd"];

/** An amount of minor units in the person's locale. */
function money(amount: number, currency: string): string {
  const digits = WHOLE.includes(currency) ? 0 : THOUSANDTHS.includes(currency) ? 3 : 2;
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(undefined, { style: "currency", currency, ...shown }).format(amount / 10 ** digits);
}

/** Of an open invoice a part may be paid already. */
const owed = (invoice: Invoice) => (invoice.status === "open" ? invoice.amount_remaining : invoice.amount_due);

function row(invoice: Invoice): HTMLTableRowElement {
  const line = document.createElement("tr");
  line.id = invoice.id;
  line.tabIndex = -1;
  const due = invoice.due_at ? new Date(invoice.due_at).toLocaleDateString(undefined, { timeZone: "UTC" }) : "";
  const status = invoice.fulfillment ? SAYS[invoice.fulfillment.status] : invoice.status;
  for (const text of [invoice.number ?? "Draft", money(owed(invoice), invoice.currency), due, status]) {
    line.append(Object.assign(document.createElement("td"), { textContent: text }));
  }
  const action = document.createElement("td");
  const early = invoice.fulfillment?.status === "fulfilled" && invoice.amount_paid === 0; // by a debit that is under way
  if (invoice.status === "open" && invoice.fulfillment?.status !== "processing" && !early && !watched.has(invoice.id)) {
    const button = Object.assign(document.createElement("button"), { textContent: "Pay" });
    button.setAttribute("aria-label", `Pay ${invoice.number}`);
    on(button, () => begin(invoice));
    const checked = document.querySelector<HTMLInputElement>(`#${invoice.id} input`)?.checked ?? false;
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: invoice.id, checked });
    box.setAttribute("aria-label", `Select ${invoice.number}`);
    action.append(button, box);
  }
  line.append(action);
  return line;
}

async function list(): Promise<void> {
  const turn = (lists += 1);
  try {
    await account.show(api); // first: a payment that is begun would be pushed out of view when the account appears above it
  } finally {
    const found = await api.invoices();
    if (turn === lists) {
      invoices = found;
      const focused = document.activeElement;
      find("rows", HTMLElement).replaceChildren(...invoices.map(row));
      const line = document.getElementById(focused?.closest("tr")?.id ?? "");
      if (focused && line) (line.querySelector<HTMLElement>(focused.localName) ?? line).focus({ preventScroll: true });
      find("invoices", HTMLElement).hidden = false;
      form.hidden = true;
      if (invoices.length === 0) message.textContent = "You have no invoices.";
    }
  }
}

/** The list, and what somebody whom Stripe sent back has paid. */
async function start(): Promise<void> {
  await list();
  if (back.get("redirect_status") === "failed") throw new Error("It did not go through. Please try again.");
  const intent = back.get("payment_intent"); // and an invoice that was made in the Dashboard has none yet
  const invoice = intent && invoices.find((it) => it.status === "open" && it.payment_intent === intent);
  if (invoice) void tell(() => watch(invoice.id));
}

async function begin(invoice: Invoice): Promise<void> {
  chosen = invoice.id;
  const secret = await api.clientSecret(invoice.id).catch((error: unknown) => {
    if (error instanceof Problem && error.code === "invalid_state") return null;
    throw error;
  });
  if (!secret) return list(); // it was paid meanwhile, or is not owed any more
  const { client_secret: clientSecret, publishable_key } = secret;
  const stripe = await stripeFor(publishable_key);
  const { paymentIntent } = await stripe.retrievePaymentIntent(clientSecret);
  if (paid(paymentIntent)) return void tell(() => watch(invoice.id)); // before the page was loaded, or elsewhere
  if (chosen !== invoice.id) return;
  if (payment.ariaBusy === "true") throw new Error("Please wait until the other payment is done.");
  close();
  const elements = stripe.elements({ clientSecret });
  const fields = elements.create("payment");
  fields.on("ready", () => reveal(find("paying", HTMLElement)));
  fields.on("loaderror", ({ error }) => (message.textContent = error.message ?? "The form could not be loaded."));
  fields.mount("#element");
  find("paying", HTMLElement).textContent = `Pay invoice ${invoice.number}: ${money(owed(invoice), invoice.currency)}`;
  payment.hidden = false;
  current = { invoice, stripe, elements };
}

async function confirm(): Promise<void> {
  if (!current) return;
  const { invoice, stripe, elements } = current;
  const { error: incomplete } = await elements.submit();
  if (incomplete) return;
  const return_url = location.href;
  const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url }, redirect: "if_required" });
  if (error && !paid(error.payment_intent)) throw new Error(error.message ?? "The payment did not go through.");
  end();
  void tell(() => watch(invoice.id)); // a debit settles days later: other invoices can be paid meanwhile
}

function close(): void {
  current?.elements.getElement("payment")?.destroy();
  payment.hidden = true;
  current = null;
}

function end(): void {
  const line = document.getElementById(current?.invoice.id ?? "");
  close();
  if (line) reveal(line);
}

/** Stripe has the payment; the service hears of it by webhook. Show what it knows until it is settled. */
async function watch(invoiceId: string): Promise<void> {
  watched.add(invoiceId);
  let failed: number | undefined;
  try {
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const known = await api.fulfillment(invoiceId).catch((error: unknown) => {
        if (error instanceof Problem && !error.passes) throw error;
        return null; // the network, or the service, is away for a while
      });
      if (known) {
        const { status, attempts } = known;
        failed ??= attempts; // before this payment
        const cells = document.getElementById(invoiceId)?.children;
        if (cells?.[3]) cells[3].textContent = status === "awaiting_payment" ? "Payment received, being confirmed" : SAYS[status];
        cells?.[4]?.replaceChildren();
        if (SETTLED.includes(status) || (status === "payment_failed" && attempts > failed)) break;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  } finally {
    watched.delete(invoiceId);
  }
  await list();
}

on(form, async () => {
  // The seam for a real sign-in: whatever flow your identity provider has, its access token goes here. It is kept in
  // memory only, so that nothing on this machine can take it later.
  api = new Api(find("token", HTMLInputElement).value.trim());
  await start();
});
on(payment, confirm);
on(find("pay-all", HTMLButtonElement), async () => {
  const boxes = [...document.querySelectorAll<HTMLInputElement>("#rows input:checked")];
  await account.payAll(boxes.map((box) => box.value), (invoice) => void tell(() => watch(invoice)));
});
on(find("cancel", HTMLButtonElement), async () => {
  if (payment.ariaBusy !== "true") end();
});

// The page: sign in, the list, one payment at a time, and watching it become fulfilled.

import type { Stripe, StripeElements } from "@stripe/stripe-js";
import { Api, type Fulfillment, type Invoice } from "./api";
import * as account from "./account";
import { find, reveal, tell } from "./page";
import { stripeFor } from "./stripe";

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
const pay = find("pay", HTMLButtonElement);
let api: Api;
/** What was just paid, and is not settled: the service may not know of it yet. */
const watched = new Set<string>();
let current: { invoice: Invoice; stripe: Stripe; elements: StripeElements } | null = null;

/** The currencies that Stripe does not count in hundredths. A browser's own table is another: it has HUF without decimals. */
const WHOLE = ["bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"];
const THOUSANDTHS = ["bhd", "jod", "kwd", "omr", "tnd"];

/** An amount of minor units in the person's locale. */
function money(amount: number, currency: string): string {
  const digits = WHOLE.includes(currency) ? 0 : THOUSANDTHS.includes(currency) ? 3 : 2;
  const shown = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat(undefined, { style: "currency", currency, ...shown }).format(amount / 10 ** digits);
}

function row(invoice: Invoice): HTMLTableRowElement {
  const line = document.createElement("tr");
  line.id = invoice.id;
  const due = invoice.due_at ? new Date(invoice.due_at).toLocaleDateString(undefined, { timeZone: "UTC" }) : "";
  const status = invoice.fulfillment ? SAYS[invoice.fulfillment.status] : invoice.status;
  for (const text of [invoice.number ?? "Draft", money(invoice.amount_due, invoice.currency), due, status]) {
    line.append(Object.assign(document.createElement("td"), { textContent: text }));
  }
  const action = document.createElement("td");
  const early = invoice.fulfillment?.status === "fulfilled" && invoice.amount_paid === 0; // by a debit that is under way
  if (invoice.status === "open" && invoice.fulfillment?.status !== "processing" && !early && !watched.has(invoice.id)) {
    const button = Object.assign(document.createElement("button"), { textContent: "Pay" });
    button.setAttribute("aria-label", `Pay ${invoice.number}`);
    button.addEventListener("click", () => void tell(() => begin(invoice)));
    const checked = document.querySelector<HTMLInputElement>(`#${invoice.id} input`)?.checked ?? false;
    const box = Object.assign(document.createElement("input"), { type: "checkbox", value: invoice.id, checked });
    box.setAttribute("aria-label", `Select ${invoice.number}`);
    action.append(button, box);
  }
  line.append(action);
  return line;
}

async function list(): Promise<void> {
  try {
    await account.show(api); // first: a payment that is begun would be pushed out of view when the account appears above it
  } finally {
    const invoices = await api.invoices();
    find("rows", HTMLElement).replaceChildren(...invoices.map(row));
    find("invoices", HTMLElement).hidden = false;
    form.hidden = true;
    if (invoices.length === 0) message.textContent = "You have no invoices.";
  }
}

async function begin(invoice: Invoice): Promise<void> {
  const { client_secret: clientSecret, publishable_key } = await api.clientSecret(invoice.id);
  const stripe = await stripeFor(publishable_key);
  const elements = stripe.elements({ clientSecret });
  const fields = elements.create("payment");
  fields.on("ready", () => reveal(find("paying", HTMLElement)));
  fields.mount("#element");
  find("paying", HTMLElement).textContent = `Pay invoice ${invoice.number}: ${money(invoice.amount_due, invoice.currency)}`;
  payment.hidden = false;
  current = { invoice, stripe, elements };
}

async function confirm(): Promise<void> {
  if (!current || pay.disabled) return;
  pay.disabled = true;
  const { invoice, stripe, elements } = current;
  try {
    const { error: incomplete } = await elements.submit();
    if (incomplete) return;
    const return_url = location.href;
    const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url }, redirect: "if_required" });
    if (error) throw new Error(error.message ?? "The payment did not go through.");
    end();
    void tell(() => watch(invoice.id)); // a debit settles days later: other invoices can be paid meanwhile
  } finally {
    pay.disabled = false;
  }
}

function end(): void {
  current?.elements.getElement("payment")?.destroy();
  payment.hidden = true;
  const line = document.getElementById(current?.invoice.id ?? "");
  if (line) reveal(line);
  current = null;
}

/** Stripe has the payment; the service hears of it by webhook. Show what it knows until it is settled. */
async function watch(invoiceId: string): Promise<void> {
  watched.add(invoiceId);
  let failed: number | undefined;
  try {
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
      const { status, attempts } = await api.fulfillment(invoiceId);
      failed ??= attempts; // before this payment
      const cells = document.getElementById(invoiceId)?.children;
      if (cells?.[3]) cells[3].textContent = status === "awaiting_payment" ? "Payment received, being confirmed" : SAYS[status];
      cells?.[4]?.replaceChildren();
      if (SETTLED.includes(status) || (status === "payment_failed" && attempts > failed)) break;
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  } finally {
    watched.delete(invoiceId);
  }
  await list();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  // The seam for a real sign-in: whatever flow your identity provider has, its access token goes here. It is kept in
  // memory only, so that nothing on this machine can take it later.
  api = new Api(find("token", HTMLInputElement).value.trim());
  void tell(list);
});
payment.addEventListener("submit", (event) => {
  event.preventDefault();
  void tell(confirm);
});
const payAll = find("pay-all", HTMLButtonElement);
payAll.addEventListener("click", () => void tell(async () => {
  const boxes = [...document.querySelectorAll<HTMLInputElement>("#rows input:checked")];
  payAll.disabled = true;
  const paid = (invoice: string) => void tell(() => watch(invoice));
  await account.payAll(boxes.map((box) => box.value), paid).finally(() => (payAll.disabled = false));
}));
find("cancel", HTMLButtonElement).addEventListener("click", end);
// What Stripe adds to the address when it sends somebody back holds a secret.
if (location.search.includes("client_secret")) history.replaceState(null, "", location.pathname);

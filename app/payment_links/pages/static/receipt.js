// What the pages say of a payment once Stripe has it: when, with what, and where the receipt is.

import { element, payment } from "./service.js";

const list = element("payment", HTMLElement);
const receipt = element("receipt", HTMLElement);

/** Shows it on the page. Where Stripe cannot be asked, the page stays as it is. */
export async function showPayment() {
  const found = await payment(list.closest("main")?.dataset.address ?? "").catch(() => undefined);
  if (!found?.facts.length) return;
  list.replaceChildren(...found.facts.map(row));
  receipt.hidden = !found.receipt;
}

/** @param {[label: string, value: string]} fact */
function row([label, value]) {
  const pair = document.createElement("div");
  pair.append(Object.assign(document.createElement("dt"), { textContent: label }), Object.assign(document.createElement("dd"), { textContent: value }));
  return pair;
}

// Other pages call it once the invoice is paid.
if (document.querySelector('[data-view="fulfilled"]')) void showPayment();

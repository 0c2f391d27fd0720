// Paying a part: how much, and the session of the PaymentIntent that is made for it.

import { Refused, element, part, pause } from "./service.js";
import { money, text } from "./texts.js";

/** @typedef {import("./service.js").Session} Session */
/**
 * @typedef {object} Page what the choice does to the page
 * @property {string} address
 * @property {() => Promise<void>} whole offers to pay all of it
 * @property {(found: Session, amount: string) => Promise<void>} some offers to pay a part; the amount as the payer reads it
 * @property {() => void} choosing there is nothing to pay with until an amount is chosen
 * @property {(busy: boolean, text?: string) => void} working
 * @property {(text: string) => void} say
 * @property {(refused: Refused) => boolean} ended whether the page is left, because the invoice is not to be paid any more
 */

const BUSY_PAUSES_MS = [1000, 1500, 2000, 3000, 4000];
const BUSY = text("Another payment of this invoice is under way. Please reload this page in a moment.");
const FAILED = text("This amount could not be offered. Nothing was charged. Please try again.");

/** The amount that was typed, in minor units; NaN if it is none. @param {string} typed @param {number} decimals */
function minor(typed, decimals) {
  const [whole = "", fraction = "0", ...more] = typed.trim().replaceAll(",", ".").split(".");
  const digits = [...whole, ...fraction].every((one) => one >= "0" && one <= "9");
  const fits = whole.length >= 1 && whole.length <= 12 && fraction.length >= 1 && fraction.length <= Math.max(decimals, 1);
  if (!digits || !fits || more.length || (!decimals && fraction !== "0")) return Number.NaN;
  return Number(whole + fraction.slice(0, decimals).padEnd(decimals, "0"));
}

/** @param {string} address @param {number} amount @returns {Promise<Session>} */
async function begun(address, amount) {
  const key = crypto.randomUUID();
  for (const ms of BUSY_PAUSES_MS) {
    try {
      return await part(address, amount, key);
    } catch (error) {
      if (error instanceof Refused && error.code !== "invoice_busy" && error.code !== "rate_limited") throw error;
      await pause(ms);
    }
  }
  return part(address, amount, key);
}

/** Lets the person choose, where the link allows it. @param {Page} page */
export function offerParts(page) {
  const parts = document.getElementById("parts");
  if (!parts) return;
  const { minimum, remaining, decimals, currency = "" } = parts.dataset;
  const [least, most, places] = [Number(minimum), Number(remaining) - Number(minimum), Number(decimals)];
  const [box, typed, use] = [element("part", HTMLElement), element("amount", HTMLInputElement), element("use", HTMLButtonElement)];

  async function choose() {
    const amount = minor(typed.value, places);
    typed.setAttribute("aria-invalid", String(!(amount >= least && amount <= most)));
    if (!(amount >= least && amount <= most)) return typed.focus();
    page.say("");
    page.choosing();
    page.working(true, text("One moment …"));
    try {
      await page.some(await begun(page.address, amount), money(amount, currency, places));
      use.focus();
    } catch (error) {
      if (error instanceof Refused && page.ended(error)) return;
      page.choosing();
      page.say(error instanceof Refused && error.code === "invoice_busy" ? BUSY : FAILED);
    }
  }

  parts.addEventListener("change", ({ target }) => {
    if (!(target instanceof HTMLInputElement) || target.name !== "how") return;
    box.hidden = target.value !== "part";
    page.say("");
    page.choosing();
    if (box.hidden) page.whole().catch(() => page.say(FAILED));
    else typed.focus();
  });
  typed.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    void choose();
  });
  use.addEventListener("click", () => void choose());
}

// The fields of each Element: what they ask for, and what is wrong with what was typed.

import { brandOf, checkExpiry, checkNumber, digitsOf } from "./card.js";
import { addressFields } from "./address.js";

/** @typedef {{ id: string, label?: string, autocomplete: string, digits?: number, hint?: string, type?: string, choices?: [value: string, label: string][], optional?: boolean, check: (text: string) => string | null }} Field */
/** @typedef {Record<string, any>} Options */

/** @param {string} id */
export const input = (id) => /** @type {HTMLInputElement | null} */ (document.getElementById(id));
/** What is typed in a field; nothing where the Element has no such field. @param {string} id */
export const typed = (id) => input(id)?.value ?? "";

/** @param {string} code @param {string} text */
const needed = (code, text) => (text.trim() ? null : code);

/** @param {string} text */
function checkEmail(text) {
  if (!text.trim()) return "incomplete_email";
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text.trim()) ? null : "invalid_email";
}

/** @type {Field} */
const NUMBER = { id: "number", autocomplete: "cc-number", digits: 19, hint: "1234 1234 1234 1234", check: checkNumber };
/** @type {Field} */
const EXPIRY = { id: "expiry", autocomplete: "cc-exp", digits: 4, hint: "MM / YY", check: checkExpiry };
/** @type {Field} */
const CVC = { id: "cvc", autocomplete: "cc-csc", digits: 4, hint: "CVC", check(text) {
  const wanted = brandOf(digitsOf(typed("number"))).brand === "amex" ? 4 : 3;
  return digitsOf(text).length < wanted ? "incomplete_cvc" : null;
} };
/** @type {Field} */
const EMAIL = { id: "email", autocomplete: "email", type: "email", hint: "you@example.com", check: checkEmail };
/** @type {Field[]} */
const ACCOUNT = [
  { id: "name", autocomplete: "name", check: (text) => needed("incomplete_name", text) },
  { id: "routing", autocomplete: "off", digits: 9, hint: "110000000", check: (text) => (digitsOf(text).length === 9 ? null : "incomplete_routing_number") },
  { id: "account", autocomplete: "off", digits: 17, hint: "000123456789", check: (text) => (digitsOf(text).length >= 5 ? null : "incomplete_account_number") },
];

/** @param {string} text */
function checkIban(text) {
  const iban = text.replaceAll(/\s/g, "").toUpperCase();
  if (iban.length < 15) return "incomplete_iban";
  const digits = [...iban.slice(4), ...iban.slice(0, 4)].map((sign) => parseInt(sign, 36)).join("");
  return /^[A-Z]{2}\d{2}[A-Z0-9]+$/.test(iban) && BigInt(digits) % 97n === 1n ? null : "invalid_iban";
}

/** @type {Field} */
const IBAN = { id: "iban", autocomplete: "off", hint: "DE89370400440532013000", check: checkIban };
/** @type {Field[]} */
const SEPA = [{ id: "holder", label: "name", autocomplete: "name", check: (text) => needed("incomplete_name", text) }, IBAN];

/** The payment methods that a Payment Element can show. @type {Record<string, Field[]>} */
const METHODS = { card: [NUMBER, EXPIRY, CVC], us_bank_account: ACCOUNT, sepa_debit: SEPA };
/** Bank debits are in the currency of the bank's country. @type {Record<string, string>} */
const CURRENCIES = { us_bank_account: "usd", sepa_debit: "eur" };

/** Those of an intent that can be shown. @param {string[]} types */
export const shownOf = (types) => Object.keys(METHODS).filter((type) => types.includes(type));

/** What an account with the usual settings offers. @param {string | undefined} currency @param {boolean} manual whether the payment is captured later */
export function offered(currency, manual) {
  return Object.keys(METHODS).filter((type) => type === "card" || (!manual && (!currency || CURRENCIES[type] === currency)));
}

/** The fields of an Element, by panel. Only a Payment Element has several. @param {string} kind @param {string[]} methods @param {Options} options @returns {Map<string, Field[]>} */
export function panelsOf(kind, methods, options) {
  /** @type {Record<string, Field[]>} */
  const single = { card: [NUMBER, EXPIRY, CVC], iban: [IBAN], cardNumber: [NUMBER], cardExpiry: [EXPIRY], cardCvc: [CVC], linkAuthentication: [EMAIL], contactDetails: [EMAIL] };
  if (kind === "address") return new Map([["address", addressFields(options)]]);
  if (kind !== "payment") return new Map([["card", single[kind] ?? []]]);
  const details = options.fields?.billingDetails;
  const hidesName = details === "never" || details?.name === "never";
  const shown = (/** @type {Field} */ field) => !hidesName || !["name", "holder"].includes(field.id);
  return new Map(methods.map((method) => [method, (METHODS[method] ?? []).filter(shown)]));
}

/** What a page wants to be filled in before anything is typed. @param {string} kind @param {Options} options @returns {Record<string, string | null | undefined>} */
export function defaultsOf(kind, { defaultValues = {} }) {
  if (kind === "payment") return { name: defaultValues.billingDetails?.name, holder: defaultValues.billingDetails?.name };
  if (kind !== "address") return { email: defaultValues.email };
  const { address = {}, firstName, lastName, name = [firstName, lastName].filter(Boolean).join(" "), phone } = defaultValues;
  return { name, first_name: firstName, last_name: lastName, phone, ...address };
}

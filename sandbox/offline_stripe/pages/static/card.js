// Card numbers and expiry dates: what is wrong with them, as codes of Stripe's.

export const digitsOf = (/** @type {string} */ text) => text.replaceAll(/\D/g, "");

/** @param {string} number */
function passesLuhn(number) {
  const sum = [...number].reverse().reduce((total, digit, index) => {
    const value = index % 2 ? Number(digit) * 2 : Number(digit);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/** The brand of a number, and how long it is. @param {string} number @returns {{ brand: string, length: number }} */
export function brandOf(number) {
  const brands = /** @type {[RegExp, string, number][]} */ ([
    [/^4/, "visa", 16], [/^(5[1-5]|2[2-7])/, "mastercard", 16], [/^3[47]/, "amex", 15],
    [/^(6011|65|64[4-9])/, "discover", 16], [/^(30[0-5]|36|38)/, "diners", 14], [/^35/, "jcb", 16],
  ]);
  const [, brand, length] = brands.find(([start]) => start.test(number)) ?? [/^/, "unknown", 16];
  return { brand, length };
}

/** @param {string} text */
export function checkNumber(text) {
  const typed = digitsOf(text);
  if (typed.length < brandOf(typed).length) return "incomplete_number";
  return passesLuhn(typed) ? null : "invalid_number";
}

/** @param {string} text */
export function checkExpiry(text) {
  const typed = digitsOf(text);
  if (typed.length < 4) return "incomplete_expiry";
  const [month, year] = [Number(typed.slice(0, 2)), 2000 + Number(typed.slice(2))];
  if (month < 1 || month > 12) return "invalid_expiry_month";
  const now = new Date();
  if (year < now.getFullYear()) return "invalid_expiry_year_past";
  if (year === now.getFullYear() && month < now.getMonth() + 1) return "invalid_expiry_month_past";
  return null;
}

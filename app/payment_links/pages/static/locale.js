// Owns how amounts and dates read: in the person's own locale. What the server wrote stays where the browser cannot.

const locales = [...navigator.languages];

/** @param {ParentNode} within */
export function localize(within) {
  for (const amount of within.querySelectorAll("data.money")) {
    const { value, dataset } = /** @type {HTMLDataElement} */ (amount);
    amount.textContent = new Intl.NumberFormat(locales, { style: "currency", currency: dataset.currency })
      .format(/** @type {Intl.StringNumericLiteral} */ (value));
  }
  for (const time of within.querySelectorAll("time")) {
    time.textContent = new Intl.DateTimeFormat(locales, { dateStyle: "long" }).format(new Date(time.dateTime));
  }
}

localize(document);

// Writes amounts and dates in the person's own locale. Where the browser cannot, what the server wrote stays.

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

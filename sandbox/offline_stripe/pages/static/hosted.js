// Paying on the hosted invoice page: the same Stripe.js that a merchant's page would load.

const form = document.querySelector("form");
const said = document.querySelector("[role=alert]");
const button = document.querySelector("button");

if (form && said && button && window.Stripe) {
  const stripe = window.Stripe(form.dataset.key ?? "");
  const elements = stripe.elements({ clientSecret: form.dataset.clientSecret ?? "" });
  const payment = elements.create("payment");
  payment.on("ready", () => { button.disabled = false; });
  payment.mount("#element");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    const address = location.origin + location.pathname;
    const { error: wrong } = await elements.submit();
    const { error } = wrong ? { error: wrong } : await stripe.confirmPayment({ elements, confirmParams: { return_url: address } });
    button.disabled = false;
    said.textContent = error?.type === "validation_error" ? "" : error?.message ?? "";
  });
}

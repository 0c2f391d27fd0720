// Inside the frame of an Element that the sandbox does not simulate: it says so, to the person and to the page.

addEventListener("message", (event) => {
  const port = event.ports[0];
  if (event.source !== parent || !event.data?.setup || !port) return;
  const { type } = event.data.setup;
  port.onmessage = ({ data }) => port.postMessage({ reply: data.number, answer: {} });
  if (type === "expressCheckout") {
    // As at Stripe where the browser has no wallet: nothing to show.
    port.postMessage({ event: "ready", details: { availablePaymentMethods: undefined } });
    return;
  }
  const message = `not simulated here: the Element ${type}`;
  document.body.textContent = message;
  port.postMessage({ event: "loaderror", details: { error: { type: "api_error", code: "sandbox_not_simulated", message } } });
}, { once: true });

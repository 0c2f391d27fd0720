// Saving a payment method, confirming on the server, coming back, and what the sandbox does not simulate.

import { useEffect, useState } from "react";
import { AuBankAccountElement, Elements, PaymentElement } from "@stripe/react-stripe-js";
import { Form, must, type Submit } from "../Form";
import { WithSecret } from "../WithSecret";
import { ask, ORDER, returnUrl, stripePromise } from "../stripe";

/** A payment method is saved for later. */
export function Setup() {
  const submit: Submit = async (stripe, elements) => {
    const { setupIntent } = must(await stripe.confirmSetup({ elements, confirmParams: { return_url: returnUrl() }, redirect: "if_required" }));
    return `The setup is ${setupIntent.status}.`;
  };
  return <WithSecret kind="setup-intent"><Form submit={submit} label="Save"><PaymentElement /></Form></WithSecret>;
}

/** The same, and the person is redirected. */
export function SetupAndReturn() {
  const submit: Submit = async (stripe, elements) => {
    must(await stripe.confirmSetup({ elements, confirmParams: { return_url: returnUrl() } }));
    return undefined;
  };
  return <WithSecret kind="setup-intent"><Form submit={submit} label="Save"><PaymentElement /></Form></WithSecret>;
}

/** The page makes a payment method, the server confirms, and the page does what is then needed. */
export function ServerSide() {
  const submit: Submit = async (stripe, elements) => {
    must(await elements.submit());
    const { paymentMethod } = must(await stripe.createPaymentMethod({ elements, params: { billing_details: { name: "Jenny Rosen" } } }));
    const { client_secret: clientSecret, status } = await ask("pay", { payment_method: paymentMethod.id });
    if (status !== "requires_action") return `The payment is ${status}.`;
    const { paymentIntent } = must(await stripe.handleNextAction({ clientSecret }));
    return `The payment is ${paymentIntent?.status}.`;
  };
  return (
    <Elements stripe={stripePromise} options={{ ...ORDER, paymentMethodCreation: "manual" }}>
      <Form submit={submit}><PaymentElement /></Form>
    </Elements>
  );
}

// What Stripe adds to the address holds a secret. The page's history keeps it, for a reload; the address does not.
const back = new URLSearchParams(location.search || (history.state ?? ""));

/** Where every redirect ends. */
export function Return() {
  const [said, setSaid] = useState("One moment …");
  useEffect(() => {
    history.replaceState(back.toString(), "", location.pathname);
    const payment = back.get("payment_intent_client_secret");
    const setup = back.get("setup_intent_client_secret");
    void stripePromise.then(async (stripe) => {
      if (payment) setSaid(`The payment is ${(await stripe?.retrievePaymentIntent(payment))?.paymentIntent?.status}.`);
      else if (setup) setSaid(`The setup is ${(await stripe?.retrieveSetupIntent(setup))?.setupIntent?.status}.`);
      else setSaid("Nothing was paid.");
    });
  }, []);
  return <p role="status">{said}</p>;
}

/** What is not simulated says so, and nothing breaks. */
export function Missing() {
  const submit: Submit = async (stripe) => {
    must(await stripe.confirmKlarnaPayment("pi_1_secret_1"));
    return undefined;
  };
  return (
    <Elements stripe={stripePromise}>
      <Form submit={submit}><AuBankAccountElement /></Form>
    </Elements>
  );
}

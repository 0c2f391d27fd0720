// Payments with the Payment Element.

import { useState } from "react";
import { AddressElement, Elements, ExpressCheckoutElement, LinkAuthenticationElement, PaymentElement } from "@stripe/react-stripe-js";
import { Form, must, type Submit } from "../Form";
import { WithSecret } from "../WithSecret";
import { appearance, ask, ORDER, returnUrl, stripePromise } from "../stripe";

const confirmParams = () => ({ return_url: returnUrl() });

/** The PaymentIntent exists before the form is shown. The person is always redirected. */
export function Payment() {
  const submit: Submit = async (stripe, elements) => {
    must(await stripe.confirmPayment({ elements, confirmParams: confirmParams() }));
    return undefined;
  };
  return <WithSecret kind="payment-intent"><Form submit={submit}><PaymentElement /></Form></WithSecret>;
}

/** The same, but the person stays on the page where the payment method allows it. */
export function Stay() {
  const submit: Submit = async (stripe, elements) => {
    const { paymentIntent } = must(await stripe.confirmPayment({ elements, confirmParams: confirmParams(), redirect: "if_required" }));
    return `The payment is ${paymentIntent.status}.`;
  };
  return <WithSecret kind="payment-intent"><Form submit={submit}><PaymentElement /></Form></WithSecret>;
}

/** The PaymentIntent is made only when the person pays, for the amount that then counts. */
export function Deferred() {
  const [amount, setAmount] = useState(1000);
  const submit: Submit = async (stripe, elements) => {
    must(await elements.submit());
    const { client_secret: clientSecret } = await ask("payment-intent");
    const { paymentIntent } = must(await stripe.confirmPayment({ elements, clientSecret, confirmParams: confirmParams(), redirect: "if_required" }));
    return `The payment is ${paymentIntent.status}.`;
  };
  return (
    <Elements stripe={stripePromise} options={{ ...ORDER, amount, appearance }}>
      <button onClick={() => setAmount(ORDER.amount)}>Add to the order</button>
      <Form submit={submit}><PaymentElement /></Form>
    </Elements>
  );
}

/** The form is shown when it is wanted, taken away and shown again: every time with a new Element. */
export function Later() {
  const [shown, setShown] = useState(false);
  const submit: Submit = async (stripe, elements) => {
    must(await elements.submit());
    const { client_secret: clientSecret } = await ask("payment-intent");
    const { paymentIntent } = must(await stripe.confirmPayment({ elements, clientSecret, confirmParams: confirmParams(), redirect: "if_required" }));
    return `The payment is ${paymentIntent.status}.`;
  };
  return (
    <Elements stripe={stripePromise} options={{ ...ORDER, appearance }}>
      <button onClick={() => setShown(!shown)}>{shown ? "Not now" : "Pay now"}</button>
      <Form submit={submit}>{shown && <PaymentElement />}</Form>
    </Elements>
  );
}

/** Everything that a checkout page shows. */
export function Checkout() {
  const [wallets, setWallets] = useState("not known yet");
  const [complete, setComplete] = useState(false);
  const submit: Submit = async (stripe, elements) => {
    must(await elements.submit());
    const { client_secret: clientSecret } = await ask("payment-intent");
    const { paymentIntent } = must(await stripe.confirmPayment({ elements, clientSecret, confirmParams: confirmParams(), redirect: "if_required" }));
    return `The payment is ${paymentIntent.status} and goes to ${paymentIntent.shipping?.name}, ${paymentIntent.shipping?.address?.city}.`;
  };
  return (
    <Elements stripe={stripePromise} options={{ ...ORDER, appearance }}>
      <ExpressCheckoutElement
        onReady={({ availablePaymentMethods }) => setWallets(availablePaymentMethods ? "some" : "none")}
        onConfirm={() => undefined}
      />
      <p>Wallets: {wallets}. Address: {complete ? "complete" : "incomplete"}.</p>
      <Form submit={submit}>
        <LinkAuthenticationElement />
        <AddressElement options={{ mode: "shipping", fields: { phone: "always" } }} onChange={(event) => setComplete(event.complete)} />
        <PaymentElement />
      </Form>
    </Elements>
  );
}

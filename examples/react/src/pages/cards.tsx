// Payments with Elements for a single payment method.

import { CardCvcElement, CardElement, CardExpiryElement, CardNumberElement, Elements, IbanElement } from "@stripe/react-stripe-js";
import { Form, must, type Submit } from "../Form";
import { ask, stripePromise } from "../stripe";

/** All of the card in one line. */
export function Card() {
  const submit: Submit = async (stripe, elements) => {
    const card = elements.getElement(CardElement);
    if (!card) throw new Error("There is no CardElement.");
    const { client_secret } = await ask("payment-intent");
    const payment_method = { card, billing_details: { name: "Jenny Rosen" } };
    const { paymentIntent } = must(await stripe.confirmCardPayment(client_secret, { payment_method }));
    return `The payment is ${paymentIntent.status}.`;
  };
  return <Elements stripe={stripePromise}><Form submit={submit}><CardElement options={{ hidePostalCode: true }} /></Form></Elements>;
}

/** An Element for each part of the card. */
export function Parts() {
  const submit: Submit = async (stripe, elements) => {
    const card = elements.getElement(CardNumberElement);
    if (!card) throw new Error("There is no CardNumberElement.");
    const { client_secret } = await ask("payment-intent");
    const { paymentIntent } = must(await stripe.confirmCardPayment(client_secret, { payment_method: { card } }));
    return `The payment is ${paymentIntent.status}.`;
  };
  return (
    <Elements stripe={stripePromise}>
      <Form submit={submit}><CardNumberElement /><CardExpiryElement /><CardCvcElement /></Form>
    </Elements>
  );
}

/** A SEPA debit from an IBAN. */
export function Iban() {
  const submit: Submit = async (stripe, elements) => {
    const sepa_debit = elements.getElement(IbanElement);
    if (!sepa_debit) throw new Error("There is no IbanElement.");
    const { client_secret } = await ask("payment-intent", { currency: "eur" });
    const payment_method = { sepa_debit, billing_details: { name: "Jenny Rosen", email: "jenny@example.com" } };
    const { paymentIntent } = must(await stripe.confirmSepaDebitPayment(client_secret, { payment_method }));
    return `The payment is ${paymentIntent.status}.`;
  };
  return <Elements stripe={stripePromise}><Form submit={submit}><IbanElement options={{ supportedCountries: ["SEPA"] }} /></Form></Elements>;
}

/** A token, for servers that still take one. */
export function Token() {
  const submit: Submit = async (stripe, elements) => {
    const card = elements.getElement(CardElement);
    if (!card) throw new Error("There is no CardElement.");
    const { token } = must(await stripe.createToken(card, { name: "Jenny Rosen" }));
    return `The token ${token.id} is of the card ${token.card?.last4}.`;
  };
  return <Elements stripe={stripePromise}><Form submit={submit} label="Make a token"><CardElement options={{ hidePostalCode: true }} /></Form></Elements>;
}

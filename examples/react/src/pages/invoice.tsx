// An order as an invoice of the invoicing service: the page pays it and sees it fulfilled.

import { useEffect, useRef, useState } from "react";
import { Elements, PaymentElement } from "@stripe/react-stripe-js";
import { createInvoicing } from "invoicing-client";
import { Form, must } from "../Form";
import { usePayment } from "../invoicing";
import { appearance, ask, stripePromise } from "../stripe";

// The shop's server forwards these calls with its own key, for the invoice of this order only.
const invoicing = createInvoicing({ baseUrl: `${location.origin}/invoicing`, apiKey: "" });

// The address names the order: it is the same one when the page is loaded again, or when a bank sends the person back.
const known = new URLSearchParams(location.search).get("order");
const keep = (id: string) => history.replaceState(null, "", `?order=${id}`);

export function Order() {
  const [id, setId] = useState(known ?? undefined);
  const [failed, setFailed] = useState<Error>();
  const asked = useRef(false);
  const order = () => ask("order").then((made) => setId(made.id), setFailed);
  useEffect(() => {
    if (asked.current || known) return; // StrictMode runs effects twice; one visit is one order
    asked.current = true;
    void order();
  }, []);
  useEffect(() => {
    if (id) keep(id); // without what Stripe adds: it holds a secret
  }, [id]);
  const { invoice, clientSecret, fulfilled, underWay, problem, retry } = usePayment(invoicing, id);

  if (failed) return <p role="alert">{failed.message}</p>;
  if (fulfilled) {
    return (
      <>
        <p role="status">Invoice {invoice?.number} is paid. Your order is on its way.</p>
        <button onClick={order}>Order the same again</button>
      </>
    );
  }
  if (underWay) return <p role="status">The payment is on its way. You may leave this page.</p>;
  const gone = problem?.status === 404; // the shop knows no such order
  if (problem) return <div role="alert">{problem.message} <button onClick={gone ? order : retry}>{gone ? "Order again" : "Try again"}</button></div>;
  if (!clientSecret) return <p>One moment …</p>;
  return (
    <Elements stripe={stripePromise} options={{ clientSecret, appearance }}>
      <Form
        submit={async (stripe, elements) => {
          must(await stripe.confirmPayment({ elements, redirect: "if_required", confirmParams: { return_url: location.href } }));
          return "The payment is on its way.";
        }}
      >
        <PaymentElement />
      </Form>
    </Elements>
  );
}

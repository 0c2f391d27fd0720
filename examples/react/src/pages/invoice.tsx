// An order as an invoice of the invoicing service: the page pays it and sees it fulfilled.

import { useEffect, useRef, useState } from "react";
import { Elements, PaymentElement } from "@stripe/react-stripe-js";
import { createInvoicing } from "invoicing-client";
import { Form, must } from "../Form";
import { usePayment } from "../invoicing";
import { appearance, returnUrl, stripePromise } from "../stripe";

// The shop's server forwards these calls with its own key, for the invoice of this order only.
const invoicing = createInvoicing({ baseUrl: `${location.origin}/invoicing`, apiKey: "" });

export function Order() {
  const [id, setId] = useState<string>();
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return;
    asked.current = true;
    fetch("/api/order", { method: "POST", body: "{}" })
      .then((answer) => answer.json())
      .then((order) => setId(order.id));
  }, []);
  const { invoice, clientSecret, fulfilled, problem } = usePayment(invoicing, id);

  if (problem) return <p role="alert">{problem.message}</p>;
  if (fulfilled) return <p role="status">Invoice {invoice?.number} is paid. Your order is on its way.</p>;
  if (!clientSecret) return <p>One moment …</p>;
  return (
    <Elements stripe={stripePromise} options={{ clientSecret, appearance }}>
      <Form
        submit={async (stripe, elements) => {
          must(await stripe.confirmPayment({ elements, redirect: "if_required", confirmParams: { return_url: returnUrl() } }));
          return "The payment is on its way.";
        }}
      >
        <PaymentElement />
      </Form>
    </Elements>
  );
}

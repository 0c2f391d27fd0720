// Hooks over the client of the invoicing service: an invoice that is kept up to date, and its payment.

import { useCallback, useEffect, useState } from "react";
import { type Invoicing, InvoicingError, type Schemas } from "invoicing-client";

export type Invoice = Schemas["Invoice"];

/** An invoice. It is read again whenever the service tells that something became of it. */
export function useInvoice(invoicing: Invoicing, id: string | undefined) {
  const [invoice, setInvoice] = useState<Invoice>();
  const [problem, setProblem] = useState<InvoicingError>();

  useEffect(() => {
    if (!id) return;
    const unmounted = new AbortController();
    const follow = async () => {
      setInvoice(await invoicing.invoices.get(id));
      for await (const _ of invoicing.feed.stream({ invoice: id, signal: unmounted.signal })) setInvoice(await invoicing.invoices.get(id));
    };
    follow().catch((error: unknown) => {
      if (!unmounted.signal.aborted) setProblem(error as InvoicingError);
    });
    return () => unmounted.abort();
  }, [invoicing, id]);

  return { invoice, problem };
}

/** What a page needs to take the payment of an invoice, and whether it has come. `retry` asks again after a problem. */
export function usePayment(invoicing: Invoicing, id: string | undefined) {
  const { invoice, problem: unreadable } = useInvoice(invoicing, id);
  const [secret, setSecret] = useState<Schemas["ClientSecret"]>();
  const [problem, setProblem] = useState<InvoicingError>();
  const payable = invoice?.status === "open" && !invoice.fulfillment?.fulfilled_at;

  const retry = useCallback(() => {
    if (!id || !payable) return;
    invoicing.invoices.getClientSecret(id).then(setSecret, setProblem);
  }, [invoicing, id, payable]);
  useEffect(retry, [retry]);

  return {
    invoice,
    clientSecret: secret?.client_secret,
    publishableKey: secret?.publishable_key,
    fulfilled: invoice?.fulfillment?.status === "fulfilled",
    problem: problem ?? unreadable,
    retry,
  };
}

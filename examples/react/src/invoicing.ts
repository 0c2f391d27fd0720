// Hooks over the client of the invoicing service: an invoice that is kept up to date, and its payment.

import { useCallback, useEffect, useState } from "react";
import { type Invoicing, InvoicingError, type Schemas } from "invoicing-client";

export type Invoice = Schemas["Invoice"];

/** An invoice. It is read again whenever the service tells that something became of it. `retry` begins anew after a problem. */
export function useInvoice(invoicing: Invoicing, id: string | undefined) {
  const [invoice, setInvoice] = useState<Invoice>();
  const [problem, setProblem] = useState<InvoicingError>();
  const [tries, setTries] = useState(0);

  useEffect(() => {
    setProblem(undefined);
    if (!id) return;
    const left = new AbortController();
    const { signal } = left;
    const read = async () => setInvoice(await invoicing.invoices.get(id, { signal }));
    const follow = async () => {
      await read();
      for await (const _ of invoicing.feed.stream({ invoice: id, signal })) await read();
    };
    follow().catch((error: unknown) => {
      if (!signal.aborted) setProblem(error as InvoicingError);
    });
    return () => left.abort();
  }, [invoicing, id, tries]);

  const retry = useCallback(() => setTries((before) => before + 1), []);
  return { invoice: invoice?.id === id ? invoice : undefined, problem, retry };
}

/** What a page needs to take the payment of an invoice, and whether it has come. `retry` asks again after a problem. */
export function usePayment(invoicing: Invoicing, id: string | undefined) {
  const { invoice, problem: unreadable, retry: follow } = useInvoice(invoicing, id);
  const [answers, setAnswers] = useState<Record<string, { secret?: Schemas["ClientSecret"]; problem?: InvoicingError }>>({});
  const payable = invoice?.status === "open" && !invoice.fulfillment?.fulfilled_at;

  const ask = useCallback(() => {
    if (!id || !payable) return;
    const keep = (answer: (typeof answers)[string]) => setAnswers((others) => ({ ...others, [id]: answer }));
    invoicing.invoices.getClientSecret(id).then((secret) => keep({ secret }), (problem: InvoicingError) => keep({ problem }));
  }, [invoicing, id, payable]);
  useEffect(ask, [ask]);
  const retry = useCallback(() => {
    follow();
    ask();
  }, [follow, ask]);
  const { secret, problem } = (id && answers[id]) || {};

  return {
    invoice,
    clientSecret: secret?.client_secret,
    publishableKey: secret?.publishable_key,
    fulfilled: invoice?.fulfillment?.status === "fulfilled",
    /** The bank takes its time: nothing is to be paid again. */
    underWay: invoice?.fulfillment?.status === "processing",
    problem: problem ?? unreadable,
    retry,
  };
}

// The form around every kind of Element: one submission at a time, none after one that succeeded, and what came of it.

import { useState, type FormEvent, type ReactNode } from "react";
import { useElements, useStripe } from "@stripe/react-stripe-js";
import type { Stripe, StripeElements } from "@stripe/stripe-js";

/** Answers what to say on success. What it throws is said as a failure. */
export type Submit = (stripe: Stripe, elements: StripeElements) => Promise<string | undefined>;

export function Form({ children, submit, label = "Pay" }: { children?: ReactNode; submit: Submit; label?: string }) {
  const stripe = useStripe();
  const elements = useElements();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const [result, setResult] = useState("");

  async function onSubmit(event: FormEvent) {
    event.preventDefault();
    if (!stripe || !elements) return;
    setBusy(true);
    setProblem("");
    try {
      setResult((await submit(stripe, elements)) ?? "");
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  }

  return (
    <form onSubmit={onSubmit}>
      {children}
      <button disabled={!stripe || busy || result !== ""}>{label}</button>
      <p role="alert">{problem}</p>
      <p role="status">{result}</p>
    </form>
  );
}

/** Stripe answers errors instead of throwing them. */
export function must<T extends { error?: { message?: string } }>(result: T): Exclude<T, { error: { message?: string } }> {
  if (result.error) throw new Error(result.error.message ?? "It did not work.");
  return result as Exclude<T, { error: { message?: string } }>;
}

// Elements for an intent that the server has made before.

import { useEffect, useRef, useState, type ReactNode } from "react";
import { Elements } from "@stripe/react-stripe-js";
import type { StripeElementLocale, StripeElementsOptions } from "@stripe/stripe-js";
import { appearance, ask, stripePromise } from "./stripe";

/** The language and the currency that the address asks for, e.g. `?locale=de&currency=eur`. */
const query = new URLSearchParams(location.search);
const locale = (query.get("locale") ?? "auto") as StripeElementLocale;
const currency = query.get("currency") ?? undefined;

export function WithSecret({ kind, children }: { kind: "payment-intent" | "setup-intent"; children: ReactNode }) {
  const [options, setOptions] = useState<StripeElementsOptions>();
  const [failed, setFailed] = useState<Error>();
  const asked = useRef(false);
  useEffect(() => {
    if (asked.current) return; // StrictMode runs effects twice; one order needs one intent
    asked.current = true;
    void ask(kind, { currency }).then(({ client_secret: clientSecret }) => setOptions({ clientSecret, appearance, locale }), setFailed);
  }, [kind]);
  if (failed) return <p role="alert">{failed.message}</p>;
  return options ? <Elements stripe={stripePromise} options={options}>{children}</Elements> : <p>One moment …</p>;
}

// Calls that Stripe's types refuse. Were the check blind, it would complain about the expectations below.

export async function wrong() {
  const stripe = window.Stripe?.("pk_test_x");
  // @ts-expect-error there is no such way to redirect
  await stripe?.confirmPayment({ redirect: "never" });
  // @ts-expect-error a client secret is a text
  await stripe?.retrievePaymentIntent(1);
  // @ts-expect-error no such Element
  stripe?.elements().create("crad");
}

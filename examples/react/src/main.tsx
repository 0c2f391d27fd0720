// One page for each way to pay; the address says which, e.g. /payment.

import { StrictMode, type ComponentType } from "react";
import { createRoot } from "react-dom/client";
import { Card, Iban, Parts, Token } from "./pages/cards";
import { Order } from "./pages/invoice";
import { Missing, Return, ServerSide, Setup, SetupAndReturn } from "./pages/others";
import { Checkout, Deferred, Later, Payment, Stay } from "./pages/payments";
import "./style.css";

const PAGES: Record<string, ComponentType> = {
  order: Order,
  payment: Payment,
  stay: Stay,
  deferred: Deferred,
  later: Later,
  checkout: Checkout,
  card: Card,
  parts: Parts,
  iban: Iban,
  token: Token,
  setup: Setup,
  "setup-and-return": SetupAndReturn,
  "server-side": ServerSide,
  missing: Missing,
  return: Return,
};

function Contents() {
  return <ul>{Object.keys(PAGES).map((name) => <li key={name}><a href={`/${name}`}>{name}</a></li>)}</ul>;
}

const Page = PAGES[location.pathname.slice(1)] ?? Contents;
const root = document.getElementById("root");
if (root) createRoot(root).render(<StrictMode><main><h1>Paying with React</h1><Page /></main></StrictMode>);

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { shop } from "./server.js";

// `loadStripe` uses a Stripe.js that is on the page already. So that nothing in `src` knows of the sandbox, its script
// comes from here. Without STRIPE_JS_URL, `loadStripe` fetches Stripe's own.
const src = process.env.STRIPE_JS_URL;
const offline = { name: "stripe-js", transformIndexHtml: () => (src ? [{ tag: "script", attrs: { src }, injectTo: "head-prepend" }] : []) };

// The part that is your server's: it holds the secret key.
const server = { name: "shop", configureServer: ({ middlewares }) => void middlewares.use(shop), configurePreviewServer: ({ middlewares }) => void middlewares.use(shop) };

// The client as it stands in this repository. Elsewhere: npm install invoicing-client, and no alias.
const alias = { "invoicing-client": new URL("../../clients/typescript/src/index.ts", import.meta.url).pathname };

export default defineConfig({ plugins: [react(), offline, server], resolve: { alias } });

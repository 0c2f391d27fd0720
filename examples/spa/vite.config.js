import { defineConfig } from "vite";

// The page and the API share an origin, so neither CORS nor cookies are in the way. In production a reverse proxy does
// the same; where the origins must differ, list the page's in the service's CORS_ORIGINS and set VITE_API_URL.
const api = { target: process.env.API_URL ?? "http://127.0.0.1:8000", changeOrigin: true };

export default defineConfig({
  server: { proxy: { "/v1": api } },
  preview: { proxy: { "/v1": api } },
});

// The calls to the service. Paths, parameters and answers are typed by its own contract (npm run types).

import createClient from "openapi-fetch";
import type { components, paths } from "./contract";

export type Invoice = components["schemas"]["InvoiceSummary"];
export type PaymentMethod = components["schemas"]["PaymentMethod"];
export type TaxId = components["schemas"]["TaxId"];
export type Fulfillment = components["schemas"]["Fulfillment"];

/** A person's token may say `me` for the customer that it belongs to. */
const ME = { customer_id: "me" };

/** What the service said no with: a problem document (RFC 9457). */
export class Problem extends Error {
  readonly code: string;
  /** Whether the same question may be answered later. */
  readonly passes: boolean;
  constructor(problem: { code?: string; detail?: string } | undefined, status: number) {
    super(problem?.detail ?? `The service answered ${status}.`);
    this.code = problem?.code ?? "";
    this.passes = status === 429 || status >= 500;
  }
}

export class Api {
  readonly #client;

  /** `token` is whatever the service takes as a bearer: a token of your identity provider, or an API key while developing. */
  constructor(token: string) {
    this.#client = createClient<paths>({
      baseUrl: import.meta.env.VITE_API_URL ?? "",
      headers: { Authorization: `Bearer ${token}` },
    });
  }

  async invoices(): Promise<Invoice[]> {
    const found: Invoice[] = [];
    const query: { limit: number; cursor?: string | null } = { limit: 100 };
    do {
      const { data, error, response } = await this.#client.GET("/v1/invoices", { params: { query } });
      if (!data) throw new Problem(error, response.status);
      found.push(...data.data);
      query.cursor = data.next_cursor;
    } while (query.cursor);
    return found;
  }

  /** A person gets few client secrets a second: where it asks too fast, it waits as long as it is told. */
  async clientSecret(invoice_id: string) {
    for (;;) {
      const { data, error, response } = await this.#client.GET("/v1/invoices/{invoice_id}/client-secret", { params: { path: { invoice_id } } });
      if (data) return data;
      if (response.status !== 429) throw new Problem(error, response.status);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(response.headers.get("Retry-After") ?? 1)));
    }
  }

  async paymentMethods(): Promise<PaymentMethod[]> {
    const { data, error, response } = await this.#client.GET("/v1/customers/{customer_id}/payment-methods", { params: { path: ME } });
    if (!data) throw new Problem(error, response.status);
    return data.data;
  }

  async setupIntent() {
    const { data, error, response } = await this.#client.POST("/v1/customers/{customer_id}/setup-intent", { params: { path: ME }, body: {} });
    if (!data) throw new Problem(error, response.status);
    return data;
  }

  async removePaymentMethod(payment_method_id: string): Promise<void> {
    const { error, response } = await this.#client.DELETE("/v1/customers/{customer_id}/payment-methods/{payment_method_id}", { params: { path: { ...ME, payment_method_id } } });
    if (error) throw new Problem(error, response.status);
  }

  async taxIds(): Promise<TaxId[]> {
    const { data, error, response } = await this.#client.GET("/v1/customers/{customer_id}/tax-ids", { params: { path: ME } });
    if (!data) throw new Problem(error, response.status);
    return data.data;
  }

  async addTaxId(type: string, value: string): Promise<void> {
    const { error, response } = await this.#client.POST("/v1/customers/{customer_id}/tax-ids", { params: { path: ME }, body: { type, value } });
    if (error) throw new Problem(error, response.status);
  }

  async fulfillment(invoice_id: string): Promise<Fulfillment> {
    const { data, error, response } = await this.#client.GET("/v1/invoices/{invoice_id}/fulfillment", { params: { path: { invoice_id } } });
    if (!data) throw new Problem(error, response.status);
    return data;
  }
}

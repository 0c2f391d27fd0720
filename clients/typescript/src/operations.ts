// A method for each operation. Generated from the contract: do not edit.

export const OPERATIONS = {
  apiKeys: {
    create: ["post", "/v1/api-keys", "body"],
    get: ["get", "/v1/api-keys/{key_id}", "nothing"],
    list: ["get", "/v1/api-keys", "list"],
    revoke: ["post", "/v1/api-keys/{key_id}/revoke", "nothing"],
    rotate: ["post", "/v1/api-keys/{key_id}/rotate", "body"],
  },
  auditLog: {
    list: ["get", "/v1/audit-log", "list"],
  },
  creditNotes: {
    create: ["post", "/v1/invoices/{invoice_id}/credit-notes", "body"],
    get: ["get", "/v1/credit-notes/{credit_note_id}", "nothing"],
    list: ["get", "/v1/credit-notes", "list"],
    preview: ["post", "/v1/invoices/{invoice_id}/credit-notes/preview", "body"],
    void: ["post", "/v1/credit-notes/{credit_note_id}/void", "nothing"],
  },
  customers: {
    create: ["post", "/v1/customers", "body"],
    delete: ["delete", "/v1/customers/{customer_id}", "nothing"],
    get: ["get", "/v1/customers/{customer_id}", "nothing"],
    list: ["get", "/v1/customers", "list"],
    update: ["patch", "/v1/customers/{customer_id}", "body"],
  },
  deliveries: {
    get: ["get", "/v1/deliveries/{delivery_id}", "nothing"],
    redeliver: ["post", "/v1/deliveries/{delivery_id}/redeliver", "nothing"],
  },
  disputes: {
    get: ["get", "/v1/disputes/{dispute_id}", "nothing"],
    list: ["get", "/v1/disputes", "list"],
  },
  events: {
    list: ["get", "/v1/events", "query"],
  },
  fulfillmentActions: {
    get: ["get", "/v1/fulfillment-actions/{action_id}", "nothing"],
    list: ["get", "/v1/fulfillment-actions", "list"],
    retry: ["post", "/v1/fulfillment-actions/{action_id}/retry", "nothing"],
  },
  fulfillments: {
    list: ["get", "/v1/fulfillments", "list"],
  },
  health: {
    healthz: ["get", "/healthz", "nothing"],
    readyz: ["get", "/readyz", "query"],
  },
  invoiceItems: {
    add: ["post", "/v1/invoices/{invoice_id}/items", "body"],
    delete: ["delete", "/v1/invoices/{invoice_id}/items/{item_id}", "nothing"],
    update: ["patch", "/v1/invoices/{invoice_id}/items/{item_id}", "body"],
  },
  invoices: {
    copy: ["post", "/v1/invoices/{invoice_id}/copy", "body"],
    create: ["post", "/v1/invoices", "body"],
    delete: ["delete", "/v1/invoices/{invoice_id}", "nothing"],
    finalize: ["post", "/v1/invoices/{invoice_id}/finalize", "body"],
    get: ["get", "/v1/invoices/{invoice_id}", "nothing"],
    getClientSecret: ["get", "/v1/invoices/{invoice_id}/client-secret", "nothing"],
    getFulfillment: ["get", "/v1/invoices/{invoice_id}/fulfillment", "nothing"],
    getHostedPages: ["get", "/v1/invoices/{invoice_id}/hosted-pages", "nothing"],
    getTimeline: ["get", "/v1/invoices/{invoice_id}/timeline", "nothing"],
    list: ["get", "/v1/invoices", "list"],
    markUncollectible: ["post", "/v1/invoices/{invoice_id}/mark-uncollectible", "nothing"],
    pay: ["post", "/v1/invoices/{invoice_id}/pay", "body"],
    preview: ["post", "/v1/invoices/preview", "body"],
    revise: ["post", "/v1/invoices/{invoice_id}/revise", "body"],
    send: ["post", "/v1/invoices/{invoice_id}/send", "nothing"],
    update: ["patch", "/v1/invoices/{invoice_id}", "body"],
    void: ["post", "/v1/invoices/{invoice_id}/void", "nothing"],
  },
  paymentLinks: {
    create: ["post", "/v1/invoices/{invoice_id}/payment-link", "body"],
    revoke: ["delete", "/v1/invoices/{invoice_id}/payment-link/{link_id}", "nothing"],
  },
  payments: {
    attach: ["post", "/v1/invoices/{invoice_id}/attach-payment", "body"],
    list: ["get", "/v1/invoices/{invoice_id}/payments", "nothing"],
  },
  prices: {
    create: ["post", "/v1/prices", "body"],
    get: ["get", "/v1/prices/{price_id}", "nothing"],
    list: ["get", "/v1/prices", "list"],
    update: ["patch", "/v1/prices/{price_id}", "body"],
  },
  products: {
    create: ["post", "/v1/products", "body"],
    delete: ["delete", "/v1/products/{product_id}", "nothing"],
    get: ["get", "/v1/products/{product_id}", "nothing"],
    list: ["get", "/v1/products", "list"],
    update: ["patch", "/v1/products/{product_id}", "body"],
  },
  refunds: {
    cancel: ["post", "/v1/refunds/{refund_id}/cancel", "nothing"],
    create: ["post", "/v1/invoices/{invoice_id}/refunds", "body"],
    get: ["get", "/v1/refunds/{refund_id}", "nothing"],
    list: ["get", "/v1/refunds", "list"],
  },
  reports: {
    getBalance: ["get", "/v1/reports/balance", "query"],
    getBalanceCsv: ["get", "/v1/reports/balance.csv", "query"],
  },
  webhookEndpoints: {
    create: ["post", "/v1/webhook-endpoints", "body"],
    delete: ["delete", "/v1/webhook-endpoints/{endpoint_id}", "nothing"],
    get: ["get", "/v1/webhook-endpoints/{endpoint_id}", "nothing"],
    list: ["get", "/v1/webhook-endpoints", "list"],
    listDeliveries: ["get", "/v1/webhook-endpoints/{endpoint_id}/deliveries", "list"],
    ping: ["post", "/v1/webhook-endpoints/{endpoint_id}/ping", "nothing"],
    redeliverMany: ["post", "/v1/webhook-endpoints/{endpoint_id}/redeliver", "body"],
    rotateWebhookSecret: ["post", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret", "body"],
    update: ["patch", "/v1/webhook-endpoints/{endpoint_id}", "body"],
  },
  webhookEvents: {
    get: ["get", "/v1/webhook-events/{event_id}", "nothing"],
    list: ["get", "/v1/webhook-events", "list"],
    replay: ["post", "/v1/webhook-events/{event_id}/replay", "nothing"],
  },
} as const;

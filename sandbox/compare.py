"""`python compare.py URL COMMAND…`: start a stand-in for Stripe, and see what it does with an invoice.

It makes the table in README.md: the same calls for every program, over HTTP, with no library of anybody's. It prints what
was answered; nothing is judged.
"""

import json
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

KEY = "sk_test_123456789"
arrived: list[str] = []


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        arrived.append(f"{event['type']}{'' if self.headers.get('Stripe-Signature') else ' (unsigned)'}")
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(base, method, path, **form):
    body = urlencode(form, doseq=True).encode() if method == "POST" else None
    request = urllib.request.Request(base + path, body, {"Authorization": f"Bearer {KEY}"}, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        text = refused.read()
        try:
            return refused.code, json.loads(text)
        except ValueError:
            return refused.code, {"error": text.decode("utf-8", "replace")[:80]}


def said(answer, *fields):
    status, body = answer
    if status >= 400:
        error = body.get("error", body)
        return f"{status} {error.get('message', error) if isinstance(error, dict) else error}"[:90]
    return " ".join(f"{field}={body.get(field)}" for field in fields) or "200"


def main(url, command):
    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    began = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = urlsplit(url)
    while True:
        try:
            call(f"{address.scheme}://{address.netloc}", "GET", "/v1/customers")
            break
        except OSError:
            if process.poll() is not None or time.monotonic() - began > 60:
                sys.exit("it did not start")
            time.sleep(0.02)
    started = time.monotonic() - began
    status = Path(f"/proc/{process.pid}/status").read_text()
    cpu = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    memory = next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmRSS"))
    print(
        f"start: {started:.1f} s, of which it used the processor {(int(cpu[11]) + int(cpu[12])) / 100:.1f} s; memory: {memory} MB"
    )

    print(
        "webhook endpoint:",
        said(
            call(
                url,
                "POST",
                "/v1/webhook_endpoints",
                url=f"http://127.0.0.1:{hook.server_port}/",
                **{"enabled_events[]": "*"},
            ),
            "status",
        ),
    )
    customer = call(url, "POST", "/v1/customers", name="Ada", email="ada@example.com")
    print(
        "customer:",
        said(customer, "name"),
        "| read again:",
        said(call(url, "GET", f"/v1/customers/{customer[1].get('id')}"), "name"),
    )
    draft = call(
        url, "POST", "/v1/invoices", customer=customer[1].get("id"), collection_method="send_invoice", days_until_due=30
    )
    print("invoice:", said(draft, "status", "due_date"))
    invoice = draft[1].get("id")
    print(
        "item:",
        said(
            call(
                url,
                "POST",
                "/v1/invoiceitems",
                customer=customer[1].get("id"),
                invoice=invoice,
                amount=2500,
                currency="usd",
            ),
            "amount",
        ),
    )
    print("finalized:", said(call(url, "POST", f"/v1/invoices/{invoice}/finalize"), "status", "amount_due", "number"))
    print(
        "declined:",
        said(call(url, "POST", f"/v1/invoices/{invoice}/pay", payment_method="pm_card_visa_chargeDeclined"), "status"),
    )
    print(
        "paid:",
        said(call(url, "POST", f"/v1/invoices/{invoice}/pay", payment_method="pm_card_visa"), "status", "amount_paid"),
    )
    print("void after paid:", said(call(url, "POST", f"/v1/invoices/{invoice}/void"), "status"))
    print("unknown parameter:", said(call(url, "POST", "/v1/customers", nonsense=1)))
    status, events = call(url, "GET", "/v1/events?limit=100")
    print(
        "events:",
        said((status, events)) if status >= 400 else sorted({event["type"] for event in events.get("data", [])}),
    )
    time.sleep(2)
    print("webhooks:", sorted({*arrived}))
    process.terminate()


main(sys.argv[1], sys.argv[2:])

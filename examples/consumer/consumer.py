"""A consumer of the invoicing service: it verifies, works once, and misses nothing. pip install standardwebhooks"""

import json
import os
import sqlite3
import threading
import time
import urllib.parse
import urllib.request
from http.client import HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

INVOICING = os.environ["INVOICING_URL"]
API_KEY = os.environ["INVOICING_API_KEY"]  # with the scope feed:read
WEBHOOK = Webhook(os.environ["INVOICING_WEBHOOK_SECRET"])
PORT = int(os.environ.get("PORT", "9000"))

lock = threading.Lock()
store = sqlite3.connect(os.environ.get("STORE", "consumer.db"), check_same_thread=False, isolation_level=None)
store.executescript("""
    CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY);
    CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY CHECK (only = 1), cursor TEXT);
    CREATE TABLE IF NOT EXISTS shipments (invoice TEXT PRIMARY KEY);
""")


def work(event):
    """What this service is for. It commits together with the event's id."""
    if event["type"] == "fulfillment.fulfilled":
        store.execute("INSERT INTO shipments VALUES (?)", [event["subject"]])
    print("worked", event["type"], event["subject"], event["id"], flush=True)


def keep(events, cursor=None):
    """Work on what is new: an id that is known was worked on, whichever way it came, so it may come any number of times."""
    with lock, store:  # commits at the end, rolls back where something is raised
        store.execute("BEGIN IMMEDIATE")
        for event in events:
            if store.execute("INSERT OR IGNORE INTO seen VALUES (?)", [event["id"]]).rowcount:
                work(event)
        if cursor:
            store.execute("INSERT OR REPLACE INTO place VALUES (1, ?)", [cursor])


def catch_up():
    """Read the feed from where we were: whatever was not delivered while we were away is there, in order."""
    while True:
        place = store.execute("SELECT cursor FROM place").fetchone()
        query = urllib.parse.urlencode({"after": place[0] if place else "start", "limit": 500})
        asked = urllib.request.Request(f"{INVOICING}/v1/events?{query}", headers={"Authorization": f"Bearer {API_KEY}"})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            page = json.load(answer)
        keep(page["data"], page["next_cursor"])
        if not page["has_more"]:
            return


class Hook(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        try:
            event = WEBHOOK.verify(body, dict(self.headers))
        except (WebhookVerificationError, ValueError):  # ValueError: the signature is malformed
            self.answer(400)  # not from the invoicing service, or older than five minutes
            return
        keep([event])
        self.answer(204)  # only now: what is not answered with 2xx is delivered again

    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()


server = ThreadingHTTPServer(("127.0.0.1", PORT), Hook)
threading.Thread(target=server.serve_forever, daemon=True).start()
print("listening", flush=True)
while True:
    try:
        catch_up()
    except (OSError, HTTPException, ValueError) as error:
        # The invoicing service is away, or was cut off: deliveries and the next round make up for it.
        print("not caught up:", error, flush=True)
    time.sleep(300)

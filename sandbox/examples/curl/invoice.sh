#!/usr/bin/env bash
# offline-stripe serve; bash invoice.sh. Plain curl, from a customer to a paid invoice.
set -eu
url=${OFFLINE_STRIPE_URL:-http://127.0.0.1:8001}
key=${STRIPE_KEY:-sk_test_sandbox}

call() { curl -sS --noproxy '*' --fail-with-body -u "$key:" "$url/v1/$1" "${@:2}"; }
first() { sed -n "s/^  \"$1\": \"\{0,1\}\([^\",]*\).*/\1/p" | head -n 1; }

customer=$(call customers -d name=Ada -d email=ada@example.com | first id)
invoice=$(call invoices -d "customer=$customer" -d collection_method=send_invoice -d days_until_due=30 | first id)
call "invoices/$invoice/add_lines" -d 'lines[0][amount]=2500' -d 'lines[0][description]=Consulting' >/dev/null
call "invoices/$invoice/finalize" -X POST >/dev/null
echo "paid: $(call "invoices/$invoice/pay" -d payment_method=pm_card_visa | first status)"

# A day later, on the account's own clock.
curl -sS --noproxy '*' --fail-with-body -u "$key:" -X POST "$url/_sandbox/clock" -d '{"advance_s": 86400}' >/dev/null
echo "events: $(call 'events?type=invoice.paid' | grep -c '"type": "invoice.paid"')"

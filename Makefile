# Everything a person or a CI runs. `make help` lists it.

PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
LOCK   := requirements-dev.txt
# The environment is rebuilt when, and only when, the lock changes by content.
STAMP  := $(VENV)/.lock-$(shell cksum < $(LOCK) | tr " " -)

# More than the cores there are: tests often wait. Whoever has nothing left takes from the others.
PYTEST_WORKERS ?= 3
# npm packages that tests need
NPM := tests/browser examples/spa examples/consumer

.DEFAULT_GOAL := help
.PHONY: help run demo console test suite programs browser pooler lab fuzz audit sbom bench bench-quick lint types fmt lock openapi clean install prometheus

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(STAMP) ## start everything (database, sandbox, API, worker), run the main job once, stay up
	@exec $(BIN)/python -m dev.run --with-parent

demo: $(STAMP) ## the same, then stop: exit 0 only if the invoice is fulfilled
	@exec $(BIN)/python -m dev.run --with-parent --once

console: $(STAMP) ## the operators' pages, beside a `make run` in another shell: http://127.0.0.1:8002/console
	@kill -0 "$$(cat "$${DATA_DIR:-./.data}/run.lock" 2>/dev/null)" 2>/dev/null && test -e "$${DATA_DIR:-./.data}/run.env" || { echo "Nothing runs here: \`make run\` first, in another shell."; exit 1; }
	@set -a; . "$${DATA_DIR:-./.data}/run.env"; set +a; \
	echo "The console is at http://127.0.0.1:$${CONSOLE_PORT:-8002}/console; log in with the API key of make run. Ctrl-C ends it."; \
	exec $(BIN)/python -m app.cli console

test: lint types suite ## everything: lint, types, architecture, unit, integration, sandbox, end to end, coverage gate

# With --jobs the types are checked beside it: the tests often wait, and mypy never does.
suite: lint programs
	@$(BIN)/coverage erase
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal --cov --cov-report=term-missing:skip-covered

bench: $(STAMP) ## what the service costs, against the least that could do the same; some 25 minutes
	nice -n 5 $(BIN)/python -m bench

bench-quick: $(STAMP) ## whether the benchmarks run: their figures mean nothing
	$(BIN)/python -m bench --quick

# One after the other, also with --jobs: only one of them may have Debian's package lists.
programs:
	@env -u MAKEFLAGS -u MFLAGS $(MAKE) --no-print-directory browser pooler prometheus

browser: ## what the browser tests need: chromium and npm packages, where this machine can get them
	@command -v chromium >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && echo "Installing chromium …" \
			&& apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } \
		|| echo "No chromium here, and no way to install it: the browser tests will be skipped."
	@for folder in $(NPM); do \
		[ -z "$$(find $$folder/package-lock.json -newer $$folder/node_modules/.package-lock.json 2>/dev/null)" ] \
			&& [ -e $$folder/node_modules/.package-lock.json ] && continue; \
		command -v npm >/dev/null && npm ci --silent --prefix $$folder \
			|| echo "npm could not install $$folder: the tests that need it will be skipped."; \
	done

# Its service is never started: the tests run the program, and nothing else is wanted here.
pooler: ## what the tests of the pooler need: pgbouncer, where this machine can get it
	@command -v pgbouncer >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -d /usr/sbin ] && echo "Installing pgbouncer …" \
			&& { [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d \
				&& chmod +x /usr/sbin/policy-rc.d && trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }; } \
			&& apt-get update -qq && apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null; } \
		|| echo "No pgbouncer here, and no way to install it: the tests of the pooler will be skipped."

# Unpacked below .data, not installed: no service, no user, nothing started; any user may.
prometheus: ## what the tests of dashboards and alerts need: Debian's prometheus, where this machine can get it
	@command -v prometheus >/dev/null || [ -x .data/tools/usr/bin/prometheus ] \
		|| { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && echo "Fetching prometheus …" \
			&& mkdir -p .data/tools && cd .data/tools && { [ "$$(id -u)" != 0 ] || apt-get update -qq; } \
			&& apt-get download -qq prometheus 2>/dev/null && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb; } \
		|| echo "No prometheus here, and no way to fetch it: the tests of dashboards and alerts will be skipped."

fuzz: $(STAMP) ## what strangers may send, for a quarter of an hour: parsers, and the contract against the running service
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(BIN)/python -m pytest -s --hypothesis-profile fuzz --timeout 1800 \
		tests/security/test_parsers.py tests/security/test_contract_fuzz.py

audit: $(STAMP) ## known vulnerabilities of what is locked, where a database of them can be reached
	@$(BIN)/python -m dev.audit

sbom: $(STAMP) ## the bill of materials of what ships, CycloneDX, to sbom.cdx.json
	$(BIN)/python -m dev.sbom > sbom.cdx.json

lab: $(STAMP) ## the convergence lab at length: hundreds of schedules, three minutes of kills, new dice each time
	LAB_SEED=$${LAB_SEED:-$$(date +%s)} LAB_SCHEDULES=$${LAB_SCHEDULES:-300} LAB_CHAOS_S=$${LAB_CHAOS_S:-180} \
		$(BIN)/python -m pytest tests/lab -q --timeout 3600

lint: $(STAMP) ## style and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy, strict
	$(BIN)/mypy

fmt: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

openapi: $(STAMP) ## write the contract to openapi/openapi.json
	$(BIN)/invoicing openapi --output openapi/openapi.json

PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check
UV  = $(BIN)/uv pip install --quiet --python $(BIN)/python
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header pyproject.toml

lock: $(STAMP) ## resolve both lock files again: exact versions, hashes, no addresses
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra local --extra dev --constraint requirements.txt --output-file requirements-dev.txt

install: $(STAMP) ## the virtual environment, from the lock

# pip brings uv, and uv brings the rest in a tenth of the time; both hold each file against the hashes of the lock.
# A machine may have told pip alone where packages are: then pip brings everything.
$(STAMP): | $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (make PYTHON=…)"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@awk '/^uv==/ {on = 1} on {print} on && !/\\$$/ {exit}' $(LOCK) > $(VENV)/uv.txt
	@{ $(PIP) --require-hashes -r $(VENV)/uv.txt && $(UV) --require-hashes -r $(LOCK); } || $(PIP) --require-hashes -r $(LOCK)
	$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean: ## remove caches and local state (the virtual environment stays)
	rm -rf .data .coverage .coverage.* htmlcov .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

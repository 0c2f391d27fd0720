# Everything a person or a CI runs. `make help` lists it.

# The oldest that will do, of those that really run here.
PYTHON ?= $(shell for it in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$it -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$it && break; done)
VENV   ?= .venv
BIN    := $(VENV)/bin
# Shows that a silent command still runs.
WAIT    = $(PYTHON) -m dev.patience
# The environment is rebuilt when, and only when, a lock (or what the sandbox is as a package) changes by content. What `make run` does not need comes later.
SUM    := $(shell cat requirements-local.txt requirements-dev.txt requirements-specification.txt sandbox/pyproject.toml | cksum | tr " " -)
TO_RUN := $(VENV)/.to-run-$(SUM)
STAMP  := $(VENV)/.complete-$(SUM)
COMPILED := $(VENV)/.compiled-$(SUM)
TO_DOCUMENT := $(VENV)/.to-document-$(SUM)-$(shell cksum <requirements-docs.txt | tr " " -)

# Also where the environment says otherwise, compiled modules are kept: processes start in half the time.
unexport PYTHONDONTWRITEBYTECODE

# More than the cores there are: tests often wait. Whoever has nothing left takes from the others.
PYTEST_WORKERS ?= 5
# npm packages that tests need
NPM := clients/typescript tests/browser examples/spa examples/react examples/consumer

.DEFAULT_GOAL := help
.PHONY: clients docs help announcement run demo console test suite programs compiled generator browser chromium packages pooler lab fuzz audit sbom release helm bench bench-quick lint types fmt lock openapi clean install prometheus

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(TO_RUN) ## start everything (database, sandbox, API, worker), run the main job once, stay up
	@exec $(BIN)/python -m dev.run --with-parent

demo: $(TO_RUN) ## the same, then stop: exit 0 only if the invoice is fulfilled
	@exec $(BIN)/python -m dev.run --with-parent --once

console: $(TO_RUN) ## the operators' pages, beside a `make run` in another shell: http://127.0.0.1:8002/console
	@kill -0 "$$(cat "$${DATA_DIR:-./.data}/run.lock" 2>/dev/null)" 2>/dev/null && test -e "$${DATA_DIR:-./.data}/run.env" || { echo "Nothing runs here: \`make run\` first, in another shell."; exit 1; }
	@set -a; . "$${DATA_DIR:-./.data}/run.env"; set +a; \
	echo "The console is at http://127.0.0.1:$${CONSOLE_PORT:-8002}/console; log in with the API key of make run. Ctrl-C ends it."; \
	exec $(BIN)/python -m app.cli console

test: announcement lint types suite ## everything: lint, types, architecture, unit, integration, sandbox, end to end, coverage gate

announcement:
	@[ -e $(STAMP) ] || echo "The first time, make test fetches up to 730 MB: 290 of Python packages, 280 of chromium with its" \
		"libraries (as root), 140 of npm packages, 20 of Prometheus. That takes some 5 minutes, and the tests 12."

# With --jobs the types are checked beside it: the tests often wait, and mypy never does.
suite: lint programs $(COMPILED)
	@rm -rf build/coverage
	COVERAGE_TO=build/coverage $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal
	@$(BIN)/python -m tests.measuring build/coverage

docs: $(TO_DOCUMENT) ## the documentation as a site, with search and API reference: build/guide/site/index.html, or /docs/guide of a `make run`
	@$(BIN)/python -m dev.guide

bench: $(STAMP) ## what the service costs, against the least that could do the same; some 25 minutes
	nice -n 5 $(BIN)/python -m bench

bench-quick: $(STAMP) ## whether the benchmarks run: their figures mean nothing
	$(BIN)/python -m bench --quick

# Debian's packages beside Python's and npm's, and each kind one after the other: only one process may have Debian's lists, or the environment.
programs: $(STAMP)
	@unset MAKEFLAGS MFLAGS; \
	$(MAKE) --no-print-directory PYTHON="$(PYTHON)" chromium pooler prometheus & debian=$$!; \
	$(MAKE) --no-print-directory PYTHON="$(PYTHON)" generator helm packages && wait $$debian

generator: $(STAMP) ## what the tests of the documentation need: its generator, 8 MB
	@$(MAKE) --no-print-directory PYTHON="$(PYTHON)" $(TO_DOCUMENT) \
		|| echo "The generator of the documentation could not be installed: its tests will be skipped."

browser: chromium packages ## what the browser tests need: chromium and npm packages, where this machine can get them

chromium:
	@command -v chromium-headless-shell >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && $(WAIT) "Installing chromium" \
			sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium-headless-shell"; } \
		|| command -v chromium >/dev/null \
		|| echo "No chromium here, and no way to install it: the browser tests will be skipped."

packages:
	@for folder in $(NPM); do \
		[ -z "$$(find $$folder/package-lock.json -newer $$folder/node_modules/.package-lock.json 2>/dev/null)" ] \
			&& [ -e $$folder/node_modules/.package-lock.json ] && continue; \
		command -v npm >/dev/null && $(WAIT) "Installing the npm packages of $$folder" npm ci --silent --prefix $$folder \
			|| echo "npm could not install $$folder: the tests that need it will be skipped."; \
	done

# Its service is never started: the tests run the program, and nothing else is wanted here.
pooler: ## what the tests of the pooler need: pgbouncer, where this machine can get it
	@PATH="$$PATH:/usr/sbin" command -v pgbouncer >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -d /usr/sbin ] \
			&& { [ -e /usr/sbin/policy-rc.d ] || { printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d \
				&& chmod +x /usr/sbin/policy-rc.d && trap 'rm -f /usr/sbin/policy-rc.d' EXIT; }; } \
			&& $(WAIT) "Installing pgbouncer" \
				sh -c "apt-get update -qq && apt-get install -y -qq --no-install-recommends pgbouncer"; } \
		|| echo "No pgbouncer here, and no way to install it: the tests of the pooler will be skipped."

# Unpacked below .data, not installed: no service, no user, nothing started; any user may.
prometheus: ## what the tests of dashboards and alerts need: Debian's prometheus, where this machine can get it
	@command -v prometheus >/dev/null || [ -x .data/tools/usr/bin/prometheus ] \
		|| { command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && $(WAIT) "Fetching prometheus" sh -c \
			'mkdir -p .data/tools && cd .data/tools && { [ "$$(id -u)" != 0 ] || apt-get update -qq; } \
			&& apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb . && rm prometheus_*.deb'; } \
		|| echo "No prometheus here, and no way to fetch it: the tests of dashboards and alerts will be skipped."

helm: $(STAMP) ## what the tests of the Helm chart need: Helm as a Python package, 75 MB
	@$(BIN)/python -c "import helm_python" 2>/dev/null \
		|| $(PYTHON) -m dev.install --alone $(VENV) requirements-deployment.txt \
		|| echo "No Helm for this machine: the tests of the chart will be skipped."

fuzz: $(STAMP) ## what strangers may send, for a quarter of an hour: parsers, and the contract against the running service
	FUZZ_SECONDS=$${FUZZ_SECONDS:-600} $(BIN)/python -m pytest -s --hypothesis-profile fuzz --timeout 1800 \
		tests/security/test_parsers.py tests/security/test_contract_fuzz.py

audit: $(STAMP) ## known vulnerabilities of what is locked, where a database of them can be reached
	@$(BIN)/python -m dev.audit

sbom: $(STAMP) ## the bill of materials of what ships, CycloneDX, to sbom.cdx.json
	$(BIN)/python -m dev.sbom > sbom.cdx.json

release: $(STAMP) ## packages, clients, SBOM, checksums, and the image where an engine is, of HEAD: built twice, and the same
	@npm ci --silent --prefix clients/typescript
	@$(BIN)/python -m dev.release

lab: $(STAMP) ## the convergence lab at length: hundreds of schedules, three minutes of kills, new dice each time
	LAB_SEED=$${LAB_SEED:-$$(date +%s)} LAB_SCHEDULES=$${LAB_SCHEDULES:-300} LAB_CHAOS_S=$${LAB_CHAOS_S:-180} \
		$(BIN)/python -m pytest tests/lab -q --timeout 3600

lint: $(STAMP) ## style and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## mypy, strict
	@$(WAIT) "Checking the types with mypy" $(BIN)/mypy

fmt: $(STAMP) ## format and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

openapi: $(TO_RUN) ## write the contract to openapi/openapi.json
	$(BIN)/invoicing openapi --output openapi/openapi.json

clients: $(STAMP) ## write the clients' types and methods from the contract, and build their packages into dist/
	@npm ci --silent --prefix clients/typescript
	$(BIN)/python -m clients.generate
	$(BIN)/uv build --quiet --out-dir dist clients/python
	npm run --silent --prefix clients/typescript build
	npm pack --silent --pack-destination dist ./clients/typescript

# With extras, or pip would refuse the locks. With the system's certificates, for a network with an authority of its own.
COMPILE = $(BIN)/uv pip compile --quiet --system-certs --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-strip-extras pyproject.toml

lock: $(STAMP) ## resolve the lock files again: exact versions, hashes, no addresses
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra local --constraint requirements.txt --output-file requirements-local.txt
	$(COMPILE) --extra local --extra dev --constraint requirements-local.txt --output-file requirements-dev.txt
	$(COMPILE:pyproject.toml=--group specification) --no-deps --output-file requirements-specification.txt
	$(COMPILE:pyproject.toml=--group docs) --constraint requirements-dev.txt --output-file requirements-docs.txt
	$(COMPILE:pyproject.toml=--group deployment) --no-deps --output-file requirements-deployment.txt
	$(COMPILE:pyproject.toml=sandbox/pyproject.toml) --constraint requirements.txt --output-file sandbox/requirements.txt

install: $(STAMP) ## the virtual environment, from the locks

$(TO_RUN):
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or newer with venv is needed (make PYTHON=…; Debian: apt-get install python3-venv)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) will not do: Python 3.11 or newer with venv is needed"; exit 1; }
	@echo "The first time, 80 MB of Python packages are fetched: some 20 seconds, or a minute where pip has to do it."
	@$(PYTHON) -m dev.install --anew $(VENV) requirements-local.txt
	@touch $@

$(STAMP): $(TO_RUN)
	@echo "What tests need comes now: 130 MB more of Python packages."
	@$(PYTHON) -m dev.install $(VENV) requirements-dev.txt
	@$(PYTHON) -m dev.install --alone $(VENV) requirements-specification.txt
	@touch $@

# All modules that tests import, by one process: otherwise each of the tests' processes compiles them, all at the same time.
compiled: $(COMPILED)

$(COMPILED): $(STAMP)
	@$(WAIT) "Compiling what the tests import" $(BIN)/python -m pytest --collect-only --quiet
	@touch $@

$(TO_DOCUMENT): $(TO_RUN)
	@$(PYTHON) -m dev.install --alone $(VENV) requirements-docs.txt
	@touch $@

clean: ## remove caches and local state (the virtual environment stays)
	rm -rf .data build/guide .coverage .coverage.* htmlcov .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .schemathesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

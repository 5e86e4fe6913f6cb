# The one entry point; bare `make` prints help. Works with GNU make 3.81 (macOS).

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run image test test-unit test-store test-services test-conformance test-attacks test-gateway \
	test-e2e test-express test-compose test-kube test-architecture browser race check format lock docs texts components screenshots breached-passwords clean

# The first Python that is new enough.
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 \
	&& { echo $$python; break; }; done)

ifeq ($(PYTHON),)
TOO_OLD := echo "✗ Python 3.11 or newer is needed; found: $$(python3 --version 2>&1 || echo none)" >&2; exit 1;
endif

LOCAL = @$(TOO_OLD) $(PYTHON) deploy/local/bootstrap.py
DEV = @$(TOO_OLD) $(PYTHON) deploy/local/bootstrap.py --dev
COMPILE = UV_PYTHON_DOWNLOADS=never .venv/bin/uv pip compile -q --generate-hashes --universal --no-header \
	--python-version 3.11 --no-annotate

CONTAINERS := docker
VALKEY = .venv/bin/python -c 'from deploy.local.valkey import binary; print(binary())'

help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

##@ Run

run: ## everything on this machine, until Ctrl-C (MTAS_PUBLIC_URL, MTAS_DATA)
	$(LOCAL) python -m deploy.local

image: ## the container image, as localhost/mtas (CONTAINERS=podman for another engine)
	$(CONTAINERS) build $(BUILD) -f deploy/Dockerfile -t localhost/mtas \
		--build-arg COMMIT="$$(git rev-parse --short=12 HEAD)" .

.PHONY: sbom
sbom: ## what the image is made of (CycloneDX), as build/sbom.cdx.json; the image has its own
	$(DEV) python -m deploy.sbom build/sbom.cdx.json
	@echo build/sbom.cdx.json

.PHONY: example
example: ## an example app against a running `make run` (APP=litestar|fastapi|express, PORT)
	$(DEV) python -m examples.run $(APP)

##@ Test (own servers on free ports, beside a running `make run`)

test: browser ## all of it: in two processes, then what compares times
	$(DEV) pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not alone"
	@.venv/bin/pytest -m alone $$(grep -rl 'pytest.mark.alone' tests --include='test_*.py')
	@$(MAKE) --no-print-directory test-express

test-unit: ## pure code
	$(DEV) pytest tests/unit

test-store: ## every query on a real PostgreSQL, and races
	$(DEV) pytest tests/store

test-services: ## each service over HTTP
	$(DEV) pytest tests/services

test-conformance: ## the protocol, by section of the RFCs
	$(DEV) pytest tests/conformance

test-attacks: ## what must not work
	$(DEV) pytest tests/attacks

test-gateway: ## the route table, limits and outages, with a real Envoy
	$(DEV) pytest tests/gateway

test-e2e: browser ## through Envoy, with a browser and foreign OIDC clients
	$(DEV) pytest tests/e2e

test-express: ## the Express SDK: needs Node 20 or newer, npm and its registry
	@sdk/express/prepare.sh
	@cd sdk/express && VALKEY_SERVER="$$(cd ../.. && $(VALKEY) 2>/dev/null)" node scripts/test.mjs
	@cd sdk/express && node scripts/check.mjs

test-compose: browser ## the compose project from nothing; needs containers, and `make image` (ARGS="--help")
	$(DEV) python -m tests.compose $(ARGS)

test-kube: browser ## the Kubernetes manifests as pods, without a cluster; needs podman as root, and the image (ARGS="--help")
	$(DEV) python -m tests.kube $(ARGS)

test-architecture: ## imports, layers, rights of each role
	$(DEV) pytest tests/architecture

browser:
	$(DEV)
	@.venv/bin/python -m deploy.local.chromium >/dev/null

##@ Measure

race: ## ten thousand races for one refresh token, on servers of its own (ARGS="--help")
	$(DEV) python -m tests.race $(ARGS)

.PHONY: chaos
chaos: ## each part killed, paused, cut and slowed under load; writes docs/operate/faults.md (10 min; ARGS=--help)
	$(DEV) python -m tests.chaos $(ARGS)

.PHONY: scale
scale: ## several of each, and one goes: failover under load; writes into docs/operate/scaling.md (ARGS=--help)
	$(DEV) python -m tests.scale $(ARGS)

bench: ## how fast it is, beside what this machine can do; writes docs/benchmarks.* (24 min; ARGS="--help")
	$(DEV) python -m tests.bench $(ARGS)

.PHONY: capacity
capacity: ## what a row, a code and an event take up; writes docs/operate/capacity.* (1 min)
	$(DEV) python -m tests.bench.capacity
	@.venv/bin/python -m docs.generate

.PHONY: bench-pages
bench-pages: ## the dashboard's pages with 100,000 users, 1,000 apps; writes docs/benchmarks-pages.md (2 min; ARGS="--help")
	$(DEV) python -m tests.bench.pages --write $(ARGS)

.PHONY: first-user
first-user: ## from nothing to the first user of a new app, by script, with times
	$(DEV) python -m tests.e2e.first_user

.PHONY: bench-sdk
bench-sdk: ## what a signed-in request costs with each SDK and its peer; writes docs/sdk/benchmarks.md (2 min)
	$(DEV) python -m sdk.bench

##@ Quality

check: ## lint, format, types, import contracts, generated documents, the migrations' numbers
	$(DEV) ruff check
	@.venv/bin/ruff format --check
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python -m docs.generate --check
	@.venv/bin/python -m deploy.texts --check
	@.venv/bin/python -m deploy.provision --check

format: ## sort imports and format
	$(DEV) ruff check --select I --fix
	@.venv/bin/ruff format

lock: ## compile the lock files anew from pyproject.toml
	$(DEV)
	$(COMPILE) pyproject.toml -o deploy/lock/services.txt \
		--excludes deploy/lock/unused.txt --excludes deploy/lock/unused_in_the_image.txt
	$(COMPILE) pyproject.toml --group local -o deploy/lock/local.txt --excludes deploy/lock/unused.txt
	$(COMPILE) pyproject.toml --group dev -o deploy/lock/dev.txt

##@ Documents

screenshots: export MTAS_SCREENSHOTS := build/screenshots
screenshots: browser ## a picture of every page, phone and desktop, light and dark, in build/screenshots
	@rm -rf build/screenshots
	$(DEV) pytest -q tests/e2e/test_pages_in_a_browser.py tests/e2e/test_letters.py -k "as_it_should_be or can_be_read or heading or title"

breached-passwords: ## make the filter of breached passwords anew (docs/sign-in-protection.md)
	$(DEV) python -m deploy.breached_passwords

docs: ## generate what is generated: events, configuration
	$(DEV) python -m docs.generate

components: ## draw every component of the pages on one page, and say where it is
	$(DEV) python -m docs.components

texts: ## the catalogues of the hosted pages and mails, up to date with the code (ARGS="--add fr")
	$(DEV) python -m deploy.texts $(ARGS)

##@ Clean

clean: ## remove caches and .venv; what `make run` keeps in .mtas stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

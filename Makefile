# `make` alone lists what there is.

PREFIX  ?= /usr/lib/watchword
DESTDIR ?=
CHECK   ?=

PYTHON      := .venv/bin/python
SYSTEM      := /usr/bin/python3
LINTED      := src pam radius tests scripts docker
TYPED       := src pam/watchword_pam radius/watchword_radius tests scripts docker/server
INSTALL_DIRS = --prefix "$(PREFIX)" --destdir "$(DESTDIR)"

.DEFAULT_GOAL := help
.PHONY: help fuzz-api setup setup-tests demo test test-desktop screenshots check lint format lock fresh systemd-test install-node install-server tools fuzz hostility audit chaos docker-up docker-down docker-test bench

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the demo needs: Debian packages (as root), .venv, the command .venv/bin/watchword
	@scripts/debian-packages.sh node server demo
	@scripts/make-venv.sh

setup-tests: setup
	@scripts/debian-packages.sh test

demo: setup ## Try it: log in over ssh with a code from your phone (as root); CHECK=1 logs in by itself
	@$(PYTHON) -m scripts.demo $(if $(CHECK),--check)

# Four at a time: most of a test is waiting. A file's tests stay together, since they share servers.
test: setup-tests ## Run every test, against real servers (as root)
	$(PYTHON) -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-desktop: setup-tests ## Test FileZilla in its own windows, on a screen that nobody sees (as root)
	@scripts/debian-packages.sh desktop
	$(PYTHON) -m pytest tests/end_to_end/check_filezilla.py

screenshots: setup-tests ## Walk the portal in a browser; make the pictures and the page of docs/portal anew (as root)
	WATCHWORD_SCREENSHOTS=docs/portal $(PYTHON) -m pytest -q tests/portal/test_people.py tests/portal/test_operators.py
	$(PYTHON) -m tests.portal.album

# BENCH=: names of rows and options, such as BENCH="throughput --only ours,echo"
bench: setup-tests ## Measure it beside what people would use instead; writes docs/benchmarks.md (as root, 20 minutes)
	@scripts/debian-packages.sh bench
	$(PYTHON) -m tests.bench $(BENCH)

check: lint ## Lint, check types and layers, run the quick tests
	$(PYTHON) -m pytest -m "not slow"

lint: setup
	.venv/bin/ruff check $(LINTED)
	.venv/bin/ruff format --check $(LINTED)
	.venv/bin/mypy $(TYPED)
	.venv/bin/lint-imports

format: setup
	.venv/bin/ruff check --fix $(LINTED)
	.venv/bin/ruff format $(LINTED)

lock: setup ## Write requirements/*.txt anew; UPGRADE=1 takes newer versions
	@scripts/lock.sh $(if $(UPGRADE),--upgrade)

tools: setup
	@scripts/make-tools.sh

fuzz: setup-tests tools ## Fuzz whatever reads what others wrote, and a server with a million packets (10 minutes)
	PYTHONPATH=build/tools $(PYTHON) -m tests.fuzz

# API_EXAMPLES=: how many requests are drawn for each operation
fuzz-api: setup-tests ## Let schemathesis try the REST API, longer than the tests do (5 minutes)
	API_EXAMPLES=$(or $(API_EXAMPLES),100) $(PYTHON) -m pytest tests/api/test_schemathesis.py

hostility: setup-tests ## Measure floods, and whether refusals can be told apart by their time (60 minutes, as root)
	$(PYTHON) -m tests.hostility flood
	$(PYTHON) -m tests.hostility timing
	$(PYTHON) -m tests.hostility portal

chaos: setup-tests ## Break everything under a load of logins; write docs/survival.md (10 minutes, as root)
	$(PYTHON) -m tests.chaos

audit: tools ## Look the locked packages up among known vulnerabilities; fails if that can't be done
	@PYTHONPATH=build/tools $(PYTHON) -m scripts.audit_dependencies

docker-up: ## Bring a whole small centre up in containers: docker/README.md
	@docker/centre up

docker-down: ## Take it down; its data stay
	@docker/centre down

docker-test: setup ## Build it, use it, break it, take it down; with an engine of its own if none runs (15 minutes, as root)
	@scripts/debian-packages.sh docker
	$(PYTHON) -m tests.docker

install-node: ## Put the PAM modules and the command where a login node has them (as root; DESTDIR=, PREFIX=)
	@scripts/debian-packages.sh node
	@$(SYSTEM) -m scripts.install_node $(INSTALL_DIRS)

install-server: ## Put the RADIUS server and the command where a server has them (as root; DESTDIR=, PREFIX=)
	@scripts/debian-packages.sh server
	@$(SYSTEM) -m scripts.install_server $(INSTALL_DIRS)

systemd-test: ## Prove the units under a real systemd, in a bare Debian 12 (as root, needs debootstrap; 5 minutes)
	@tests/systemd/prove.sh

fresh: ## Prove the demo and the tests on a bare Debian 12 (as root, needs debootstrap)
	@docker/fresh/prove.sh

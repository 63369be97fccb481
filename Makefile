# `make` prints every command. PYTHON=python3.12 chooses the interpreter, VENV=folder another environment.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help run demo test check fmt lint types imports docs fuzz bench vendor lock new-plugin clean

export PYTHON ?=
export VENV ?= .venv
BIN := $(VENV)/bin
CORES := $(shell nproc)

help: ## Print these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Prepare this machine and start the hub; prints the address and the set-up link
	@bootstrap/venv run
	@exec $(BIN)/recording-hub serve

demo: ## Start the hub with spoken calls in several languages, to see and hear it work
	@bootstrap/venv run
	@bootstrap/packages demo
	@exec $(BIN)/recording-hub demo

test: ## Run every test with real servers and a browser; ARGS="-k settle" chooses some
	@bootstrap/venv dev
	@bootstrap/packages test
	@$(BIN)/pytest -n $(CORES) --dist worksteal $(ARGS)

check: ## Run all that CI runs: lint, types, import rules, tests
	@bash .ci/run

fmt: ## Format the code and mend what can be mended
	@bootstrap/venv dev
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

lint: ## Check the format and the rules of style
	@bootstrap/venv dev
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check

types: ## Check the types
	@bootstrap/venv dev
	@$(BIN)/mypy

imports: ## Check which part may import which
	@bootstrap/venv dev
	@$(BIN)/lint-imports

docs: ## Write the tables in docs/ that the code already says
	@bootstrap/venv dev
	@$(BIN)/python -m docs.generate

fuzz: ## Look for inputs that crash a reader of what strangers send; TARGET=sip chooses one, SECONDS=600 each
	@bootstrap/venv dev
	@$(BIN)/python -m tests.fuzz.run $(TARGET) --seconds $(or $(SECONDS),60)

bench: ## Measure, side by side with what it is compared to; ONLY=handoff chooses one
	@bootstrap/venv dev
	@bootstrap/packages test
	@$(BIN)/python tests/bench/run.py $(ONLY)

vendor: ## Build the web pages' assets anew from frontend/ (needs npm)
	@cd frontend && npm ci --no-audit --no-fund && npm run build

lock: ## Pin dependencies with hashes in locks/; UPGRADE=1 takes the newest
	@bootstrap/venv dev
	@UPGRADE=$(UPGRADE) bootstrap/lock

new-plugin: ## Write a plug-in package to start from, beside this folder: NAME=acme KIND=source INTO=..
	@bootstrap/venv run
	@$(BIN)/recording-hub new-plugin $(or $(NAME),$(error say NAME=acme)) --kind $(or $(KIND),source) \
		--into $(or $(INTO),..)

clean: ## Remove the environment and caches; recordings in var/ stay
	@if [ -e $(VENV)/pyvenv.cfg ]; then rm -rf $(VENV); fi
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './frontend/*' -prune -exec rm -rf {} +

# Two commands do everything: `make demo` shows the product, `make test` runs what CI runs.
VENV := .venv
BIN := $(VENV)/bin
DEMO := stacks/local-demo
# Exit 1 is a finding, such as a missing ssh client: shown, but no reason to stop here.
ENGINE := $(BIN)/mcis doctor --install --progress plain || [ $$? = 1 ]

.PHONY: help demo test lint bench test-large test-install clean setup setup-test

help:
	@echo "make demo          five VMs in three regions of the embedded local cloud"
	@echo "make test          everything CI runs"
	@echo "make bench         speed and memory, side by side with plain Pulumi and Terraform"
	@echo "make test-large    hundreds of VMs at once (minutes)"
	@echo "make test-install  a fresh clone with nothing installed (builds the engine, minutes)"
	@echo "make clean         remove what these made in this checkout, VMs included"

setup:
	@sh .ci/setup $(VENV)

setup-test:
	@sh .ci/setup $(VENV) '[test]'

demo: setup
	@$(ENGINE)
	@$(BIN)/mcis up $(DEMO) --yes
	@$(BIN)/mcis status $(DEMO)
	@$(BIN)/mcis outputs $(DEMO) --json | $(BIN)/python $(DEMO)/visit.py
	@cat $(DEMO)/next.txt

lint: setup-test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

test: lint
	@$(ENGINE)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist loadgroup

bench: setup-test
	@$(ENGINE)
	@$(BIN)/python -m tests.bench

test-large: setup-test
	@$(ENGINE)
	@$(BIN)/python -m pytest tests/engine -m large

test-install: setup-test
	@$(BIN)/python -m pytest tests/engine/install -m install -s

clean:
	@sh .ci/clean $(VENV)

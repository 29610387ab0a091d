# Two commands do everything: `make demo` shows the product, `make test` runs what CI runs.
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
DEMO := stacks/local-demo

.PHONY: help demo test lint bench test-install clean setup setup-test

help:
	@echo "make demo          five VMs in three regions of the embedded local cloud"
	@echo "make test          everything CI runs"
	@echo "make bench         speed and memory, side by side with plain Pulumi and Terraform"
	@echo "make test-install  a fresh clone with nothing installed (builds the engine, minutes)"
	@echo "make clean         remove what these made in this checkout, VMs included"

setup:
	@sh .ci/setup $(VENV)

setup-test:
	@sh .ci/setup $(VENV) '[test]'

demo: setup
	@$(BIN)/mcis doctor --install --progress plain
	@$(BIN)/mcis up $(DEMO) --yes
	@$(BIN)/mcis status $(DEMO)
	@$(BIN)/mcis outputs $(DEMO) --json | $(BIN)/python $(DEMO)/visit.py
	@cat $(DEMO)/next.txt

lint: setup-test
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

test: lint
	@$(BIN)/mcis doctor --install --progress plain
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

bench: setup-test
	@$(BIN)/mcis doctor --install --progress plain
	@$(BIN)/python -m tests.bench

test-install: setup-test
	@$(BIN)/python -m pytest tests/engine/install -m install -p no:randomly

clean:
	@if [ -x $(BIN)/mcis ]; then for stack in stacks/*/.mcis; do \
	  [ -d "$$stack" ] || continue; $(BIN)/mcis down "$${stack%/.mcis}" --remove --yes --force-protected || exit 1; rm -rf "$$stack"; \
	done; fi
	@rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make` alone lists what there is.
.DEFAULT_GOAL := help
.PHONY: help demo thousand thousand-gce test cases check fix lock release bench mutants setup clean
SHELL := bash
VENV := .venv/bin
PYTEST := $(VENV)/python -m pytest -n auto --maxprocesses 4
SHELL_FILES := tools/*.sh tools/node-image/*.sh .ci/run

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## set up what is missing, then bring up 8 Slurm nodes on this machine
	@tools/setup.sh demo
	@$(VENV)/provision up inventories/demo.yaml

thousand: ## set up what is missing, then 1,000 Slurm nodes on this machine (root, 10 GiB): up, watch, down
	@tools/setup.sh demo
	@$(VENV)/python benchmarks/thousand.py

thousand-gce: ## the same by `--cloud gce`, with the emulator where Google stands
	@tools/setup.sh test
	@$(VENV)/python benchmarks/thousand_gce.py

test: ## set up what is missing, then run every test, real nodes included
	@tools/setup.sh test
	@$(PYTEST)

cases: ## set up what is missing, then play the small inputs that once went wrong
	@tools/setup.sh test
	@$(VENV)/python -m pytest tests/journeys/test_cases.py

check: ## lint, types, import layers, shell, unit tests: under 30 s, starts no machine
	@tools/setup.sh check
	@$(VENV)/ruff check --quiet .
	@$(VENV)/ruff format --quiet --check .
	@$(VENV)/mypy --no-error-summary
	@mkdir -p .import_linter_cache
	@$(VENV)/lint-imports --no-logo >.import_linter_cache/last || { cat .import_linter_cache/last; exit 1; }
	@$(VENV)/shellcheck $(SHELL_FILES)
	@$(PYTEST) tests/unit

fix: ## let ruff mend and format
	@$(VENV)/ruff check --quiet --fix . ; $(VENV)/ruff format --quiet .

lock: ## pin the newest versions (needs uv)
	@tools/lock.sh --upgrade

release: ## cut the changelog, say the version and tag it: make release VERSION=0.2.0
	@$(VENV)/python tools/release.py $(VERSION)

bench: ## measure, as ratios within one run
	@tools/setup.sh test
	@set -e; for each in $(filter-out benchmarks/thousand%,$(wildcard benchmarks/*.py)); do $(VENV)/python $$each; done

mutants: ## break the dangerous modules a little at a time: do the unit tests notice? (an hour)
	@tools/setup.sh check
	@$(VENV)/python -m pip install --quiet mutmut==3.8.1
	@rm -rf mutants
	@$(VENV)/python tools/mutants.py

setup: ## install what the tests need
	@tools/setup.sh test

clean: ## remove what setup and the tools left in this folder
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist mutants

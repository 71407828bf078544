# Works with GNU make 3.81, which macOS ships.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -qq -c constraints.txt

.DEFAULT_GOAL := help
.PHONY: measure other-pythons help venv prove test page docs check lint wheel lowest course-long bench bench-peers soundness peft kills ray corpus tl-golden web web-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: $(VENV)/.user ## make .venv and install rung in it, editable

prove: $(VENV)/.user ## find the induction circuit of a bundled model, and test it on every rung
	@$(BIN)/rung prove induction

test: $(VENV)/.dev lint page ## everything that must pass
	@$(BIN)/python -m pytest -q -n auto --dist worksteal || { code=$$?; \
		[ $$code -ne 5 ] || echo "make test: no test was run" >&2; exit $$code; }

page: # what the tests of the lab's page need
	@scripts/browser.sh

docs: $(VENV)/.dev ## build the documentation site into build/site, warnings as errors
	@$(BIN)/python scripts/docs.py

check: lint wheel ## style, types, import directions, the wheel

lint: $(VENV)/.dev # the quick part of check
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet || { \
		echo "make lint: not formatted; run $(BIN)/ruff format on:" >&2; \
		$(BIN)/ruff format --check >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@out=$$($(BIN)/lint-imports --no-logo 2>&1) || { echo "$$out" >&2; exit 1; }

wheel: $(VENV)/.dev # build the wheel, read it, install it, run it
	@$(BIN)/python scripts/check_wheel.py

lowest: ## the lowest versions that pyproject.toml allows: install them, run rung on them (minutes, Python 3.11)
	@$(PYTHON) scripts/check_lowest.py

measure: $(VENV)/.dev ## weigh what pip install rung brings, in an environment of its own (minutes), into docs/install.md
	@$(BIN)/python scripts/measure_install.py --page

other-pythons: .venv-3.12/.made .venv-3.13/.made ## the tests under Python 3.12 and 3.13, in environments of their own (torch: gigabytes)
	@set -e; for venv in .venv-3.12 .venv-3.13; do echo "== $$venv"; $$venv/bin/python -m pytest -q -n auto --dist worksteal $(TESTS); done

course-long: $(VENV)/.dev ## the course's solution notebooks with the cells that take minutes or a downloaded model
	@RUNG_COURSE_LONG=1 $(BIN)/python -m pytest -q tests/examples/test_course.py -k solution_notebook

bench: $(VENV)/.dev ## what rung costs
	@set -e; for file in benchmarks/engine.py benchmarks/prove.py benchmarks/attribution.py benchmarks/weights.py benchmarks/workers.py; do echo "== $$file"; $(BIN)/python "$$file"; done

bench-peers: $(VENV)/.dev .venv-tl/.made .venv-tl4/.made .venv-nnsight/.made .venv-interp/.made ## rung beside its peers (an hour)
	@$(BIN)/python benchmarks/forward.py
	@$(BIN)/python benchmarks/interventions.py

soundness: $(VENV)/.dev ## the ladder on thousands of planted models, written to docs/soundness.md; resumes (hours)
	@$(BIN)/python benchmarks/soundness.py --page docs/soundness.md

kills: $(VENV)/.dev ## kill -9 in the middle of stored sweeps, twenty times with one worker and with three (minutes)
	@RUNG_KILLS=20 $(BIN)/python -m pytest -q tests/unit/methods/test_workers.py -k killed

ray: .venv-ray/.made ## a sweep on a local Ray cluster, in an environment of its own
	@.venv-ray/bin/python -m pytest -q tests/parity/test_ray.py

peft: .venv-peft/.made ## adapters beside peft's own merge, in an environment of its own
	@.venv-peft/bin/python -m pytest -q tests/parity/test_peft.py

corpus: $(VENV)/.user ## fetch and clean the text that the bundled models learned
	@$(BIN)/python scripts/corpus.py --out build/corpus

tl-golden: .venv-tl/.made ## record what TransformerLens gives, in an environment of its own (minutes)
	@.venv-tl/bin/python tests/differential/record.py

web: web/node_modules/.made ## build the lab's page and the widgets from web/ (Node 18 or newer)
	@cd web && node build.mjs

web-check: web/node_modules/.made ## types of web/, and whether the committed bundle is what it builds
	@cd web && npx tsc --noEmit && node build.mjs --check

clean: ## remove .venv, the caches and the builds
	@rm -rf $(VENV) .venv-peft .venv-ray .venv-tl .venv-tl4 .venv-nnsight .venv-interp .venv-3.12 .venv-3.13 build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find src tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: an install is done again only after these two files changed.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; v >= (3, 11) or sys.exit("make: $(PYTHON) is Python %d.%d, and Rung needs 3.11 or newer; name another with PYTHON=python3.12" % v)'
	@echo "make: setting up $(VENV); this takes minutes, once" >&2
	@$(PYTHON) -m venv $(VENV)

.venv-tl/.made: constraints.txt
	@$(PYTHON) -m venv .venv-tl
	@.venv-tl/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt transformer_lens==3.9.0
	@touch $@

.venv-3.%/.made: pyproject.toml constraints.txt
	@python3.$* -m venv .venv-3.$*
	@.venv-3.$*/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt -e '.[dev]'
	@touch $@

.venv-peft/.made: constraints.txt
	@$(PYTHON) -m venv .venv-peft
	@.venv-peft/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt -e '.[test]' peft
	@touch $@

.venv-ray/.made: constraints.txt
	@$(PYTHON) -m venv .venv-ray
	@.venv-ray/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt -e '.[test,ray]'
	@touch $@

.venv-tl4/.made: constraints.txt
	@$(PYTHON) -m venv .venv-tl4
	@.venv-tl4/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt transformer_lens==4.3.0
	@touch $@

.venv-nnsight/.made: constraints.txt
	@$(PYTHON) -m venv .venv-nnsight
	@.venv-nnsight/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt nnsight
	@touch $@

.venv-interp/.made: constraints.txt
	@$(PYTHON) -m venv .venv-interp
	@.venv-interp/bin/python -m pip install --disable-pip-version-check -qq -c constraints.txt interp-engine
	@touch $@

web/node_modules/.made: web/package-lock.json
	@cd web && npm ci --silent --no-fund --no-audit
	@touch $@

$(VENV)/.user: pyproject.toml constraints.txt | $(BIN)/python
	@$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.user

# make demo    set everything up and do the main job       make demo ARGS="--for 5 --json"
# make test    set everything up and run all tests         make test ARGS="-k camera"
# make test-vm the tests on a real kernel's camera and microphone, in a virtual machine
# make test-chaos  a cluster whose machines fail at random, for some minutes: EXEUNT_CHAOS=seconds EXEUNT_SEED=number
# make interop  all that is tried between Python and browsers; writes the table of docs/interop.md
# make check   format, lint, types, import contracts, file length
# make bench   the figures that the README quotes
# make soak    a kiosk that comes and goes: nothing may grow  make soak ARGS="--for 36000 --stay 60"

PYTHON ?= python3
BIN := .venv/bin
RUN := .venv/.run-ready
DEV := .venv/.dev-ready
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet install

.PHONY: demo setup test test-vm test-chaos interop check format bench soak lock clean

demo: $(RUN)
	@$(BIN)/exeunt demo $(ARGS)

setup: $(DEV)

test: $(DEV)
	@$(BIN)/python -m tests.npm.modules
	@$(BIN)/python -m pytest $(ARGS)

test-vm: $(DEV)
	@$(BIN)/python -m tests.vm.machine # downloads: the tests run in a network without a way out
	@EXEUNT_VM=1 $(BIN)/python -m pytest tests/vm $(ARGS)

test-chaos: $(DEV)
	@EXEUNT_CHAOS=$${EXEUNT_CHAOS:-180} $(BIN)/python -m pytest -s tests/signaling/cluster/test_chaos.py $(ARGS)

interop: $(DEV)
	@$(BIN)/python -m tests.interop $(ARGS)

check: $(DEV)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/mypy examples/*.py examples/browser_interop/tests/*.py bench/*.py bench/publishing/*.py bench/rooming/*.py bench/receiving/*.py bench/watching/*.py
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python tests/file_length.py

format: $(DEV)
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

soak: $(DEV)
	@$(BIN)/python -m bench.soak $(ARGS)

bench: $(DEV)
	@$(BIN)/python -m bench $(ARGS)

# The set-up installs exactly what the lock files name, by hash; a change of them sets up anew.
$(RUN): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@echo "Setting up .venv (once)" >&2
	@$(PYTHON) -m venv .venv
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): $(RUN) requirements-dev.lock
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@

lock: $(DEV)
	@$(PIP) uv
	@for extras in "requirements.lock --extra build" "requirements-dev.lock --extra build --extra dev"; do \
	    $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	        --no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml --output-file $$extras; \
	done

clean:
	rm -rf .venv dist build

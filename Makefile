# make demo | make test need nothing but git, make and Python 3.11 to 3.13.

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && break; done)
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -le 8 ] && echo $$n || echo 8)
DEMO ?= run moon_2023 --budget laptop --cases 160 --seconds 75 --out demo
GIGABYTES ?= $(shell [ "$$(uname)" = Linux ] && echo 11 || echo 4)

BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed

# Where bytecode is not kept, every start of the program compiles PyTorch and MONAI again: 20 seconds each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help install demo test verify lint lock clean
.DEFAULT_GOAL := help

help:
	@echo "make demo     install into $(VENV), run one study on simulated films, print the path of its report"
	@echo "make test     install, then the first tier of the tests (under 15 minutes on two cores)"
	@echo "make verify   install, then the second tier: full tables, hours, resumable"
	@echo "make lint     style and types"

install: $(INSTALLED)

$(INSTALLED): constraints.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "install: no Python with venv was found (3.11, 3.12 or 3.13). Install one (Debian and Ubuntu: python3 and python3-venv), or name it: make PYTHON=/path/to/python3.12 demo" >&2; exit 1; }
	@df -Pk . | awk -v need=$(GIGABYTES) 'NR == 2 && $$4 < need * 1000000 && system("test -e $(INSTALLED)") { \
		printf "install: not enough disk (about %d GB). %.1f GB is free here. Free some, or work on another disk.\n", need, $$4 / 1000000 > "/dev/stderr"; exit 1 }'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --no-cache-dir --no-compile --require-hashes --no-deps -r constraints.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: install
	$(BIN)/osteon $(DEMO)

test: install
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --durations=10 $(PYTEST)

verify: install
	$(BIN)/python -m pytest -m verify $(PYTEST)

lint: install
	$(BIN)/ruff check .
	$(BIN)/mypy

# For maintainers, with uv at hand: new versions for every supported Python and platform.
lock:
	UV_CUSTOM_COMPILE_COMMAND="make lock" uv pip compile pyproject.toml --group dev --universal --fork-strategy fewest \
		--python-version 3.11 --upgrade --generate-hashes --no-emit-index-url --no-annotate --quiet --output-file constraints.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

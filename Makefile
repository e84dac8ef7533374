# make            install what is needed and run a server to try out (the same as make run)
# make test       install what the tests need and run all checks and tests
# make check      lint and types only            make lint     the same
# make format     format the Python code         make docs     write anew what is made from the sources
# make clean      remove what was installed and built
#
# More options for the server: make run ARGS="--tls --port 9000"; another Python: make PYTHON=python3.12

VENV := .venv
export PYTHON

.PHONY: run test check lint format docs clean
.DEFAULT_GOAL := run

run: $(VENV)/.installed
	@exec $(VENV)/bin/plenum dev $(ARGS)

# Tests that hold how long something takes in browsers run alone at the end. Others hold what happens within a generous
# time, so one that fails has a second try, counted as a rerun.
test: $(VENV)/.installed-dev
	@scripts/dev/system.sh
	@scripts/dev/check.sh
	node --test --test-reporter=dot tests/web/*.test.mjs
	$(VENV)/bin/python -m pytest --durations=15 -n 4 --dist worksteal --reruns 2 -m "not interop" $(ARGS)
	$(VENV)/bin/python -m pytest --durations=15 -n 2 --dist worksteal --reruns 2 -m "not alone" tests/interop $(ARGS)
	$(VENV)/bin/python -m pytest --durations=15 --reruns 2 -m alone tests/interop $(ARGS)

check lint: $(VENV)/.installed-dev
	@scripts/dev/check.sh

format: $(VENV)/.installed-dev
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

docs: $(VENV)/.installed-dev
	$(VENV)/bin/plenum config example > config/plenum.example.toml
	$(VENV)/bin/python -m scripts.reference
	$(VENV)/bin/python -m scripts.rest_reference
	$(VENV)/bin/python -m scripts.typescript

clean:
	rm -rf $(VENV) build dist *.egg-info web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.installed: pyproject.toml scripts/dev/install.sh
	@scripts/dev/install.sh
	@touch $@

$(VENV)/.installed-dev: pyproject.toml scripts/dev/install.sh
	@scripts/dev/install.sh dev
	@touch $@ $(VENV)/.installed

# Detecting Data Drift. `make lab` and `make test` need Python 3.11 to 3.13 and make, nothing else.

VENV := .venv
BIN := $(VENV)/bin
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))

# The first interpreter that is new enough; name another one with `make lab PYTHON=…`.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c "$(SUPPORTED)" >/dev/null 2>&1 && { echo $$python; break; }; done)

# Whichever installs shows how far it is: uv where it is on the PATH, else pip.
INSTALL := $(if $(shell command -v uv 2>/dev/null),uv pip install --python $(VENV),\
	$(BIN)/python -m pip install --disable-pip-version-check)

# JupyterLab refuses to run as root unless told to, and looks for a browser where there is no display.
LAB_OPTIONS := $(if $(filter 0,$(shell id -u)),--allow-root) \
	$(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname)),,--no-browser)

NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg

# One thread each: on a busy machine OpenMP's threads wait for each other longer than they compute.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q
QUICK := not slow and not fresh and not browser

# `make test CHAPTER=03`, or CHAPTER=3: what guards this chapter, and nothing else. In the exercise tests a
# parameter begins with the exercise, 3.2 say; in those of the notebooks it is the notebook's name.
ifneq ($(and $(CHAPTER),$(filter test%,$(MAKECMDGOALS))),)
NN := $(if $(filter 0 1 2 3 4 5 6 7 8 9,$(CHAPTER)),0$(CHAPTER),$(CHAPTER))
ifneq ($(words $(wildcard solutions/$(NN)_*.ipynb)),1)
$(error CHAPTER=$(CHAPTER) is no chapter: write CHAPTER=03, say)
endif
SOLUTIONS_TESTED := $(wildcard solutions/$(NN)_*.ipynb)
LIBRARY_TESTED :=
CLAIMS_TESTED := $(wildcard tests/test_claims_$(NN).py)
NOTEBOOKS_TESTED := tests/test_notebooks.py tests/test_readme.py -k "$(NN)_"
EXERCISES_TESTED := tests/test_exercises.py -k "[$(patsubst 0%,%,$(NN)). or -$(patsubst 0%,%,$(NN))."
else
SOLUTIONS_TESTED := solutions
CLAIMS_TESTED := $(wildcard tests/test_claims_*.py)
LIBRARY_TESTED := $(addprefix --ignore ,tests/test_notebooks.py tests/test_exercises.py $(CLAIMS_TESTED)) tests tools
NOTEBOOKS_TESTED := tests/test_notebooks.py
EXERCISES_TESTED := tests/test_exercises.py
endif

.PHONY: help lab test test-solutions test-library test-notebooks test-claims test-exercises test-slow test-slow-alarm test-slow-others test-fresh test-browser test-oldest lint notebooks book slides handout bench clean

help:
	@echo "make lab        install into $(VENV) and open the course in JupyterLab"
	@echo "make test       install into $(VENV) and run everything that must hold (one chapter: CHAPTER=03)"
	@echo "make notebooks  execute solutions/, store outputs, derive notebooks/ (one chapter: CHAPTER=03)"
	@echo "make book       the chapters as pages in build/book, without a network (buttons: ADDRESS=https://github.com/…)"
	@echo "make slides     chapters and plans as slides in build/slides, for the class and for the teacher"
	@echo "make handout    pages to print in build/handout: ideas, exit ticket (other nights: NUMBER=7)"
	@echo "make bench      timings and false-alarm tables (beside other tools: PEERS=1)"
	@echo "make clean      remove what the other commands made"
	@echo
	@echo "For maintainers: make lint, test-fresh, test-browser (needs Chromium), test-slow,"
	@echo "test-oldest"

$(VENV)/installed: pyproject.toml
	@if [ -z "$(PYTHON)" ] || ! "$(PYTHON)" -c "$(SUPPORTED)" 2>/dev/null; then \
		echo "This course needs Python 3.11, 3.12 or 3.13. Install one, or name it: make lab PYTHON=python3.12"; \
		exit 1; \
	fi
	@echo "Installing the course and about 120 packages into $(VENV), once. That takes one to three minutes:"
	@echo "packages are listed as they arrive (180 MB), then a bar moves. A failure says why in its last lines."
	@# The newest pip, because older ones show no bar while they install.
	@$(PYTHON) -m venv --clear --upgrade-deps $(VENV)
	@$(INSTALL) --editable .
	@touch $@

# $(VENV)/test is what maintainers need on top, $(VENV)/browser that and the extra of this name, and so on.
$(VENV)/%: $(VENV)/installed
	@echo "Installing what $* takes into $(VENV), once."
	@$(INSTALL) --editable ".[test,$*]"
	@touch $@

lab: $(VENV)/installed
	$(BIN)/jupyter lab $(LAB_OPTIONS) --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb

# Two at a time, one core each, in an order that ends them at about the same time.
test: $(VENV)/test lint
	@$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) \
		test-library test-solutions test-notebooks test-claims test-exercises

test-solutions: $(VENV)/test
	$(PYTEST) $(NBVAL) $(SOLUTIONS_TESTED)

test-library: $(VENV)/test
	$(if $(LIBRARY_TESTED),$(PYTEST) -m "$(QUICK)" $(LIBRARY_TESTED))

test-notebooks: $(VENV)/test
	$(PYTEST) $(NOTEBOOKS_TESTED)

test-claims: $(VENV)/test
	$(if $(CLAIMS_TESTED),$(PYTEST) -m "$(QUICK)" $(CLAIMS_TESTED))

test-exercises: $(VENV)/test
	$(PYTEST) $(EXERCISES_TESTED)

# Simulations with thousands of histories.
# Two at a time, as above.
test-slow: $(VENV)/cluster
	@$(MAKE) --no-print-directory --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) \
		test-slow-alarm test-slow-others

ALARM_TESTS := $(patsubst %,tests/test_%.py,operator state clock monitor prometheus)

test-slow-alarm: $(VENV)/cluster
	$(PYTEST) -m slow $(ALARM_TESTS)

test-slow-others: $(VENV)/cluster
	$(PYTEST) -m slow $(addprefix --ignore ,$(ALARM_TESTS)) tests

# A clean clone of the last commit, and `make lab` in it.
test-fresh: $(VENV)/test
	$(PYTEST) -m fresh tests

# JupyterLab in a real browser. Chromium itself comes from the system, or from the variable CHROMIUM.
test-browser: $(VENV)/browser $(VENV)/book $(VENV)/slides
	$(PYTEST) -m browser tests

# The lowest versions that pyproject.toml allows.
test-oldest: $(VENV)/test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv venv --quiet --clear --python $(PYTHON) $(VENV)-oldest
	$(BIN)/uv pip install --quiet --python $(VENV)-oldest --resolution lowest-direct --editable ".[test]"
	$(VENV)-oldest/bin/python -m pytest -q -m "$(QUICK)" $(NBVAL) solutions tests

lint: $(VENV)/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check utils tests tools

notebooks: $(VENV)/test
	$(BIN)/python -m tools.authoring $(CHAPTER)

book: $(VENV)/book
	$(BIN)/python -m tools.book

slides: $(VENV)/slides
	$(BIN)/python -m tools.slides

handout: $(VENV)/installed
	$(BIN)/python -m tools.handout $(NUMBER)

# PEERS=1 runs the other tools in the same process, from an environment of their own on a Python that they
# install on. Each is installed by itself, so that one that cannot be had does not stop the others; at the end
# numpy is brought back to a version that this course and all of them run with.
ifeq ($(PEERS),)
bench: $(VENV)/test
	$(BIN)/python -m tests.benchmarks $(PARTS)
else
bench: $(VENV)-peers/installed
	$(VENV)-peers/bin/python -m tests.benchmarks $(PARTS)

PEERS_PIP := $(VENV)-peers/bin/python -m pip install --quiet --disable-pip-version-check
$(VENV)-peers/installed: pyproject.toml
	@for python in python3.12 python3.11 $(PYTHON); do \
		"$$python" -m venv --clear $(VENV)-peers 2>/dev/null && break; \
	done
	$(PEERS_PIP) "numpy>=2" "scipy>=1.14" "pandas>=2.2.2,<3" matplotlib seaborn tqdm scikit-learn statsmodels
	@for tool in evidently alibi-detect nannyml frouros river; do \
		$(PEERS_PIP) $$tool "pandas<3" || echo "$$tool could not be installed here"; \
	done
	-$(PEERS_PIP) --upgrade "numpy>=2,<2.3" numba
	@touch $@
endif

clean:
	rm -rf $(VENV) $(VENV)-* build .pytest_cache .hypothesis .ruff_cache

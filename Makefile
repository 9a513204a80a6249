# Everything one does with this repository. `make help` lists it; `make demo` or `make test` is all a fresh clone needs.
# Works with GNU make 3.81 (macOS) and newer.

PYTHON ?= python3
SEEDS  ?= urls.txt
OUT    ?=
DIST   ?= dist
DOCS   ?= build/docs
PROFILE ?= build/profile
ARGS   ?=

VENV   ?= .venv
BIN    := $(VENV)/bin
RUN    := $(VENV)/.ready-to-run
READY  := $(VENV)/.ready
PEERS  := bare crawlee requests scrapy
PAGES  ?=
ROUNDS ?=
# Four at a time, on two cores too: tests mostly wait, for processes that start and for browsers.
PYTEST := $(BIN)/python -m pytest -q -n 4 --dist worksteal
export VENV

# A venv elsewhere is for a tree that nobody may write to: it holds what Python, the tools and the demo leave, too.
ifneq ($(abspath $(VENV)),$(CURDIR)/.venv)
CACHE := $(abspath $(VENV))/cache
DEMO  := $(abspath $(VENV))/demo.crawl
DIST  := $(abspath $(VENV))/dist
DOCS  := $(abspath $(VENV))/docs
PROFILE := $(abspath $(VENV))/profile
export PYTHONPYCACHEPREFIX := $(CACHE)/python
export PYTEST_ADDOPTS += -p no:cacheprovider
export HYPOTHESIS_STORAGE_DIRECTORY := $(CACHE)/hypothesis
export MYPY_CACHE_DIR := $(CACHE)/mypy
export RUFF_CACHE_DIR := $(CACHE)/ruff
export COVERAGE_FILE := $(CACHE)/coverage
endif

# A stamp holds the folder it was made in: a copied or moved folder, and a Python that went away, are set up anew.
STAMPED = $(shell $(BIN)/python -ISc '' 2>/dev/null && cat $(1) 2>/dev/null)
ifneq ($(call STAMPED,$(RUN)),$(CURDIR))
.PHONY: $(RUN)
endif
ifneq ($(call STAMPED,$(READY)),$(CURDIR))
.PHONY: $(READY)
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help
help:  ## this list
	@echo "crawld: a polite, durable, async-first web crawler"
	@echo
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-8s %s\n", $$1, $$2 }'

# -- use it --

.PHONY: demo
demo: $(RUN)  ## crawl a small web of our own, before your eyes
	$(BIN)/crawl demo $(addprefix -o ,$(or $(OUT),$(DEMO))) $(ARGS)

.PHONY: crawl
crawl: $(RUN)  ## crawl your seeds: make crawl SEEDS=urls.txt OUT=folder ARGS="--depth 2"
	$(BIN)/crawl $(SEEDS) $(if $(OUT),-o $(OUT)) $(ARGS)

# -- work on it --

.PHONY: setup
setup: $(READY)  ## make .venv with all that work needs (the others do this by themselves); VENV=/elsewhere, INSTALLER=pip

.PHONY: test
test: $(READY)  ## the quick tests, a minute or two; those you name, whatever they take: make test ARGS="-k robots"
	$(PYTEST) $(or $(ARGS),-m "not slow")

.PHONY: test-all
test-all: $(READY)  ## all tests: also whole programs, browsers, kills and long crawls
	$(PYTEST) $(ARGS)

.PHONY: stories
stories: $(READY)  ## one whole story each with kills, loops, browsers and databases: what CI runs beside the quick tests
	$(PYTEST) $(STORIES)

.PHONY: lint
lint: $(READY)  ## ruff, its format, and the floors of the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache --no-logo

.PHONY: format
format: $(READY)  ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: types
types: $(READY)  ## mypy --strict
	$(BIN)/mypy

.PHONY: check
check: lint types  ## lint, types and all tests but the forty longest: what a change must pass before it counts as done
	$(PYTEST) -m "not long"

.PHONY: torture
torture: $(READY)  ## hostile servers, kill -9 at any moment, documents that hurt parsers: half an hour
	@failed=0; for part in $(TORTURES) "tests.backends.torture --stories $(or $(ENGINE_STORIES),200)" "tests.fuzz --seconds $(or $(FUZZ_SECONDS),10)"; do \
	  echo "== $$part ==" && $(BIN)/python -m $$part || failed=1; done; exit $$failed

.PHONY: fuzz
fuzz: $(READY)  ## feed each reader what strangers may write, ten minutes each: make fuzz FUZZ_SECONDS=60 ARGS=URL
	$(BIN)/python -m tests.fuzz --seconds $(or $(FUZZ_SECONDS),600) $(ARGS)

.PHONY: lossless
lossless: $(READY)  ## every way to lose a page, against the truth: make lossless ARGS="depth traps/scans --seed 7"
	$(BIN)/python -m tests.lossless $(ARGS)

.PHONY: archive-check
archive-check: $(READY)  ## have pywb, warcio, cdxj-indexer, py-wacz and ReplayWeb.page judge an archive of ours, from venvs of their own: ARGS=pywb
	$(BIN)/python -m tests.archive_check $(ARGS)

.PHONY: client-check
client-check: $(READY)  ## have the real clients of MCP, Firecrawl and scrapyd drive a daemon of ours, from venvs of their own: ARGS=mcp
	$(BIN)/python -m tests.clients $(ARGS)

.PHONY: azure-check
azure-check: $(READY)  ## export and copy to Azurite, the emulator of Azure Blob Storage, which npm installs beside the venv
	$(BIN)/python -m tests.azure_check

.PHONY: canary
canary: $(READY)  ## the tests of the wire with the newest aiohttp, in a venv of its own: make canary ARGS=aiohttp==3.15.0
	$(BIN)/python .ci/canary.py $(ARGS)

.PHONY: fresh
fresh:  ## set up clones as on a fresh machine, with uv and without it, and test them: some minutes
	$(PYTHON) .ci/fresh.py

.PHONY: bench
bench: $(READY) $(PEERS:%=$(VENV)/peers/%/.ready)  ## measure ourselves against our goals and our peers: make bench PAGES=2000 ROUNDS=1
	$(BIN)/python -m benchmarks $(or $(ARGS),figures $(PAGES:%=--pages %) $(ROUNDS:%=--rounds %))

.PHONY: profile
profile: $(READY) $(VENV)/peers/profiler/.ready  ## where a crawl spends its time, as flame graphs of the loop and the workers: build/profile
	$(BIN)/python -m benchmarks profile -o $(PROFILE) $(ARGS)

.PHONY: dist
dist: $(READY)  ## build what a release consists of from the last commit: sdist, wheel, SBOM, checksums
	$(BIN)/python .ci/dist.py $(DIST)

.PHONY: lock
lock: $(READY)  ## take the newest dependencies that pyproject.toml allows
	.ci/uv $(LOCK) --upgrade --extra dev -o requirements-dev.lock
	.ci/uv $(LOCK) --upgrade --extra analytics --extra cloud --extra socks --extra tables -c requirements-dev.lock -o requirements.lock
	for peer in $(PEERS) profiler; do .ci/uv $(LOCK_PEER) --upgrade benchmarks/peers/$$peer.in -o benchmarks/peers/$$peer.lock || exit 1; done

.PHONY: audit
audit: $(READY)  ## ask whether anything is known against the locked dependencies
	$(BIN)/python .ci/audit.py

.PHONY: vendor
vendor:  ## take the dashboard's libraries anew from npm, at the versions in .ci/vendor
	.ci/vendor

.PHONY: settings
settings: $(READY)  ## write the files and the page of all settings, and the lists of metrics, again from the code
	$(BIN)/python -m tests.settings.reference
	$(BIN)/python -m tests.metrics.reference

.PHONY: docs
docs: $(READY)  ## build all documents, and a reference of the library, as one site: build/docs/index.html
	$(BIN)/python .ci/docs.py $(DOCS)

.PHONY: screenshots
screenshots: $(READY)  ## take the pictures in docs/ anew, or those of ARGS; the dashboard's need chromium
	@for part in $(or $(ARGS),$(PICTURES)); do echo "== $$part ==" && $(BIN)/python -m $$part || exit 1; done

.PHONY: clean
clean:  ## remove whatever make made
	.ci/setup remove
	rm -rf $(VENV)-canary $(VENV)-archives $(VENV)-clients $(VENV)-azurite build dist *.egg-info .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	find crawler cli tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# Each prints a table, and ends with 1 if something in it is not as it should be.
TORTURES = tests.hostile $(addprefix tests.hostile.,documents endless kills faults rendered) tests.power tests.daemon.kills tests.linear tests.render.torture

# One of each kind, so that no kind breaks unseen; all the others are in `make check` and `make test-all`.
STORIES = tests/test_kill.py::test_killed_again_and_again_every_page_is_in_the_output_once \
  tests/test_loops.py::test_two_loops_bring_every_page_once_and_the_folder_goes_on_with_one \
  tests/backends/test_several_machines.py::test_the_lines_of_the_readme_do_what_they_say \
  tests/render/test_rendering.py::test_pages_made_by_scripts_bring_what_their_readers_see \
  tests/render/test_lifecycle.py::test_a_killed_crawl_leaves_no_browser_and_no_file \
  tests/daemon/test_kill.py::test_killed_under_running_jobs_all_of_them_complete \
  tests/daemon/test_dashboard_report.py::test_the_report_tells_how_a_job_came_out_and_leads_to_its_pages \
  tests/hostile/test_hostile.py tests/test_readme.py tests/test_package.py

# Each module makes some of the pictures in docs/.
PICTURES = tests.daemon.screenshots tests.cli.panel_picture tests.site_report.picture

LOCKED = --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --quiet
LOCK = pip compile pyproject.toml --group build $(LOCKED)
LOCK_PEER = pip compile -c requirements-dev.lock $(LOCKED)

# Two layers: the command runs with the first, all work needs the second. A stamp is made last: a set-up that was
# interrupted is repaired by the next one.
$(RUN): requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" .ci/setup run

$(READY): requirements-dev.lock pyproject.toml
	@PYTHON="$(PYTHON)" .ci/setup develop

# Each peer has a venv of its own, of the same Python. So no peer decides about our versions, or about another one's.
$(VENV)/peers/%/.ready: benchmarks/peers/%.lock $(READY)
	$(BIN)/python -m venv --clear --without-pip $(@D)
	.ci/uv pip install --quiet --compile-bytecode --require-hashes --python $(@D)/bin/python -r $<
	@touch $@

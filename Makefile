# Storehouse. 'make' or 'make help' lists what can be made.

STATE      := $(CURDIR)/.storehouse
VENV       := $(CURDIR)/.venv
BIN        := $(VENV)/bin
STAMP      := $(VENV)/.made-from-constraints
PYTHON     ?= python3
# Each has servers of its own.
TEST_PROCESSES ?= 2

# Nothing is written outside this folder.
export PREFECT_HOME                   := $(STATE)/prefect
export PREFECT_PROFILES_PATH          := $(STATE)/prefect/profiles.toml
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export DO_NOT_TRACK                   := 1
export XDG_RUNTIME_DIR                := $(STATE)/run
export XDG_CACHE_HOME                 := $(STATE)/cache
export XDG_CONFIG_HOME                := $(STATE)/config
export XDG_DATA_HOME                  := $(STATE)/data
export MPLCONFIGDIR                   := $(STATE)/cache/matplotlib
export HYPOTHESIS_STORAGE_DIRECTORY   := $(STATE)/cache/hypothesis
export RUFF_CACHE_DIR                 := $(STATE)/cache/ruff
export PIP_DISABLE_PIP_VERSION_CHECK  := 1
export PYTHONNOUSERSITE               := 1

# pip's own cache stays where pip keeps it.
PIP_CACHE  := $(shell unset XDG_CACHE_HOME; echo "$${PIP_CACHE_DIR:-$$HOME/.cache/pip}")
PIP        := PIP_CACHE_DIR="$(PIP_CACHE)" "$(BIN)/python" -m pip --quiet

.DEFAULT_GOAL := help
.SILENT:
.PHONY: help venv demo up down status discover draft replicate quarantine test bench check format schema lock clean

help: ## list the targets
	echo "Storehouse: what can be made here"
	echo
	grep -hE '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	echo
	echo "After 'make up', in this folder:"
	echo "  .venv/bin/prefect deployment run daily-sales/daily-sales --watch"
	echo "  (no exports are needed: prefect.toml names the folder where 'make up' left the address of the server)"

demo: venv ## install, start, make a shop and run seven business days; the place to begin
	"$(BIN)/python" -m demo

up: venv ## start server, work pool and worker; deploy everything in prefect.yaml
	"$(BIN)/python" -m demo --shop-only
	"$(BIN)/python" -m deployments up

down: ## stop all that 'make up' or 'make demo' started
	if [ -e "$(STAMP)" ]; then exec "$(BIN)/python" -m deployments down; fi; \
	for file in "$(STATE)"/prefect/watcher.pid "$(STATE)"/prefect/worker.pid "$(STATE)"/prefect/server.pid "$(STATE)"/demo/analytics.pid "$(STATE)"/postgresql/postmaster.pid; do \
		[ -e "$$file" ] || continue; \
		read -r pid _ < "$$file"; \
		case "$$(readlink /proc/$$pid/cwd)" in "$(CURDIR)"*) kill -INT $$pid; echo "Stopped process $$pid." ;; esac; \
	done

status: venv ## say what runs
	"$(BIN)/python" -m deployments status

discover: venv ## write the catalog of a database: SOURCE=crm, its URL in ETL_CRM_URL
	[ -n "$(SOURCE)" ] || { echo "Name the source: make $@ SOURCE=crm, with its URL in ETL_CRM_URL."; exit 1; }
	"$(BIN)/python" -m etl.discovery "$(SOURCE)" $(ARGS)

draft: venv ## draft a suite from what runs saw of a table: TABLE=shop.orders
	[ -n "$(TABLE)" ] || { echo "Name the table: make $@ TABLE=shop.orders."; exit 1; }
	"$(BIN)/python" -m etl.discovery.draft "$(TABLE)" $(ARGS)

replicate: venv ## copy a database and keep the copy up to date: SOURCE=crm, its URL in ETL_CRM_URL
	[ -n "$(SOURCE)" ] || { echo "Name the source: make $@ SOURCE=crm, with its URL in ETL_CRM_URL."; exit 1; }
	"$(BIN)/python" -m deployments.run replicate-database "source=$(SOURCE)" $(ARGS)

quarantine: venv ## rows that the gate held back: ARGS="list --table shop.orders", show, discard, replay
	"$(BIN)/python" -m etl.quarantine $(or $(ARGS),list)

test: venv ## run all tests, on real servers and a real browser
	"$(BIN)/python" -m pytest -n $(TEST_PROCESSES) --dist loadfile

bench: venv ## measure speed against other tools, write docs/performance.md: ARGS="full_copy --lines 300000"
	"$(BIN)/python" -m tests.bench $(ARGS)

check: venv ## ruff, mypy, import-linter, sqlfluff
	mkdir -p "$(XDG_CACHE_HOME)"
	echo "ruff format";   "$(BIN)/ruff" format --check --quiet .
	echo "ruff check";    "$(BIN)/ruff" check --quiet .
	echo "mypy --strict"; "$(BIN)/mypy" --no-error-summary
	echo "import-linter"; "$(BIN)/lint-imports" --cache-dir "$(XDG_CACHE_HOME)/import_linter" > "$(XDG_CACHE_HOME)/import_linter.txt" \
		|| { cat "$(XDG_CACHE_HOME)/import_linter.txt"; exit 1; }
	echo "sqlfluff"
	# sqlfluff cannot read the driver's %(name)s beside Jinja: a text of the same length stands in its place.
	rm -rf "$(XDG_CACHE_HOME)/sql" && cp -r sql "$(XDG_CACHE_HOME)/sql"
	find "$(XDG_CACHE_HOME)/sql" -name '*.sql' -exec sed -i -E "s/%\((\w+)\)s/'\1__'/g; s/values %s/values (1)/" {} +
	"$(BIN)/sqlfluff" lint --processes 0 --disable-progress-bar .storehouse/cache/sql/warehouse > "$(XDG_CACHE_HOME)/sqlfluff.txt" 2>&1 \
		|| { cat "$(XDG_CACHE_HOME)/sqlfluff.txt"; exit 1; }
	echo "All clean."

format: venv ## write the code as ruff formats it
	"$(BIN)/ruff" format --quiet .
	"$(BIN)/ruff" check --fix --quiet .

schema: venv ## write catalog/schema.json, the JSON Schema of the catalog for editors
	"$(BIN)/python" -c 'import json; from etl.catalog_files import json_schema; print(json.dumps(json_schema(), indent=2))' > catalog/schema.json
	echo "Wrote catalog/schema.json."

lock: ## choose the newest versions that pyproject.toml allows and write them to constraints.txt
	# The oldest Python in use chooses, so that the newer ones can follow.
	rm -rf "$(STATE)/lock"
	$$(command -v python3.11 || echo $(PYTHON)) -m venv "$(STATE)/lock"
	PIP_CACHE_DIR="$(PIP_CACHE)" "$(STATE)/lock/bin/pip" install --quiet ".[dev]"
	{ echo "# Exact versions of everything; written by 'make lock', used by 'make demo'."; \
		"$(STATE)/lock/bin/pip" freeze --exclude storehouse; } > constraints.txt
	rm -rf "$(STATE)/lock" build storehouse.egg-info
	echo "Wrote constraints.txt."

clean: down ## stop everything and remove all that was made: .venv, .storehouse, caches
	rm -rf "$(VENV)" "$(STATE)" .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build storehouse.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	echo "Removed .venv, .storehouse and all caches."

venv: $(STAMP)

$(STAMP): constraints.txt
	"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another one: make PYTHON=python3.12 ..."; exit 1; }
	"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null \
		|| { echo "This Python cannot make virtual environments. On Debian: apt-get install python3-venv (as root), then again."; exit 1; }
	mkdir -p "$(STATE)/run" && chmod 700 "$(STATE)/run"
	echo "Making .venv with the versions of constraints.txt (a minute or two, once) ..."
	rm -rf "$(VENV)"
	"$(PYTHON)" -m venv "$(VENV)"
	$(PIP) install --requirement constraints.txt
	# The packages of the project are imported from where they stand.
	echo "$(CURDIR)" > "$$("$(BIN)/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/storehouse.pth"
	touch "$@"

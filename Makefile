# Thin wrappers: what they do is in cmd/causeway, local/ and the Go tool.
CONFIG ?= causeway.yaml
PORT   ?= 47600
FUNCTIONS := mongo-to-ditto ditto-to-mongo initial-sync

# Tests, the command and the functions share one build cache.
export CGO_ENABLED := 0
export GOFLAGS := $(strip $(GOFLAGS) -trimpath)

LAMBDA := -tags lambda.norpc -ldflags '-s -w'
CHAOS  ?= 1m
N      ?= 1000000
FUZZTIME ?= 10m
ROUNDS ?= 5

.PHONY: help run build template test test-page bench lint fmt faults fuzz chaos soak clean clean-data install FORCE

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: dist/causeway ## Start everything on this machine (CONFIG=causeway.yaml, PORT=47600)
	@dist/causeway run --config '$(CONFIG)' --port $(PORT) $(if $(DIR),--dir '$(DIR)')

build: dist/causeway $(FUNCTIONS:%=dist/%/bootstrap) node_modules/.package-lock.json ## Build all that `npx cdk deploy` needs (arm64)

template: $(FUNCTIONS:%=dist/host/%/bootstrap) ## Write the template for `sam local invoke`, for this machine's processor (CONFIG=causeway.yaml)
	@CAUSEWAY_BUILD=host CONFIG='$(CONFIG)' CDK_OUTDIR=cdk.out JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 \
	  CDK_CONTEXT_JSON='{"aws:cdk:enable-asset-metadata":true,"aws:cdk:enable-path-metadata":true}' go run ./infra
	@ls cdk.out/*.template.json cdk.out/env.json 2>/dev/null || true

test: install ## Run every test; none may print a secret
	@go run ./local/leak/gotest -v -count 1 -timeout 8m ./core/sim
	@go run ./local/leak/gotest -count 1 -timeout 8m $$(go list ./... | grep -v /core/sim$$)

test-page: install local/page/test/node_modules/.package-lock.json ## Test the page in headless Chromium (SCREENSHOTS=keep writes docs/images)
	@node --test --test-concurrency=1 local/page/test/page.test.mjs

bench: install $(FUNCTIONS:%=dist/%/bootstrap) ## Measure everything on two cores (BENCH=regex ROUNDS=5 WRITE=docs/performance.md PROFILES=folder)
	@GOMAXPROCS=2 go run ./local/bench -run '$(BENCH)' -rounds $(ROUNDS) $(if $(WRITE),-write '$(WRITE)') $(if $(PROFILES),-profiles '$(PROFILES)')

lint: ## Check formatting and the linters' findings
	@.ci/lint

fmt: ## Format the Go code
	@.ci/lint fmt

faults: ## Plant defects, and see the simulation catch each, as `make test` does
	@go test -count 1 -timeout 30m -run TestFaultsAreCaught -v ./core/sim

fuzz: ## Run every fuzz target for a while, one after another (FUZZTIME=10m)
	@grep -rE '^func Fuzz' --include '*_test.go' --exclude-dir node_modules cmd core events functions local | \
	  sed -E 's,/[^/]*:func (Fuzz[A-Za-z0-9_]*).*, \1,' | sort | while read -r dir target; do \
	    echo "$$dir $$target"; \
	    go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s -parallel 1 "./$$dir" </dev/null || exit 1; \
	  done

chaos: install ## Kill functions and MongoDB under users on both sides (CHAOS=1m)
	@go test -timeout 0 -count 1 -v ./local/chaos -full -duels 1000 -storm $(CHAOS)

soak: ## Play as many histories of the simulation as N says (N=1000000)
	@go test -count 1 -timeout 0 -v -run '^TestHistories$$' ./core/sim -histories $(N)

clean: ## Remove what was built
	rm -rf dist

clean-data: ## Remove the data of the local stack: the next run starts afresh
	rm -rf .causeway/data

install: dist/causeway
	@dist/causeway install

dist/causeway: FORCE
	@go build -o $@ ./cmd/causeway

# The CDK's command line, in the version that package.json names.
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --loglevel error

# The browser's driver and the accessibility checker, for `make test-page` alone.
local/page/test/node_modules/.package-lock.json: local/page/test/package.json local/page/test/package-lock.json
	npm ci --prefix local/page/test --ignore-scripts --no-audit --no-fund --loglevel error

dist/host/%/bootstrap: FORCE
	@go build $(LAMBDA) -o $@ ./functions/$*

dist/%/bootstrap: FORCE
	GOOS=linux GOARCH=arm64 go build $(LAMBDA) -o $@ ./functions/$*

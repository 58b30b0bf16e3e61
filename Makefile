# Bongsu. Bare `make` says what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# The two modules are built apart: a go.work would lift the versions of the core.
export GOWORK := off
export BONGSU_SERVERS := $(CURDIR)/.cache/debian

STACK   := deploy/embedded
BIN     := $(CURDIR)/.cache/bin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMON  := github.com/prometheus/common/version
LDFLAGS := -s -w -X $(COMMON).Version=$(VERSION) -X $(COMMON).Revision=$(shell git rev-parse --short HEAD 2>/dev/null) -X $(COMMON).Branch=$(shell git rev-parse --abbrev-ref HEAD 2>/dev/null)
GOBUILD := CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)'

# Tools, by version, outside the product's go.mod.
GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOVULNCHECK   := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: up
up: build ## build, and run the whole line on embedded defaults in one process, until Ctrl-C
	./bongsu up

.PHONY: build
build: ## build ./bongsu and ./bongsu-stack
	$(GOBUILD) -o bongsu .
	cd $(STACK) && $(GOBUILD) -o ../../bongsu-stack .

.PHONY: servers
servers:
	@.ci/servers

.PHONY: test
test: servers ## run all tests of both modules but e2e, against real servers (Debian's, unpacked if missing)
	go test ./...
	cd $(STACK) && go test ./...

.PHONY: race
race: servers ## run the short tests under the race detector
	go test -race -short ./...

.PHONY: e2e
e2e: servers build ## run the stories on real Prometheus, Alertmanager, PostgreSQL and MariaDB
	go test -tags e2e -count=1 -timeout 20m ./deploy/e2e

.PHONY: bench
bench: ## measure, as ratios to the floor found in the same run
	go test -run '^$$' -bench . -benchmem ./exporter ./receiver/... | grep -v '^PASS'

.PHONY: fuzz
fuzz: ## fuzz every decoder, FUZZTIME (20s) each
	@set -e; for p in $$(go list ./...); do \
	  for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz' || true); do \
	    echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $${FUZZTIME:-20s} -fuzzminimizetime 20x $$p; done; done

.PHONY: lint
lint: $(BIN)/golangci-lint ## lint both modules
	$(BIN)/golangci-lint run ./...
	cd $(STACK) && $(BIN)/golangci-lint run --config ../../.golangci.yml ./...

.PHONY: check
check: servers build ## check every shipped file: configs, rules and their tests, dashboards
	./bongsu check deploy/starter rules/*.yml testdata/readme
	PATH="$$PATH:$(BONGSU_SERVERS)/usr/bin" promtool test rules rules/tests/*.yml
	go test ./rules/... ./dashboards/... ./deploy/...

.PHONY: vuln
vuln: $(BIN)/govulncheck ## look for known vulnerabilities in what is linked
	$(BIN)/govulncheck ./...

.PHONY: fmt
fmt: $(BIN)/golangci-lint ## format the code
	$(BIN)/golangci-lint fmt ./...
	cd $(STACK) && $(BIN)/golangci-lint fmt --config ../../.golangci.yml ./...

$(BIN)/golangci-lint:
	GOBIN=$(BIN) go install $(GOLANGCI_LINT)
$(BIN)/govulncheck:
	GOBIN=$(BIN) go install $(GOVULNCHECK)

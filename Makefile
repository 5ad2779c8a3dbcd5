# What CONTRIBUTING.md asks for, and what .ci/run runs.
BENCHTIME ?= 1s
tool = go tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help build run test race e2e clients bench lint fmt generate verify

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build ./baton, a static binary
	CGO_ENABLED=0 go build -trimpath -o baton ./cmd/baton

run: ## start a server from the working tree
	go run ./cmd/baton serve

test: ## run all tests
	go test ./...

race: ## run all tests with the race detector
	go test -race -timeout=20m ./...

e2e: ## run the tests of the whole program, whatever the test cache says
	go test -count=1 ./e2e/...

clients: ## install the client from npm that e2e drives
	npm ci --prefix e2e/testdata/clients/gitbeaker --ignore-scripts --no-audit --no-fund

bench: ## run all benchmarks (BENCHTIME=1x to try them once)
	go test -run='^$$' -bench=. -benchmem -benchtime=$(BENCHTIME) ./...

lint: ## check style, bugs and import directions
	go vet ./...
	$(tool) golangci-lint run --allow-serial-runners

fmt: ## format the code and order its imports
	$(tool) golangci-lint fmt

generate: ## write generated files anew
	go generate ./...

verify: ## check that go.mod and the code are as the tools would leave them
	go mod tidy -diff
	go fix -diff ./...

# One door to every check; the continuous integration (.ci/run) calls these targets.
# A nested module is reached by "GOWORK=off go -C DIR", so that what it requires
# never moves what the library requires.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := check

ALL       := ./... ./cmd/...
NESTED    := interop bench bench/others capi internal/box/gen
LINTER    := $(CURDIR)/.cache/bin/golangci-lint
PLATFORMS := linux/amd64 linux/arm64 linux/386 linux/s390x darwin/arm64 windows/amd64 freebsd/amd64 js/wasm

# How long the long ones run: make fuzz FUZZTIME=1m
FUZZTIME ?= 10s
SOAKTIME ?= 10m
KILLS    ?= 1000
CHAOS    ?= 1000

.PHONY: check
check: vet house unit ## what to run before a commit: below a minute

.PHONY: vet
vet:
	go vet $(ALL)

.PHONY: house
house: ## format, imports, exported surface, shape and texts
	go test -run '^Test(Format|Arrows|Requirements|API|Shape|NoSleepInTests|GoroutinesHaveNames|PackageComments|Citations|Links|ConformanceTables)$$' .

.PHONY: unit
unit:
	go test $(ALL)

.PHONY: test
test: unit

.PHONY: race
race:
	go test -race -timeout 20m $(ALL)

.PHONY: interop
interop: ## against libzmq, CZMQ and pyzmq; a peer that is missing fails
	GOWORK=off go -C interop test -count=1 -timeout 15m ./...

# libzmq.so.5 out of our sockets: docs/capi.md.
CAPI := capi/build
CAPI_LINK := -Wl,-soname,libzmq.so.5 -Wl,--version-script=$(CURDIR)/capi/exports.map

.PHONY: capi
capi: ## libzmq's C interface, as capi/build/libzmq.so.5
	GOWORK=off go -C capi build -trimpath -buildmode=c-shared -ldflags "-extldflags '$(CAPI_LINK)'" -o build/libzmq.so.5 .
	rm -f $(CAPI)/libzmq.so.h

# Other people's tests on it; make libzmq-tests ONLY=test_pair runs a few, and
# SUITE=-original runs them on the installed libzmq.
SUITE ?= -lib build
ONLY  ?=

.PHONY: libzmq-tests pyzmq-tests czmq-tests capi-speed
libzmq-tests: capi ## libzmq's own tests, from Debian's source
	GOWORK=off go -C capi run ./suite $(SUITE) -only '$(ONLY)' libzmq
pyzmq-tests: capi ## the suite of the installed python3-zmq
	GOWORK=off go -C capi run ./suite $(SUITE) -only '$(ONLY)' pyzmq
czmq-tests: capi ## czmq_selftest, from Debian's source
	GOWORK=off go -C capi run ./suite $(SUITE) -only '$(ONLY)' czmq
capi-speed: capi ## throughput beside the original
	GOWORK=off go -C capi run ./suite -lib build speed

.PHONY: lint
lint: $(LINTER)
	$(LINTER) run $(ALL)
	for dir in $(wildcard $(NESTED)); do (cd $$dir && GOWORK=off $(LINTER) run ./...); done

# Built from source once, and again when tools/go.mod pins another version.
$(LINTER): tools/go.mod tools/go.sum
	mkdir -p $(@D)
	GOWORK=off go -C tools build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	touch $@

.PHONY: cross
cross: ## the library compiles and vets without cgo on each platform
	for p in $(PLATFORMS); do \
		echo "vet $$p"; \
		GOWORK=off CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go vet ./...; \
	done

# qemu-user hands neither netlink, nor TCP_INFO, nor the device of a socket to a
# machine of the other octet order, and starts no second process of that kind:
# the tests that ask for it begin like this.
NOT_UNDER_QEMU := ^TestKernel

# The tests of guide/ build and start programs, too.
FOREIGN = $$(GOWORK=off go list ./... | grep -v /guide/)

# An amd64 kernel runs 386 by itself, unless it was built without.
.PHONY: qemu
qemu: ## the tests on 32 bits, and with the octets the other way round
	run=; GOWORK=off CGO_ENABLED=0 GOARCH=386 go test -run '^$$' ./internal/leak >/dev/null 2>&1 || run='-exec qemu-i386'; \
	GOWORK=off CGO_ENABLED=0 GOARCH=386 go test -timeout 10m $$run $(FOREIGN)
	GOWORK=off CGO_ENABLED=0 GOARCH=s390x go test -timeout 20m -exec qemu-s390x -skip '$(NOT_UNDER_QEMU)' $(FOREIGN)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME
	for pkg in $$(go list $(ALL)); do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

.PHONY: soak
soak: ## every pattern at once for SOAKTIME: nothing lost, nothing grows
	GOWORK=off go -C bench run -race ./soak -for $(SOAKTIME)

.PHONY: kill
kill: ## KILLS peers killed under load: nothing stuck, doubled or left behind
	GOWORK=off go -C interop test -count=1 -timeout 60m -v -run '^TestKill$$' . -kills $(KILLS)

.PHONY: chaos
chaos: ## CHAOS Majordomo workers and brokers killed and frozen under load: every request answered
	GOWORK=off go -C interop test -count=1 -timeout 60m -v -run '^(TestChaos|TestDeadWorkerIsNoticed|TestThousandWorkersComeBack)$$' . -rounds $(CHAOS)

.PHONY: majordomo-bench
majordomo-bench: ## requests a second through our broker, beside one in C on CZMQ
	GOWORK=off go -C bench run ./majordomo

.PHONY: majordomo-soak
majordomo-soak: ## our broker at full rate for SOAKTIME: memory stays flat
	GOWORK=off go -C bench run ./majordomo -soak $(SOAKTIME)

# What bench is told besides: make bench BENCHFLAGS='-libzmq DIR'
BENCHFLAGS ?= -others

.PHONY: bench
bench: ## every line of docs/performance.md beside libzmq: twelve quiet minutes
	GOWORK=off go -C bench run . -docs ../docs $(BENCHFLAGS)

.PHONY: bench-growth
bench-growth: ## how cost grows with size, peers, subscriptions, marks and load
	GOWORK=off go -C bench run . growth -repeats 3 -docs ../docs

.PHONY: bench-test
bench-test: ## the measuring tool itself
	GOWORK=off go -C bench test -timeout 5m ./...

.PHONY: probe
probe: ## speed beside libzmq, as ratios
	GOWORK=off go -C bench run ./probe

.PHONY: generate
generate: ## generated code and api.txt, written anew
	go generate $(ALL)
	go test -run '^TestAPI$$' . -update
	go test -run '^TestGenerated$$' ./cmd/zmq -update

.PHONY: tidy
tidy: ## go.mod and go.sum of every module
	GOWORK=off go mod tidy
	go -C cmd mod edit -replace github.com/phimq/zmq=../
	trap 'go -C cmd mod edit -dropreplace github.com/phimq/zmq' EXIT; GOWORK=off go -C cmd mod tidy
	for dir in tools $(wildcard $(NESTED)); do GOWORK=off go -C $$dir mod tidy; done

# make demo    install what is missing; the three journeys of README
# make test    install what is missing; every check that needs no GPU
# See CONTRIBUTING.md for the others.

SHELL := /bin/bash
# NetCDF (climate) is compiled in if its headers are there.
TAGS := $(shell pkg-config --exists netcdf 2>/dev/null || echo nonetcdf)
GO ?= go
GOFLAGS_TAGS = $(if $(TAGS),-tags $(TAGS))
KIBAN = bin/kiban

.PHONY: all build setup demo demo-vulkan test lint race bench carried growth steady microbench fuzz kills shaders golden pages size clean

all: build

build:
	$(GO) build $(GOFLAGS_TAGS) -trimpath -o $(KIBAN) ./cmd/kiban

setup:
	.ci/setup

demo: setup
	$(MAKE) --no-print-directory build
	.ci/demo $(KIBAN)

# The same with few steps on Vulkan, under the validation layer.
demo-vulkan: build
	TAGS=$(TAGS) .ci/demo-vulkan $(KIBAN)

test: setup
	$(MAKE) --no-print-directory lint
	$(GO) test $(GOFLAGS_TAGS) ./...
	$(MAKE) --no-print-directory race

lint:
	@files=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	  if [ -n "$$files" ]; then echo "gofmt would change: $$files" >&2; exit 1; fi
	$(GO) vet $(GOFLAGS_TAGS) ./...
	$(GO) vet -tags nonetcdf ./...
	$(GO) tool staticcheck $(GOFLAGS_TAGS) ./...

# The race detector where there are goroutines of ours and it is cheap.
race:
	$(GO) test -race -short ./core/dataset ./core/checkpoint ./core/token ./core/group ./bio/sequence

# Kiban beside its peers; PYTHON has them (cmd/kiban-bench/peers/install.sh), ROWS
# are words in the names of rows, all without.
bench:
	$(GO) build -o bin/ ./cmd/kiban ./cmd/kiban-bench
	bin/kiban-bench --python "$(PYTHON)" --json bench.json --markdown bench.md $(ROWS)

# What is carried to a machine with a GPU: programs without NetCDF, and the tests
# of the device; docs/BENCHMARKS.md says how they are run there.
carried:
	$(GO) build -tags nonetcdf -trimpath -ldflags '-s -w' -o bin/carried/ ./cmd/kiban ./cmd/kiban-bench
	$(GO) test -c -tags nonetcdf -trimpath -ldflags '-s -w' -o bin/carried/vulkan.test ./core/backend/vulkan
	cp .ci/gpu bin/carried/gpu
	tar -C bin -czf bin/carried.tar.gz carried

# How the time of a token grows, as figures: a quarter of an hour. WHAT are words in
# the names of points; the others stay.
growth:
	$(GO) build -o bin/ ./cmd/kiban-bench
	bin/kiban-bench growth -o docs/pictures $(WHAT)

# Whether memory stays flat over an hour of training.
steady:
	$(GO) build -o bin/ ./cmd/kiban ./cmd/kiban-bench
	bin/kiban-bench steady -o docs/pictures

# Parts of it alone.
microbench:
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./bio/protein ./materials/task ./climate/forecast ./core/backend/cpu ./core/token ./bio/sequence

# Fuzz each target for FUZZTIME; inputs that fail are kept in testdata/fuzz.
FUZZTIME ?= 1m
fuzz:
	@git grep '^func Fuzz' -- '*_test.go' | sed -E 's|(.*)/[^/]*:func (Fuzz[A-Za-z0-9]*).*|\1 \2|' | while read dir name; do \
	  echo "$$dir $$name" && $(GO) test $(GOFLAGS_TAGS) -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10s ./$$dir </dev/null || exit 1; done

# A hundred kills, and one at each call to the system (needs strace).
kills:
	KIBAN_SLOW=1 $(GO) test $(GOFLAGS_TAGS) -run 'Killed|TestDamaged' -v -timeout 2h ./cmd/kiban

# Compile the shaders whose sources changed (needs glslc, and for matmul.coop.* that of
# KIBAN_NEWER_VULKAN; see CONTRIBUTING.md).
shaders:
	$(GO) run ./vkshaders/gen

# Accept changed plans and pictures; read the difference before committing.
golden:
	$(GO) test ./core/plan ./core/figure ./bio/figure -update

# Every command of docs/verbs, after make demo; UPDATE=-update rewrites what the
# pages show.
pages:
	KIBAN_PAGES=$(CURDIR)/demo $(GO) test $(GOFLAGS_TAGS) -count 1 -run TestPages ./cmd/kiban $(UPDATE)

# Lines of Go by package, tests apart.
size:
	@for d in $$(git ls-files '*.go' | xargs -n1 dirname | sort -u); do \
	  printf '%6d %6d  %s\n' $$(cat $$(ls $$d/*.go | grep -v _test.go) /dev/null | wc -l) $$(cat $$d/*_test.go 2>/dev/null | wc -l) $$d; done

clean:
	rm -rf bin demo

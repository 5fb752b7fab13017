# Everything a checkout can do. `make test` is what CI runs.

.PHONY: help demo example check test test-all django-tests sites bench fuzz peers lint clean

help:
	@echo 'make demo         the main job, on a database that Django 5.2 wrote'
	@echo 'make example      a Django site and a Go service with one login, for a browser'
	@echo 'make check        the inner loop: gofmt, vet and short tests, offline, with the peers that are installed'
	@echo 'make test         what CI runs: installs what it needs; the oldest and the newest Django on every engine'
	@echo 'make test-all     the same with every Django on every engine'
	@echo "make django-tests Django's own tests of sessions, signing and logins, answered by Go; DJSESS_DJANGO=5.2 chooses a release"
	@echo 'make sites        Go beside Wagtail, django-oscar and pretix, over HTTP; installs them; not in CI'
	@echo 'make bench        how far from the floor'
	@echo 'make fuzz         every fuzz target for FUZZTIME (60s); ten times as long for those that read unsigned bytes'

PACKAGES := ./...
# Examples that are modules of their own, so that the library does not depend on what they need.
MODULES := examples/routers examples/pgx
DEMO := .demo
# Its version is pinned in tools/go.mod, so that the library does not depend on it.
STATICCHECK := go build -C tools -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
# The formats start no goroutines, so they need no race detector.
FORMATS = $(shell go list ./signing ./internal/pickle ./internal/pyjson ./internal/pyvalue ./internal/pytime ./djsession/rediscache/internal/...)
# The race detector needs a C compiler.
RACE := $(shell command -v $$(go env CC) >/dev/null 2>&1 && echo -race)

# The main job on SQLite: a database that Django 5.2 wrote, read and changed by Go.
demo: bin/djsess
	@scripts/demo bin/djsess $(DEMO)

# Not `go run`, which when killed leaves what it runs behind.
example:
	@go build -o bin/onelogin ./examples/onelogin
	@bin/onelogin

# A file system in memory, if it has 3 GB of space: on a disk the temporary files of the tests take much of their time.
MEMORY := $(shell test "$$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 {print $$4}')" -ge 3000000 2>/dev/null && echo /dev/shm)

# The inner loop: offline, with the peers that are installed and the newest Django.
check: export TMPDIR := $(or $(MEMORY),$(TMPDIR))
check: lint-offline
	@# Four at once: much of it waits for servers. GOGC: the linker and most tests end before they have much to collect. lint-offline vets.
	GOGC=400 scripts/with-django go test -vet=off -short -p 4 -parallel 4 $(PACKAGES)

# What CI runs. It installs the peers (Djangos from 2.2 to 6.1 with their cache clients, PostgreSQL, PgBouncer, MariaDB, Redis, Memcached) and tests against them. Without root
# or network, tests whose peer is missing skip and say so; with CI=true they fail.
test: peers lint
	@if testdata/djangotests/run --install || [ "$(CI)" = true ]; then $(MAKE) --no-print-directory django-tests; fi
	$(MAKE) --no-print-directory -j 2 test-stores test-formats
	@for module in $(MODULES); do \
		if go mod download -C $$module; then go vet -C $$module ./... && go test -C $$module ./... || exit 1; \
		elif [ "$(CI)" = true ]; then exit 1; else echo "without $$module, whose modules could not be downloaded"; fi; done

# Three packages at a time, beside the formats: the tests of stores often wait for a server.
.PHONY: test-stores test-formats
test-stores:
	go test $(RACE) -p 3 -timeout 40m $(filter-out $(FORMATS),$(shell go list $(PACKAGES)))
test-formats:
	go test -p 1 -timeout 40m $(FORMATS)

test-all: export DJSESS_TEST_ALL = 1
test-all: test

# It installs what it needs: Django's source distribution, for its tests.
django-tests:
	testdata/djangotests/run

# Real sites that nobody here wrote. Not in CI: it installs about 1 GB and takes minutes.
sites:
	testdata/sites/run

peers:
	@testdata/install || [ "$(CI)" != true ] || exit 1

# Ratios to the floor, in one run each. DJSESS_BENCH_SESSIONS=10000,100000,1000000 has the long jobs do so many sessions.
bench: bin/djsess
	go test -run '^$$' -bench . -skip Jobs -benchtime 200x ./djsession ./cmd/djsess ./internal/pickle ./djsession/rediscache
	go test -run '^$$' -bench . -skip Get -benchtime 1x -timeout 3h ./djsession/ops ./cmd/djsess

# Fuzz targets that start a Python or a server need the peers.
fuzz:
	@scripts/fuzz

lint: lint-offline
	@# An int of 32 bits overflows where one of 64 does not. Vet compiles the tests, too.
	for arch in 386 arm; do CGO_ENABLED=0 GOARCH=$$arch go vet $(PACKAGES) || exit 1; done
	@if $(STATICCHECK); then echo bin/staticcheck $(PACKAGES); bin/staticcheck $(PACKAGES); \
	elif [ "$(CI)" = true ]; then exit 1; else echo "without staticcheck, which could not be built"; fi

.PHONY: lint-offline
lint-offline:
	@unformatted=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || find . -name '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed: $$unformatted"; exit 1; fi
	go vet $(PACKAGES)

.PHONY: bin/djsess
bin/djsess:
	go build -o $@ ./cmd/djsess

clean:
	rm -rf bin $(DEMO) examples/onelogin/.data

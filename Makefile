# eddy: `make grade` grades a lab, `make test` proves the kit; both install what is missing. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules --no-print-directory
ifeq ($(MAKELEVEL),0)
ifeq ($(filter -j%,$(MAKEFLAGS)),)
MAKEFLAGS += -j$(shell nproc) --output-sync=target
endif
endif

# ---- how things are compiled: one folder a variant ------------------------------------------------------------------
VARIANT ?= release
B := build/$(VARIANT)
CC := gcc
MACHINE := $(shell uname -m)
# Structs are zeroed by stores: "rep stos", gcc's own choice for them, takes its time to begin (docs/benchmarks.md).
COMMA := ,
FLAGS_release := -O2 $(if $(filter x86_64,$(MACHINE)),-mmemset-strategy=vector_loop:512:noalign$(COMMA)libcall:-1:noalign)
FLAGS_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
FLAGS_tsan := -O1 -fsanitize=thread
FLAGS_cov := -O0 --coverage -fprofile-update=atomic
FLAGS_arm64 := -O2 -Iloop/tests/arm64
# clang takes NULL + 0, which is an empty view's end, for an overflow; of others gcc tells, in asan.
FLAGS_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize=pointer-overflow -fno-sanitize-recover=undefined \
              -fno-omit-frame-pointer -D__SANITIZE_ADDRESS__
ifeq ($(VARIANT),fuzz)
CC := clang
endif
ifeq ($(VARIANT),arm64)
CC := aarch64-linux-gnu-gcc
MACHINE := aarch64
CHECK_LIBS :=
endif
CFLAGS := -std=c17 -D_GNU_SOURCE -I. -g -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
          -fno-common $(FLAGS_$(VARIANT))
LDFLAGS := $(FLAGS_$(VARIANT)) -pthread

# ---- the library: loop/, stream/ and http/, and the kernel's twin for tests -------------------------------------------------
SWITCH := $(if $(wildcard loop/co_switch_$(MACHINE).S),loop/co_switch_$(MACHINE).S,loop/co_switch_ucontext.c)
SIM_SRC := $(wildcard loop/sim*.c)
LOOP_SRC := $(filter-out $(SIM_SRC) loop/selector_poll.c loop/co_switch_ucontext.c,$(wildcard loop/*.c)) $(SWITCH)
objects = $(patsubst %,$(B)/%.o,$(basename $(1)))
# What needs a library of others: without its header the library is built without it, and for the emulator there is none. Then
# neither are its tests: files with that word in their name.
#   PCRE2 (libpcre2-dev): regex   OpenSSL 3 (libssl-dev): tls   c-ares (libc-ares-dev): ares   zlib (zlib1g-dev): zlib
has_header = $(if $(filter arm64,$(VARIANT)),,$(wildcard $(addsuffix /$(1),/usr/include /usr/include/$(MACHINE)-linux-gnu)))
WITHOUT := $(if $(call has_header,pcre2.h),,regex) $(if $(call has_header,openssl/ssl.h),,tls) $(if $(call has_header,ares.h),,ares) \
           $(if $(call has_header,zlib.h),,zlib)
without = $(foreach f,$(1),$(if $(strip $(foreach w,$(WITHOUT),$(findstring _$(w),$(subst /,_,$(f))))),,$(f)))
STREAM_SRC := $(call without,$(wildcard stream/*.c))
HTTP_SRC := $(call without,$(wildcard http/*.c))
LIB := $(B)/libeddy.a
LIB_TESTING := $(B)/libeddy-testing.a

$(B)/%.o: %.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(B)/%.o: %.S
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@
$(LIB): $(call objects,$(LOOP_SRC) $(STREAM_SRC) $(HTTP_SRC))
	@rm -f $@; ar rcs $@ $^
$(LIB_TESTING): $(call objects,$(SIM_SRC))
	@rm -f $@; ar rcs $@ $^
-include $(shell find $(B) -name '*.d' 2>/dev/null)

# Programs that stand on it: build/bin/NAME, of NAME.c and what is called NAME_*.c.
BIN := $(if $(filter release,$(VARIANT)),build/bin,$(B)/bin)
PROGRAM_SRC := $(wildcard http/programs/*.c)
PROGRAMS := $(patsubst http/programs/%.c,$(BIN)/%,$(foreach f,$(PROGRAM_SRC),$(if $(findstring _,$(notdir $(f))),,$(f))))
$(foreach p,$(PROGRAMS),$(eval $(p): $(call objects,$(filter http/programs/$(notdir $(p)).c http/programs/$(notdir $(p))_%,$(PROGRAM_SRC)))))
$(PROGRAMS): $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $(filter %.o,$^) $(LIB) -Wl,--as-needed $(if $(filter tls,$(WITHOUT)),,-lssl -lcrypto) $(if $(filter zlib,$(WITHOUT)),,-lz) -o $@

.PHONY: lib
lib: $(LIB) $(LIB_TESTING)

# What tells valgrind of coroutines' stacks and of poison is compiled again when valgrind has come.
VALGRIND_IS := $(B)/valgrind-is-$(if $(wildcard /usr/include/valgrind/memcheck.h),here,not-here)
$(call objects,$(shell grep -lE 'valgrind/|co_annotate.h|poison_inside.h' $(wildcard $(foreach l,loop stream http,$(l)/*.c $(l)/tests/*.c)))): $(VALGRIND_IS)
$(VALGRIND_IS):
	@mkdir -p $(@D); rm -f $(B)/valgrind-is-*; touch $@

# ---- the library's tests: every tests/test_*.c is a program; some run with the poll selector or swapcontext as well -----
CHECK_LIBS ?= $(shell pkg-config --libs check)
TESTS := $(patsubst %.c,$(B)/%,$(call without,$(wildcard $(foreach l,loop stream http,$(l)/tests/test_*.c))))
POLL_TESTS := $(patsubst %.c,$(B)/%-poll,$(wildcard $(patsubst %,loop/tests/test_%*.c,selector loop faults) \
                $(filter-out %_regex.c,$(wildcard stream/tests/test_stream*.c)) stream/tests/test_faults_stream.c))
test_with = $(foreach t,$(TESTS),$(if $(findstring _$(1),$(notdir $(t))),$(t)))
$(call test_with,regex): CHECK_LIBS += -lpcre2-8
$(call test_with,tls): CHECK_LIBS += -lssl -lcrypto
$(call test_with,ares): CHECK_LIBS += -lcares
$(call test_with,zlib): CHECK_LIBS += -lz
UCONTEXT_TESTS := $(patsubst %.c,$(B)/%-ucontext,$(wildcard loop/tests/test_co*.c))

$(TESTS): $(B)/%: $(B)/%.o $(LIB_TESTING) $(LIB)
	@$(CC) $(LDFLAGS) -rdynamic $< $(LIB_TESTING) $(LIB) $(CHECK_LIBS) -o $@
$(POLL_TESTS): $(B)/%-poll: $(B)/%.o $(B)/loop/selector_poll.o $(LIB_TESTING) $(LIB)
	@$(CC) $(LDFLAGS) -rdynamic $^ $(CHECK_LIBS) -o $@
$(UCONTEXT_TESTS): $(B)/%-ucontext: $(B)/%.o $(B)/loop/co_switch_ucontext.o $(LIB_TESTING) $(LIB)
	@$(CC) $(LDFLAGS) -rdynamic $^ $(CHECK_LIBS) -o $@

# Our streams and servers against other programs: once, as they were built.
PEER_TESTS := $(if $(filter release,$(VARIANT)),stream/tests/test_stream_peers.py stream/tests/tls_peers.py http/tests/test_serve.py http/tests/test_serve_life.py http/tests/test_server_peers.py http/tests/test_client_peers.py http/tests/test_fetch.py \
              http/tests/test_differential.py http/tests/test_smuggling.py)
$(B)/stream/tests/peers: $(B)/stream/tests/peers.o $(LIB)
	@$(CC) $(LDFLAGS) $^ -o $@
TLS_PEERS := $(call without,$(B)/stream/tests/tls_peers)
$(TLS_PEERS): %: %.o $(LIB)
	@$(CC) $(LDFLAGS) $^ -lssl -lcrypto -o $@

include grader/grader.mk
include grader/student/student.mk
include grader/watch/watch.mk
include grader/blocking/blocking.mk
include loop/bench/bench.mk
include stream/bench/bench.mk
include http/bench/bench.mk
include grader/bench/bench.mk
include http/tests/fuzz/fuzz.mk
include stages/stages.mk

# ---- what a user calls ----------------------------------------------------------------------------------------------
GRADE_PACKAGES := gcc libc6-dev binutils make patch pkg-config python3 check libinih-dev libjansson-dev libelf-dev libdw-dev \
                  libseccomp-dev
ARM64_PACKAGES := gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user
TEST_PACKAGES := $(GRADE_PACKAGES) libpcre2-dev libssl-dev libc-ares-dev zlib1g-dev openssl g++ valgrind gcovr $(if $(filter x86_64,$(MACHINE)),$(ARM64_PACKAGES))
GRADE_OPTIONS = $(if $(LAB),--lab '$(LAB)') $(if $(SUB),--sub '$(SUB)') $(if $(WHO),--who '$(WHO)') $(if $(T),--item '$(T)') \
                $(if $(SEED),--seed '$(SEED)') $(if $(filter-out 0,$(V)),--verbose) $(if $(filter-out 0,$(STRICT)),--strict)

.PHONY: help grade test test-fast soak install clean
help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make grade [LAB=02] [T=A3] [SEED=n] [V=1] [STRICT=1]    grade what is under work/ (the first time: put the starter there)
#: make grade SUB=folder | WHO=reference                   grade any hand-in, or the library itself
# A grade that is not full is no error of make's, unless STRICT=1.
grade:
	@.ci/need $(GRADE_PACKAGES)
	@test -x build/bin/grade || echo "building eddy (the first time: under a minute) ..."
	@$(MAKE) grader-build
	+@build/bin/grade $(GRADE_OPTIONS); rc=$$?; if [ $$rc = 1 ] && [ -z "$(filter-out 0,$(STRICT))" ]; then exit 0; fi; exit $$rc

RUN := loop/tests/run.sh
TALLY := build/tally
#: make test                    everything: tests, sanitizers, valgrind, coverage, aarch64, labs; ends with "N passed, N failed"
#: make test-fast               the same tests once, without the tools around them
test-fast:
	@.ci/need $(TEST_PACKAGES)
	@mkdir -p build; rm -f $(TALLY)
	@$(MAKE) run-fast
	@$(RUN) --sum $(TALLY)
test:
	@.ci/need $(TEST_PACKAGES)
	@mkdir -p build; rm -f $(TALLY)
	+@echo "building; then each part is shown when it is over: the first after a minute or two"
	@$(MAKE) build-fast
	@$(MAKE) parts
	@$(RUN) --sum $(TALLY)

# Side by side, the long ones first: what waits (for a child, for a time-out) beside what works.
PARTS := release/run-fast release/run-valgrind release/run-labs asan/run-asan cov/run-coverage tsan/run-tsan \
         $(if $(filter aarch64,$(MACHINE)),,arm64/run-arm64)
.PHONY: parts $(PARTS)
parts: $(PARTS)
$(PARTS):
	@$(MAKE) VARIANT=$(@D) $(@F)

# Under a tool most time goes into new processes: there the tests of a program share one, but for those that are to end it, or that
# are about processes, or leave something behind.
ALONE := $(basename $(shell grep -lE 'SIGABRT|raise_signal|aborting' $(wildcard $(foreach l,loop stream http,$(l)/tests/test_*.c)))) \
         $(patsubst %,loop/tests/test_%,queue_unheard signals_stop sys_jobs sys_process) \
         stream/tests/test_stream_write
SHARED = ONE_PROCESS="$(filter-out $(patsubst %,$(B)/%,$(ALONE) $(ALONE:=-poll)),$(TESTS) $(POLL_TESTS))"

.PHONY: build-fast run-fast run-asan run-tsan run-valgrind run-coverage run-arm64 run-labs
build-fast: $(TESTS) $(POLL_TESTS) $(UCONTEXT_TESTS) $(PROGRAMS) $(B)/stream/tests/peers $(TLS_PEERS) $(FUZZ_PEERS) grader-build $(GRADER_TESTS) stages-build
run-fast: build-fast
	@echo "== tests"; TALLY=$(TALLY) $(RUN) loop/tests/check_tree.py $(STAGE_TESTS) $(PEER_TESTS) $(TESTS) $(POLL_TESTS) $(UCONTEXT_TESTS) $(GRADER_TESTS) || true
# Streams with the poll selector are the same code on the same schedules; of those run-fast has all, and here are fewer.
run-asan: $(TESTS) $(filter $(B)/loop/%,$(POLL_TESTS)) $(FUZZERS) $(GRADER_TESTS)
	@echo "== AddressSanitizer and UndefinedBehaviorSanitizer"; TALLY=$(TALLY) EDDY_SEEDS=3000 $(SHARED) $(RUN) $^ || true
run-tsan: $(patsubst %,$(B)/loop/tests/test_%,wakeup sys_jobs sys_process sys_process_groups)
	@echo "== ThreadSanitizer"; TALLY=$(TALLY) $(RUN) $^ || true
# The programs as they are.
run-valgrind: $(TESTS)
	@echo "== valgrind"; TALLY=$(TALLY) EDDY_SEEDS=100 $(SHARED) RUN_WITH="valgrind -q --fair-sched=try --error-exitcode=9 --leak-check=full" $(RUN) $(TESTS) || true
run-coverage: $(TESTS) $(filter $(B)/loop/tests/test_selector%,$(POLL_TESTS))
	@echo "== coverage of loop/, stream/ and http/"; find $(B) -name '*.gcda' -delete; \
	 TALLY=/dev/null EDDY_SEEDS=1000 $(SHARED) $(RUN) $^ >/dev/null; \
	 TALLY=$(TALLY) $(RUN) loop/tests/coverage.sh || true
# The loop's tests and what is loaded into the watched, since those have assembly. What it needs is in /usr/aarch64-linux-gnu, shared
# libraries included. Without it nothing passed and nothing failed.
LOOP_TESTS := $(filter $(B)/loop/%,$(TESTS))
ARM64_MISSING = $(filter-out $(wildcard $(ARM64_NEEDS)),$(ARM64_NEEDS))
ARM64_NEEDS := /usr/bin/aarch64-linux-gnu-gcc /usr/aarch64-linux-gnu/lib/libc.so /usr/bin/qemu-aarch64
run-arm64: $(if $(ARM64_MISSING),,$(LOOP_TESTS) $(ARM64_INSIDE))
	@echo "== aarch64, in an emulator"
	@$(if $(ARM64_MISSING),echo "not run: $(ARM64_MISSING) missing: install $(ARM64_PACKAGES)"; echo 0 0 1 >>$(TALLY),\
	 TALLY=$(TALLY) TEST_TIMEOUT=120 EDDY_SEEDS=200 $(SHARED) RUN_WITH="qemu-aarch64 -L /usr/aarch64-linux-gnu" $(RUN) $(LOOP_TESTS) || true; \
	 TALLY=$(TALLY) $(RUN) grader/tests/blocking/test_arm64.py || true)
run-labs: grader-build
	@echo "== labs: reference, starter, mutants, samples, attacks"; TALLY=$(TALLY) TEST_TIMEOUT=900 $(RUN) grader/tests/labs.py || true

#: make soak [SEEDS=1000000] [TIMES=20] [FUZZ_SECONDS=3600]    what is long: differential sequences, fuzzers, tests over and over
SEEDS ?= 1000000
TIMES ?= 20
soak:
	@.ci/need $(TEST_PACKAGES)
	@mkdir -p build; rm -f $(TALLY)
	@$(MAKE) $(TESTS) grader-build
	@TALLY=$(TALLY) EDDY_SEEDS=$(SEEDS) TEST_TIMEOUT=86400 $(RUN) $(patsubst %,$(B)/loop/tests/test_%,sim_kernel sim_net_kernel sim_net_storm) || true
	@for i in $$(seq $(TIMES)); do TALLY=$(TALLY) $(RUN) $(TESTS) || true; done
	@.ci/need clang libclang-rt-dev
	@$(MAKE) VARIANT=fuzz fuzz-soak
	@$(MAKE) differential-soak
	@$(MAKE) blocking-soak
	@$(RUN) --sum $(TALLY)

#: make programs               build/bin/serve DIR, build/bin/fetch URL..., build/bin/conformance-server PORT
.PHONY: programs
programs:
	@.ci/need gcc libc6-dev binutils make libssl-dev zlib1g-dev
	@$(MAKE) $(PROGRAMS)

#: make install PREFIX=/usr/local   libeddy, libeddy-testing (the kernel's twin), their headers, and blockwatch
PREFIX ?= /usr/local
install: lib $(BLOCKING_INSTALL)
	@install -d $(DESTDIR)$(PREFIX)/lib $(foreach l,loop stream http,$(DESTDIR)$(PREFIX)/include/$(l))
	@install -m 644 $(LIB) $(LIB_TESTING) $(DESTDIR)$(PREFIX)/lib
	@install -m 644 $(filter-out %_inside.h %_annotate.h loop/sys_linux.h,$(wildcard loop/*.h)) $(DESTDIR)$(PREFIX)/include/loop
	@install -m 644 $(filter-out %_inside.h,$(wildcard stream/*.h)) $(DESTDIR)$(PREFIX)/include/stream
	@install -m 644 $(filter-out %_inside.h %_class.h,$(wildcard http/*.h)) $(DESTDIR)$(PREFIX)/include/http

#: make clean                   removes build/
clean:
	@rm -rf build

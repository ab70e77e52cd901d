# Fuzzers. Each fuzz_NAME.c is a target, and runs twice: with our driver, so many inputs, where the sanitizers are (run-asan); and
# with libFuzzer, for FUZZ_SECONDS, in make soak, which has clang.
FUZZ_SRC := $(call without,$(wildcard http/tests/fuzz/fuzz_*.c))
FUZZERS := $(patsubst %.c,$(B)/%,$(FUZZ_SRC))
$(FUZZERS): $(B)/%: $(B)/%.o $(B)/http/tests/fuzz/driver.o $(LIB_TESTING) $(LIB)
	@$(CC) $(LDFLAGS) $^ -Wl,--as-needed $(if $(filter zlib,$(WITHOUT)),,-lz) -o $@

FUZZ_SECONDS ?= 3600
LIBFUZZERS := $(patsubst http/tests/fuzz/%.c,$(B)/libfuzzer/%,$(FUZZ_SRC))
$(LIBFUZZERS): $(B)/libfuzzer/%: $(B)/http/tests/fuzz/%.o $(LIB_TESTING) $(LIB)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer $^ -Wl,--as-needed $(if $(filter zlib,$(WITHOUT)),,-lz) -o $@

# What it finds is in build/soak/NAME.found; $(B)/http/tests/fuzz/NAME -input FILE prints it as a line for the corpus.
SOAKS := $(patsubst http/tests/fuzz/%.c,soak-%,$(FUZZ_SRC))
.PHONY: fuzz-soak $(SOAKS)
fuzz-soak: $(SOAKS)
$(SOAKS): soak-%: $(B)/libfuzzer/% $(B)/http/tests/fuzz/%
	@mkdir -p build/soak/$*; $(B)/http/tests/fuzz/$* -unpack build/soak/$*
	@TALLY=$(TALLY) TEST_TIMEOUT=$$(($(FUZZ_SECONDS) + 600)) SOAK_SECONDS=$(FUZZ_SECONDS) \
	 RUN_WITH=http/tests/fuzz/soak.sh $(RUN) $< || true

# Our parsers, server and client beside those of others, which are unpacked for it: in make test a few thousand cases, the same
# ones each time; in make soak new ones, FUZZ_SECONDS long.
FUZZ_PEERS := $(B)/http/tests/fuzz/verdict $(patsubst %,build/peers/%.txt,nginx haproxy h11)
$(B)/http/tests/fuzz/verdict: $(B)/http/tests/fuzz/verdict.o $(LIB)
	@$(CC) $(LDFLAGS) $^ -o $@
build/peers/haproxy.txt: ALWAYS
	@loop/bench/peers.sh haproxy libopentracing1 libopentracing-c-wrapper0 liblua5.3-0 haproxy
build/peers/h11.txt: ALWAYS
	@loop/bench/peers.sh h11 python3-h11

.PHONY: differential-soak
differential-soak: $(FUZZ_PEERS) $(PROGRAMS)
	@for seed in $$(seq 2 1000000); do [ $$SECONDS -lt $(FUZZ_SECONDS) ] || break; \
	 TALLY=$(TALLY) TEST_TIMEOUT=3600 DIFFERENTIAL_SEED=$$seed DIFFERENTIAL_CASES=20000 SMUGGLING_SEED=$$seed SMUGGLING_CASES=2000 \
	 $(RUN) http/tests/test_differential.py http/tests/test_smuggling.py || true; done

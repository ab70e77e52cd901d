# What the loop layer costs, beside its peers: docs/benchmarks.md. Peers are unpacked under build/peers, never installed.
BENCH := $(B)/loop/bench/bench
BENCH_SRC := $(wildcard loop/bench/*.c)
BENCH_PACKAGES := gcc libc6-dev binutils libpcre2-dev libssl-dev libc-ares-dev
BENCH_OPTIONS = $(if $(INSTRUCTIONS),--instructions) $(if $(ONLY),--only '$(ONLY)')
peer_archive = $$(ls build/peers/usr/lib/*/$(1).a 2>/dev/null)

.PHONY: bench bench-loop ALWAYS
#: make bench [ONLY=word] [INSTRUCTIONS=1]    what loop, streams, HTTP and being watched cost, beside programs by hand and those of others
# The layers one after the other, also where a target of the first was missed.
bench:
	@.ci/need $(BENCH_PACKAGES) $(if $(INSTRUCTIONS),valgrind)
	@$(MAKE) $(BENCH) $(STREAM_BENCH) $(HTTP_BENCH) $(WATCHED_BENCH)
	@missed=0; for layer in loop stream http blocking; do $(MAKE) bench-$$layer || missed=1; done; exit $$missed
bench-loop: $(BENCH)
	@$(BENCH) $(BENCH_OPTIONS) build/bench

build/peers/libuv.txt: ALWAYS
	@loop/bench/peers.sh libuv libuv1-dev
$(B)/loop/bench/peer_uv.o: CFLAGS += -isystem build/peers/usr/include
$(B)/loop/bench/peer_uv.o: build/peers/libuv.txt
$(BENCH): $(call objects,$(BENCH_SRC)) $(LIB)
	@$(CC) $(LDFLAGS) $^ $(call peer_archive,libuv_a) -lm -ldl -lrt -o $@

# What the loop layer costs, beside its peers: docs/benchmarks.md. Peers are unpacked under build/peers, never installed.
BENCH := $(B)/loop/bench/bench
BENCH_SRC := $(wildcard loop/bench/*.c)

.PHONY: bench ALWAYS
#: make bench [ONLY=word] [INSTRUCTIONS=1]    what the loop layer costs, beside a raw epoll program and libuv
bench: $(BENCH)
	@$(BENCH) $(if $(INSTRUCTIONS),--instructions) $(if $(ONLY),--only '$(ONLY)') build/bench

build/peers/libuv.txt: ALWAYS
	@loop/bench/peers.sh libuv libuv1-dev
$(B)/loop/bench/peer_uv.o: CFLAGS += -isystem build/peers/usr/include
$(B)/loop/bench/peer_uv.o: build/peers/libuv.txt
$(BENCH): $(call objects,$(BENCH_SRC)) $(LIB)
	$(CC) $(LDFLAGS) $^ $$(ls build/peers/usr/lib/*/libuv_a.a 2>/dev/null) -lm -ldl -lrt -o $@

# What the stream layer costs: the same program as the loop's, with other benches in it.
STREAM_BENCH := $(B)/stream/bench/bench
STREAM_BENCH_SRC := $(wildcard stream/bench/*.c) $(filter-out loop/bench/benches.c,$(BENCH_SRC))

.PHONY: bench-stream
#: make bench-stream [ONLY=word]    what streams cost, beside a raw epoll program
bench-stream: $(STREAM_BENCH)
	@$(STREAM_BENCH) $(if $(INSTRUCTIONS),--instructions) $(if $(ONLY),--only '$(ONLY)') build/bench/stream

$(STREAM_BENCH): $(call objects,$(STREAM_BENCH_SRC)) $(LIB)
	@$(CC) $(LDFLAGS) $^ $$(ls build/peers/usr/lib/*/libuv_a.a 2>/dev/null) -lm -ldl -lrt -o $@

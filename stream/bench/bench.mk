# What the stream layer costs: the same program as the loop's, with other benches in it.
STREAM_BENCH := $(B)/stream/bench/bench
STREAM_BENCH_SRC := $(call without,$(wildcard stream/bench/*.c)) $(filter-out loop/bench/benches.c,$(BENCH_SRC))

.PHONY: bench-stream
bench-stream: $(STREAM_BENCH)
	@$(STREAM_BENCH) $(BENCH_OPTIONS) build/bench/stream

build/peers/libevent.txt: ALWAYS
	@loop/bench/peers.sh libevent libevent-dev
STREAM_PEERS := $(B)/stream/bench/peer_uv.o $(B)/stream/bench/peer_event.o
$(STREAM_PEERS): CFLAGS += -isystem build/peers/usr/include
$(STREAM_PEERS): build/peers/libuv.txt build/peers/libevent.txt
WITH_TLS := $(if $(filter tls,$(WITHOUT)),,-DWITH_TLS)
$(B)/stream/bench/benches.o: CFLAGS += $(WITH_TLS)
$(B)/stream/bench/resolver.o: CFLAGS += $(if $(call has_header,ares.h),-DWITH_ARES)
$(STREAM_BENCH): $(call objects,$(STREAM_BENCH_SRC)) $(LIB_TESTING) $(LIB)
	@$(CC) $(LDFLAGS) $^ $(call peer_archive,libuv_a) $(call peer_archive,libevent_core) $(if $(call has_header,ares.h),-lcares) $(if $(WITH_TLS),-lssl -lcrypto) -lm -ldl -lrt -o $@

# What being watched costs a server: the same program as the loop's bench, with other benches in it. The servers are processes of
# their own; nginx and redis are unpacked under build/peers.
WATCHED_BENCH := $(B)/grader/bench/bench
WATCHED_SERVER := $(B)/grader/bench/server
WATCHED_BENCH_SRC := grader/bench/benches.c grader/bench/watched.c http/bench/process.c http/bench/visitors.c http/bench/peers.c \
                     http/bench/requests.c $(filter-out loop/bench/benches.c,$(BENCH_SRC))

.PHONY: bench-blocking
bench-blocking: $(WATCHED_BENCH) $(WATCHED_SERVER) $(BLOCKWATCH) $(LIB_BLOCKWATCH) $(patsubst %,build/peers/%.txt,nginx redis)
	@mkdir -p build/bench/blocking build/bench/http
	@$(WATCHED_BENCH) $(BENCH_OPTIONS) build/bench/blocking

$(B)/grader/bench/watched.o: CFLAGS += -DPEER_LIBRARIES='"$(PEER_LIBRARIES)"'
$(WATCHED_SERVER): $(B)/grader/bench/server.o $(LIB)
	@$(CC) $(LDFLAGS) $^ -o $@
$(WATCHED_BENCH): $(call objects,$(WATCHED_BENCH_SRC)) $(LIB)
	@$(CC) $(LDFLAGS) $^ $(call peer_archive,libuv_a) -lm -ldl -lrt -o $@

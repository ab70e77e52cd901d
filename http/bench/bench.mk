# What the HTTP layer costs: the same program as the loop's, with other benches in it; its peers are processes of their own.
HTTP_BENCH := $(B)/http/bench/bench
HTTP_BENCH_SRC := $(wildcard http/bench/*.c) stream/bench/crowd.c $(filter-out loop/bench/benches.c,$(BENCH_SRC))

.PHONY: bench-http
bench-http: $(HTTP_BENCH) $(patsubst %,build/peers/%.txt,nginx tornado picohttpparser)
	@mkdir -p build/bench/http
	@$(HTTP_BENCH) $(BENCH_OPTIONS) build/bench/http

build/peers/nginx.txt: ALWAYS
	@loop/bench/peers.sh nginx nginx
build/peers/tornado.txt: ALWAYS
	@loop/bench/peers.sh tornado python3-tornado
build/peers/picohttpparser.txt: ALWAYS
	@loop/bench/peers.sh picohttpparser libwslay1 libh2o-evloop0.13
$(HTTP_BENCH): $(call objects,$(HTTP_BENCH_SRC)) $(LIB)
	@$(CC) $(LDFLAGS) $^ $(call peer_archive,libuv_a) -lm -ldl -lrt -o $@

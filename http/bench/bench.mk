# What the HTTP layer costs: the same program as the loop's, with other benches in it; its peers are processes of their own, but
# for libcurl, which is loaded with all that it needs from build/peers.
HTTP_BENCH := $(B)/http/bench/bench
HTTP_BENCH_SRC := $(wildcard http/bench/*.c) stream/bench/crowd.c $(filter-out loop/bench/benches.c,$(BENCH_SRC))
PEER_LIBRARIES := build/peers/usr/lib/$(MACHINE)-linux-gnu:build/peers/lib/$(MACHINE)-linux-gnu
CURL_PACKAGES := libbrotli1 libcom-err2 libffi8 libgmp10 libgnutls30 libgssapi-krb5-2 libhogweed6 libidn2-0 libk5crypto3 \
                 libkeyutils1 libkrb5-3 libkrb5support0 libldap-2.5-0 libnettle8 libnghttp2-14 libp11-kit0 libpsl5 librtmp1 \
                 libsasl2-2 libssh2-1 libtasn1-6 libunistring2 libzstd1 libcurl4 libcurl4-openssl-dev

.PHONY: bench-http
bench-http: $(HTTP_BENCH) $(patsubst %,build/peers/%.txt,nginx tornado picohttpparser libcurl)
	@mkdir -p build/bench/http
	@$(HTTP_BENCH) $(BENCH_OPTIONS) build/bench/http

build/peers/nginx.txt: ALWAYS
	@loop/bench/peers.sh nginx nginx
build/peers/tornado.txt: ALWAYS
	@loop/bench/peers.sh tornado python3-tornado
build/peers/picohttpparser.txt: ALWAYS
	@loop/bench/peers.sh picohttpparser libwslay1 libh2o-evloop0.13
build/peers/libcurl.txt: ALWAYS
	@loop/bench/peers.sh libcurl $(CURL_PACKAGES)
$(B)/http/bench/peer_curl.o: CFLAGS += -isystem build/peers/usr/include -isystem build/peers/usr/include/$(MACHINE)-linux-gnu
$(B)/http/bench/peer_curl.o: build/peers/libcurl.txt
$(HTTP_BENCH): $(call objects,$(HTTP_BENCH_SRC)) $(LIB)
	@$(CC) $(LDFLAGS) $^ $(call peer_archive,libuv_a) -Wl,--disable-new-dtags,-rpath,$(PEER_LIBRARIES) -lm -ldl -lrt -o $@

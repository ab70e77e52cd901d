# The detector of blocking calls: the watcher, what is loaded into the watched, and their tests. Included below grader.mk.
BLOCKWATCH := $(if $(filter release,$(VARIANT)),build/bin/blockwatch,$(B)/bin/blockwatch)
BLOCKING_SRC := $(filter-out %_main.c,$(wildcard grader/blocking/*.c))
BLOCKING_SHARED := $(patsubst %,grader/%.c,report_file report_page report_style text_clean)
BLOCKING_LIBS := -ldw -lelf -ljansson

# ---- what is made from the table of calls ----------------------------------------------------------------------------
CALLS_MADE := $(patsubst %,$(B)/grader/blocking/calls_%,names.h table.h system.h tell.h tellers.c wrappers.c)
CALLS_FROM := grader/blocking/generate.py grader/blocking/calls.tab
calls_make = mkdir -p $(@D); grader/blocking/generate.py $(1) grader/blocking/calls.tab > $@
$(B)/grader/blocking/%.o: CFLAGS += -I$(B)
$(call objects,$(BLOCKING_SRC) $(wildcard grader/blocking/*_main.c)): | $(CALLS_MADE)
$(B)/grader/blocking/calls_names.h: $(CALLS_FROM)
	@$(call calls_make,names)
$(B)/grader/blocking/calls_table.h: $(CALLS_FROM)
	@$(call calls_make,table)
$(B)/grader/blocking/calls_system.h: $(CALLS_FROM)
	@echo '#include <asm/unistd.h>' | $(CC) -E -dM - | { $(call calls_make,system_calls); }
$(B)/grader/blocking/calls_tell.h: $(CALLS_FROM)
	@$(call calls_make,prototypes)
$(B)/grader/blocking/calls_tellers.c: $(CALLS_FROM)
	@$(call calls_make,tellers)
$(B)/grader/blocking/calls_wrappers.c: $(CALLS_FROM)
	@$(call calls_make,wrappers)

# ---- the watcher ----------------------------------------------------------------------------------------------------
$(LIB_BLOCKING): $(call objects,$(BLOCKING_SRC) grader/blocking/report_html_page.S $(BLOCKING_SHARED))
	@rm -f $@; ar rcs $@ $^
$(B)/grader/blocking/report_html_page.o: $(wildcard grader/blocking/report_html*.js) grader/blocking/report_html.css
$(BLOCKWATCH): $(B)/grader/blocking/blockwatch_main.o $(LIB_BLOCKING)
	@mkdir -p $(@D)
	@$(CC) $(LDFLAGS) $^ $(BLOCKING_LIBS) -o $@

# ---- what is loaded into the watched: never sanitized, and once for each machine --------------------------------------------
LIB_BLOCKWATCH := $(if $(filter arm64,$(VARIANT)),$(B)/libblockwatch.so,build/bin/libblockwatch.so)
INSIDE_VARIANT := $(if $(filter arm64,$(VARIANT)),arm64,release)
INSIDE_B := build/$(INSIDE_VARIANT)/grader/blocking
INSIDE_CFLAGS := -fPIC -O2 -fvisibility=hidden -fexceptions -fno-omit-frame-pointer -fno-stack-protector -Ibuild/$(INSIDE_VARIANT)
INSIDE_OBJECTS := $(patsubst %.c,$(INSIDE_B)/inside/%.o,$(notdir $(wildcard grader/blocking/inside/*.c))) \
                  $(INSIDE_B)/inside/calls_wrappers.o $(INSIDE_B)/inside/calls_tellers.o \
                  $(patsubst %,$(INSIDE_B)/inside/interpreter_%.o,frames v8)
ifeq ($(VARIANT),$(INSIDE_VARIANT))
$(INSIDE_OBJECTS): | $(CALLS_MADE)
$(INSIDE_B)/inside/%.o: grader/blocking/inside/%.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(INSIDE_CFLAGS) -MMD -MP -c $< -o $@
$(INSIDE_B)/inside/calls_%.o: $(INSIDE_B)/calls_%.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(INSIDE_CFLAGS) -MMD -MP -c $< -o $@
$(INSIDE_B)/inside/interpreter_%.o: grader/blocking/interpreter_%.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) $(INSIDE_CFLAGS) -MMD -MP -c $< -o $@
# Moved into place: programs that have it loaded keep the old one.
$(LIB_BLOCKWATCH): $(INSIDE_OBJECTS)
	@mkdir -p $(@D)
	@$(CC) -shared -pthread -static-libgcc -Wl,-z,now -Wl,-z,nodelete -Wl,-z,defs $^ -o $@.new
	@mv $@.new $@
endif
ifeq ($(VARIANT),release)
blocking-build: $(LIB_BLOCKWATCH)

# ---- the same, for a program on our own loop that watches itself: nothing in it stands in front of libc ---------------------------
# Its names are its own: one object, in which only those that begin are seen from outside.
LIB_OWN := $(B)/libblockwatch-own.a
OWN_NOT := $(patsubst %,$(INSIDE_B)/inside/%.o,begin by_hand calls_wrappers execs forks named unloadable waits)
OWN_SEEN := own_door process_watch process_leave modules_look time_now
$(INSIDE_B)/inside_own.o: $(filter-out $(OWN_NOT),$(INSIDE_OBJECTS))
	@ld -r $^ -o $@
	@objcopy $(addprefix --keep-global-symbol=,$(OWN_SEEN)) $@
$(LIB_OWN): $(INSIDE_B)/inside_own.o $(call objects,$(BLOCKING_SRC) grader/blocking/report_html_page.S $(BLOCKING_SHARED))
	@rm -f $@; ar rcs $@ $^
OWN_T := $(B)/grader/tests/blocking/test_own
$(OWN_T): %: %.o $(LIB_OWN) $(LIB) | blocking-build
	@$(CC) $(LDFLAGS) $^ $(BLOCKING_LIBS) $(CHECK_LIBS) -o $@
grader/tests/blocking/test_ladder.py: | blocking-build stages-build
GRADER_TESTS += $(OWN_T) grader/tests/blocking/test_ladder.py
endif

# ---- the interposer's tests: they really sleep, and run once, since a sanitizer or valgrind in the watched is what they would see ----
$(patsubst %,$(B)/grader/tests/blocking/%,inside_case cost): %: %.o
	@$(CC) $(LDFLAGS) $^ -o $@
ARM64_INSIDE := $(if $(filter arm64,$(VARIANT)),$(LIB_BLOCKWATCH) $(B)/grader/tests/blocking/inside_case)
ifeq ($(VARIANT),release)
INSIDE_TEST := $(B)/grader/tests/blocking/test_inside
$(INSIDE_TEST): %: %.o $(B)/grader/blocking/journal.o $(B)/grader/blocking/calls.o | $(LIB_BLOCKWATCH) $(B)/grader/tests/blocking/inside_case
	@$(CC) $(LDFLAGS) $^ $(CHECK_LIBS) -lseccomp -o $@
GRADER_TESTS += $(INSIDE_TEST)
.PHONY: blocking-cost
#: make blocking-cost           what the detector costs: the watched, in ns; the look from outside, in % of a core; how soon it comes
blocking-cost: $(BLOCKWATCH) $(LIB_BLOCKWATCH) $(B)/grader/tests/blocking/cost
	@grader/tests/blocking/cost.sh
endif

# ---- what a user calls ----------------------------------------------------------------------------------------------
.PHONY: blocking blocking-build blocking-install
blocking-build: $(BLOCKWATCH)
	@:
#: make blocking CMD='program arguments' [OPTIONS='--html stalls.html']    what blocks its event loop: call, file and line
blocking:
	@.ci/need gcc libc6-dev binutils make libdw-dev libjansson-dev
	@$(if $(strip $(CMD)),,echo "make blocking: say which program: make blocking CMD='python3 server.py'" >&2; exit 2)
	@$(MAKE) blocking-build
	@build/bin/blockwatch $(OPTIONS) -- $(CMD)
# The library is found beside the program or in ../lib. Without libdw the rest is installed all the same.
BLOCKING_INSTALL := $(if $(and $(call has_header,elfutils/libdwfl.h),$(call has_header,jansson.h)),blocking-install)
blocking-install: blocking-build $(LIB_OWN)
	@install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib $(DESTDIR)$(PREFIX)/share/man/man1 \
	            $(DESTDIR)$(PREFIX)/include/grader/blocking
	@install -m 755 $(BLOCKWATCH) $(DESTDIR)$(PREFIX)/bin
	@install -m 755 $(LIB_BLOCKWATCH) $(DESTDIR)$(PREFIX)/lib
	@install -m 644 $(LIB_OWN) $(DESTDIR)$(PREFIX)/lib
	@install -m 644 grader/blockwatch.h $(DESTDIR)$(PREFIX)/include/grader
	@install -m 644 grader/blocking/findings.h grader/blocking/reports.h $(DESTDIR)$(PREFIX)/include/grader/blocking
	@install -m 644 docs/blockwatch.1 $(DESTDIR)$(PREFIX)/share/man/man1

# ---- tests: the one place where tests really sleep. The interposer's are scripts, and run once, without sanitizers and valgrind: those
# bring an interposer of their own, which must be the first. ---------------------------------------------------------------
BLOCKING_T := $(B)/grader/tests/blocking
BLOCKING_PURE := $(patsubst %.c,$(B)/%,$(wildcard grader/tests/blocking/test_blocking_*.c))
$(BLOCKING_T)/%.o: CFLAGS += -I$(B)
$(patsubst %,%.o,$(BLOCKING_PURE)): | $(CALLS_MADE)
$(BLOCKING_PURE): %: %.o $(LIB_BLOCKING)
	@$(CC) $(LDFLAGS) -rdynamic $(filter %.o,$^) $(filter %.a,$^) $(BLOCKING_LIBS) $(CHECK_LIBS) -o $@
$(patsubst %,$(BLOCKING_T)/test_blocking_%,findings looks reports sarif suppress): $(BLOCKING_T)/by_hand.o
$(BLOCKING_T)/test_blocking_unwind: $(call objects,$(SWITCH))
$(BLOCKING_T)/test_blocking_html: $(BLOCKING_T)/sample.o
ifeq ($(VARIANT),release)
$(BLOCKING_T)/page_sample: %: %.o $(BLOCKING_T)/sample.o $(LIB_BLOCKING)
	@$(CC) $(LDFLAGS) $^ $(BLOCKING_LIBS) -o $@
grader/tests/blocking/test_blocking_page.py: | $(BLOCKING_T)/page_sample
GRADER_TESTS += grader/tests/blocking/test_blocking_page.py
endif
GRADER_TESTS += $(BLOCKING_PURE)
ifeq ($(VARIANT),release)
$(BLOCKING_T)/calls_once.c: grader/tests/blocking/calls_once.py grader/tests/blocking/calls_once.tab $(CALLS_FROM) | $(CALLS_MADE)
	@mkdir -p $(@D); python3 $< grader/blocking/calls.tab > $@
# Deprecated functions are called as well, and what the table says of a type is not what the header says.
$(BLOCKING_T)/calls_once: $(BLOCKING_T)/calls_once.c grader/tests/blocking/calls_once.h
	@$(CC) $(CFLAGS) -w -fno-builtin -I$(B) $< -lresolv -lanl -pthread -o $@
$(patsubst %,$(BLOCKING_T)/calls_%,odd filtered): %: %.o
	@$(CC) $(LDFLAGS) $^ -o $@
grader/tests/blocking/test_calls.py: | blocking-build $(BLOCKING_T)/calls_once $(BLOCKING_T)/calls_odd \
                                      $(BLOCKING_T)/calls_filtered
grader/tests/blocking/test_languages.py: | blocking-build
GRADER_TESTS += grader/tests/blocking/test_calls.py grader/tests/blocking/test_languages.py
endif

# ---- the program itself: what its test watches, and the test ------------------------------------------------------------
ifeq ($(VARIANT),release)
$(BLOCKING_T)/watched: $(BLOCKING_T)/watched.o
	@$(CC) $(LDFLAGS) $^ -o $@
$(BLOCKING_T)/watched-static: $(BLOCKING_T)/watched.o
	@$(CC) $(LDFLAGS) -static $^ -o $@
grader/tests/blocking/test_blockwatch_cli.py: | blocking-build $(BLOCKING_T)/watched $(BLOCKING_T)/watched-static
GRADER_TESTS += grader/tests/blocking/test_blockwatch_cli.py
endif

# ---- everything that blocks, hogs or looks so: its cases' own measurements against what the detector says; and servers of others ---------
ifeq ($(VARIANT),release)
CATALOGUE := $(BLOCKING_T)/catalogue/catalogue
$(CATALOGUE): $(call objects,$(wildcard grader/tests/blocking/catalogue/*.c))
	@$(CC) $(LDFLAGS) $^ -o $@
PROGRAMS_T := $(BLOCKING_T)/programs
PROGRAMS_PEERS := $(patsubst %,build/peers/%.txt,libuv libevent loops nginx tornado uvloop redis)
PEERS_LIB := build/peers/usr/lib/$(MACHINE)-linux-gnu
build/peers/loops.txt: ALWAYS
	@loop/bench/peers.sh loops libuv1 libevent-2.1-7
build/peers/uvloop.txt: ALWAYS
	@loop/bench/peers.sh uvloop python3-uvloop
build/peers/redis.txt: ALWAYS
	@loop/bench/peers.sh redis libjemalloc2 liblzf1 redis-tools redis-server
$(PROGRAMS_T)/%_server.o: CFLAGS += -isystem build/peers/usr/include -isystem build/peers/usr/include/$(MACHINE)-linux-gnu
$(PROGRAMS_T)/uv_server.o $(PROGRAMS_T)/event_server.o: | $(PROGRAMS_PEERS)
$(PROGRAMS_T)/uv_server: $(PROGRAMS_T)/uv_server.o $(PROGRAMS_T)/stalls.o
	@$(CC) $(LDFLAGS) $^ -L$(PEERS_LIB) -Wl,-rpath,$(abspath $(PEERS_LIB)) -l:libuv.so.1 -o $@
$(PROGRAMS_T)/event_server: $(PROGRAMS_T)/event_server.o $(PROGRAMS_T)/stalls.o
	@$(CC) $(LDFLAGS) $^ -L$(PEERS_LIB) -Wl,-rpath,$(abspath $(PEERS_LIB)) -l:libevent-2.1.so.7 -o $@
# Without its library there is no server, and the test says so.
has_both = $(and $(wildcard build/peers/usr/include/$(1)),$(wildcard $(PEERS_LIB)/$(2)))
SERVERS = $(if $(call has_both,uv.h,libuv.so.1),$(PROGRAMS_T)/uv_server) \
          $(if $(call has_both,event2/event.h,libevent-2.1.so.7),$(PROGRAMS_T)/event_server)
.PHONY: blocking-programs blocking-servers blocking-soak
blocking-servers: $(SERVERS)
blocking-programs: blocking-build $(PROGRAMS_PEERS)
	@$(MAKE) blocking-servers
grader/tests/blocking/catalogue.py: | blocking-build $(CATALOGUE)
grader/tests/blocking/programs.py: | blocking-programs
GRADER_TESTS += grader/tests/blocking/catalogue.py grader/tests/blocking/programs.py
# Look-alikes 10,000 times and the others 30 times, in each tier; and all of it again with every processor busy.
blocking-soak: blocking-programs $(CATALOGUE)
	@for t in catalogue programs; do \
	     TALLY=$(TALLY) TEST_TIMEOUT=86400 $(RUN) grader/tests/blocking/$${t}_soak.sh || true; \
	 done
endif

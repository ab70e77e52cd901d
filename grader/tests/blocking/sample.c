/* sample.c - findings made by hand: see sample.h. */
#include "grader/tests/blocking/sample.h"

#include <string.h>

enum { MOST = 50000, EACH = 300, LOOPS = 3 };

#define MS INT64_C(1000000)
#define FRAME(name, path, at, text) { .function = name, .file = path, .line = at, .source = text, .own = true, .module = PROXY }
#define OTHER(name, library) { .function = name, .module = library }
#define PYTHON(name, path, at, text, ours) \
    { .function = name, .file = path, .line = at, .source = text, .own = ours, .language = true }
#define PROXY "/srv/proxy/bin/proxy"
#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"
#define LIBUV "/lib/x86_64-linux-gnu/libuv.so.1"
#define UNDER_UV OTHER("uv__stream_io", LIBUV), OTHER("uv__io_poll", LIBUV), OTHER("uv_run", LIBUV), \
    FRAME("main", "src/main.c", 212, "    return uv_run(&server.loop, UV_RUN_DEFAULT);"), OTHER("__libc_start_main", LIBC)

static struct frame resolve[] = {
    OTHER("getaddrinfo", LIBC),
    FRAME("upstream_resolve", "src/upstream.c", 88, "    rc = getaddrinfo(u->host, u->port, &hints, &u->addresses);"),
    FRAME("upstream_connect", "src/upstream.c", 131, "    if (!u->addresses && upstream_resolve(u) < 0)"),
    FRAME("on_request", "src/proxy.c", 304, "    upstream_connect(pick(proxy, request));"), UNDER_UV
};
static struct frame commit[] = {
    FRAME("store_commit", "src/store.c", 143, "    if (fdatasync(store->log) < 0)"),
    FRAME("store_put", "src/store.c", 171, "    return store_commit(store);"),
    FRAME("on_reply", "src/proxy.c", 377, "    store_put(proxy->cache, request->key, body);"), UNDER_UV
};
static struct frame plugin[] = {
    PYTHON("limit", "/srv/proxy/plugins/limits.py", 41, "        time.sleep(self.penalty)", true),
    PYTHON("on_request", "/srv/proxy/plugins/limits.py", 28, "        self.limit(request.peer)", true),
    PYTHON("_run", "/usr/lib/python3.11/asyncio/events.py", 80, "    self._context.run(self._callback, *self._args)", false),
    OTHER("_PyEval_EvalFrameDefault", "/usr/bin/python3.11"), OTHER("_PyObject_Vectorcall", "/usr/bin/python3.11"),
    OTHER("context_run", "/usr/bin/python3.11"), OTHER("PyEval_EvalCode", "/usr/bin/python3.11"),
    OTHER("__libc_start_main", LIBC)
};
static struct frame parse[] = {
    FRAME("json_number", "src/json.c", 207, "    while (isdigit((unsigned char)*at))"),
    FRAME("json_value", "src/json.c", 255, "    return json_number(p, out);"),
    FRAME("json_array", "src/json.c", 288, "        if (!json_value(p, &list->items[list->count]))"),
    FRAME("on_reply", "src/proxy.c", 362, "    json_array(&parser, &reply);"), UNDER_UV
};
static struct frame scan[] = {
    OTHER("__memchr_avx2", LIBC),
    FRAME("json_string", "src/json.c", 164, "    end = memchr(at, '\"', left);"),
    FRAME("json_value", "src/json.c", 251, "    return json_string(p, out);"),
    FRAME("json_array", "src/json.c", 288, "        if (!json_value(p, &list->items[list->count]))"),
    FRAME("on_reply", "src/proxy.c", 362, "    json_array(&parser, &reply);"), UNDER_UV
};
static struct frame lock[] = {
    FRAME("stats_add", "src/stats.c", 19, "    pthread_mutex_lock(&stats->lock);"),
    FRAME("on_request", "src/proxy.c", 298, "    stats_add(&proxy->stats, request->size);"), UNDER_UV
};
static struct frame touch[] = {
    FRAME("table_find", "src/table.c", 64, "    for (entry = table->slots[hash]; entry; entry = entry->next)"),
    FRAME("on_request", "src/proxy.c", 301, "    route = table_find(proxy->routes, request->path);"), UNDER_UV
};
static struct frame device[] = { OTHER("pcap_set_filter", "/lib/x86_64-linux-gnu/libpcap.so.0.8"), UNDER_UV };
static struct frame write_log[] = {
    FRAME("log_line", "src/log.c", 33, "    fprintf(log->file, \"%s %s\\n\", stamp, text);"),
    FRAME("on_request", "src/proxy.c", 310, "    log_line(&proxy->log, request->line);"), UNDER_UV
};
static struct sample samples[] = {
    { parse, sizeof parse / sizeof *parse, 410 * MS }, { scan, sizeof scan / sizeof *scan, 180 * MS },
};

#define STACK(list, own) .frames = list, .frame_count = sizeof list / sizeof *list, .first_own = own
#define TIMES(times, in_all, at_most, nearly) .count = times, .total = in_all * MS, .longest = at_most * MS, .p99 = nearly * MS
static const struct site sites[] = {
    { BLOCKED, 1, "getaddrinfo", "host \"cache-3.internal\", service \"8080\"",
      "a name may take seconds: ask the loop's resolver (resolver_lookup, loop.getaddrinfo, dns.resolve), or c-ares",
      STACK(resolve, 1), .callback = "on_request", TIMES(41, 2310, 812, 790) },
    { BLOCKED, 2, "fdatasync", "fd 11 (/var/lib/proxy/cache.log)",
      "a flush waits for the disk: do it on another thread (executor_run, run_in_executor, fs.fsync with a callback)",
      STACK(commit, 0), .callback = "on_reply", .suppressed = 1604, TIMES(1904, 1480, 38, 9) },
    { HOG, 0, "own processor time", "of 46.210 ms: processor 45.900, waiting for one 0.310, asleep 0.000",
      "cut it into pieces and give the loop its turn between them, or do it on another thread",
      STACK(parse, 2), .samples = samples, .sample_count = 2, .callback = "on_reply", TIMES(23, 640, 46, 46) },
    { BLOCKED, 3, "clock_nanosleep", "50 ms",
      "give the time to the loop instead of the thread: loop_call_at or future_sleep, asyncio.sleep, setTimeout",
      STACK(plugin, 0), .callback = "limit (/srv/proxy/plugins/limits.py)", TIMES(11, 551, 51, 51) },
    { STARVED, 0, "ready, and no processor to be had", "of 12.004 ms: processor 1.100, waiting for one 10.904, asleep 0.000",
      "nothing in the program: give it processors, or look at the quota of its control group",
      .first_own = -1, .callback = "on_request", TIMES(31, 190, 11, 11) },
    { FAULTS, 0, "page fault at 0x7f21c40b3000", NULL,
      "the page came from a disk: lock it into memory (mlock), or touch it on another thread first",
      STACK(touch, 0), .callback = "on_request", TIMES(18, 62, 7, 7) },
    { BLOCKED, 4, "pthread_mutex_lock", "held by thread 4713",
      "share with a message to the loop instead of a lock (loop_add_callback_threadsafe), or hold it for a moment only",
      STACK(lock, 0), .callback = "on_request", TIMES(77, 31, 2, 2), .is_known = true },
    { BLOCKED, 0, "system call ioctl", "fd 14, packet_ioctl", NULL,
      STACK(device, -1), TIMES(2, 9, 5, 5), .is_suppressed = true },
    { COULD_BLOCK, 5, "fprintf", "fd 1 (pipe), 120 bytes",
      "a stream's sink or source may be full, empty, or locked: log to a ring that another thread drains",
      STACK(write_log, 0), .callback = "on_request", .count = 9120 },
};
enum { SITES = sizeof sites / sizeof *sites };

static struct site found[SITES];
static int64_t each[SITES][EACH];
static struct stretch stretches_found[MOST];
static struct loop_account loops[LOOPS];
static char *notes[] = {
    "perf events are refused to process 4712 (EACCES): it was watched by rseq and getrusage instead; run it outside of the "
    "sandbox for the ring of switches.",
    "proxy (pid 4711) ended with status 0.",
};
static struct findings sample;

static uint64_t random_next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return *state >> 33;
}

static void site_fill(struct site *s, int64_t *list)
{
    s->told = s->count - s->suppressed < EACH ? s->count - s->suppressed : EACH;
    for (uint64_t i = 0; i < s->told; i++)
        list[i] = s->longest * (int64_t)(i + 1) / (int64_t)s->told * (int64_t)(i + 1) / (int64_t)s->told;
    s->each = list;
    s->pid = 4711;
    s->tid = 4711;
    s->first = sample.began + 120 * MS;
    s->last = sample.began + 29000 * MS;
    memset(s->fingerprint, 'a' + (int)(s - found) % 6, sizeof s->fingerprint - 1);
}

static void stretches_fill(int count)
{
    uint64_t state = 7;
    int64_t at = sample.began;
    for (int i = 0; i < count; i++) {
        int loop = (int)(random_next(&state) % LOOPS), number = (int)(random_next(&state) % SITES);
        const struct site *s = &sites[number];
        bool slow = i % 4 == 0 && s->verdict == BLOCKED;
        at += 30000 * MS / (count + 1);
        int64_t took = s->longest / (1 + (int64_t)(random_next(&state) % 30));
        stretches_found[i] = (struct stretch){ .began = at, .ended = at + took, .account = loop, .site = slow ? -1 : number,
                                               .iteration = slow || s->verdict == HOG || s->verdict == STARVED };
    }
    sample.stretches = stretches_found;
    sample.stretch_count = count;
}

struct findings *sample_nothing(void)
{
    static struct loop_account quiet = { .pid = 99, .tid = 99, .tier = 3, .program = "/usr/bin/quiet", .iterations = 12345,
                                         .wall = 90 * MS, .cpu = 90 * MS, .waited = 9000 * MS, .longest = MS / 3 };
    sample = (struct findings){ .loops = &quiet, .loop_count = 1, .command = "quiet --once", .ended = 9100 * MS, .budget = MS };
    return &sample;
}

struct findings *sample_findings(int stretches)
{
    sample = (struct findings){ .sites = found, .site_count = SITES, .loops = loops, .loop_count = LOOPS, .notes = notes,
                                .note_count = 2, .command = "proxy --listen 8080 --upstream cache-3.internal",
                                .began = 5000 * MS, .ended = 35000 * MS, .budget = MS, .watching_cpu = 0.113 };
    for (int i = 0; i < SITES; i++) {
        found[i] = sites[i];
        site_fill(&found[i], each[i]);
    }
    for (int i = 0; i < LOOPS; i++)
        loops[i] = (struct loop_account){ .pid = 4711 + i / 2, .tid = 4711 + i, .tier = i == 2 ? 2 : 3, .program = PROXY,
                                          .iterations = 81234, .wall = 9000 * MS, .cpu = 4100 * MS, .delayed = 300 * MS,
                                          .blocked = 4600 * MS, .attributed = 4528 * MS, .waited = 21000 * MS, .open = i == 1,
                                          .longest = 820 * MS, .sleeps = 2100, .watched = 402113, .over = 2040 };
    stretches_fill(stretches < MOST ? stretches : MOST);
    return &sample;
}

/* report.c - the table on the terminal, and the same as JSON. */
#include "loop/bench/bench.h"

#include <string.h>
#include <sys/utsname.h>

static const char *const verdicts[] = { [MET] = "met", [MISSED] = "missed", [INFORMATION] = "-", [NOT_RUN] = "not run" };

char *report_figure(double value, const char *unit, char *out, size_t size)
{
    bool close_to = strcmp(unit, "x") == 0 || strcmp(unit, "") == 0;
    const char *space = close_to ? "" : " ";
    snprintf(out, size, close_to ? "%.2f%s%s" : value < 100 ? "%.1f%s%s" : "%.0f%s%s", value, space, unit);
    return out;
}

/* ---- the table ----------------------------------------------------------------------------------------------------- */

static const char *unit_of_lanes(const struct bench *b)
{
    return b->measure == CALLS ? "calls" : b->measure == ONCE ? b->unit : "ns";
}

static void print_interval(const struct result *r)
{
    char median[32], interval[32];
    report_figure(r->judged.median, r->bench->unit, median, sizeof median);
    snprintf(interval, sizeof interval, r->judged.high < 100 ? "[%.2f..%.2f]" : "[%.0f..%.0f]", r->judged.low, r->judged.high);
    printf(" %9s %-15s", median, r->bench->measure == RATIO || r->bench->measure == TIME ? interval : "");
}

static void print_calls(const struct result *r)
{
    if (r->calls_ours < 0)
        printf(" %13s", "");
    else if (r->calls_peer < 0)
        printf(" %6.3f %6s", r->calls_ours, "");
    else
        printf(" %6.3f %6.3f", r->calls_ours, r->calls_peer);
}

static void print_row(const struct result *r)
{
    const struct bench *b = r->bench;
    char ours[32], peer[32] = "", target[32] = "";
    if (r->verdict == NOT_RUN) {
        printf("%-32s not run: %s\n", b->name, r->note);
        return;
    }
    report_figure(r->ours.median, unit_of_lanes(b), ours, sizeof ours);
    if (b->peer)
        report_figure(r->peer.median, unit_of_lanes(b), peer, sizeof peer);
    if (b->target > 0)
        report_figure(b->target, b->unit, target, sizeof target);
    printf("%-32s %10s %10s", b->name, ours, peer);
    print_interval(r);
    printf(" %9s %-7s", target, verdicts[r->verdict]);
    if (r->control.median > 0)
        printf(" %5.2f", r->control.median);
    else
        printf(" %5s", "");
    print_calls(r);
    putchar('\n');
}

static void print_instructions(const struct result *r)
{
    if (r->instructions_ours < 0)
        return;
    printf("%-32s %10.0f instructions", r->bench->name, r->instructions_ours);
    if (r->instructions_peer >= 0)
        printf(", %s %.0f", r->bench->peer->name, r->instructions_peer);
    putchar('\n');
}

void report_table(const struct result *results, size_t count)
{
    printf("%-32s %10s %10s %9s %-15s %9s %-7s %5s %13s\n", "", benches[0].ours->name, "peer", "median", "[quartiles]", "target",
           "verdict", "twice", "system calls");
    for (size_t i = 0; i < count; i++)
        print_row(&results[i]);
    putchar('\n');
    for (size_t i = 0; i < count; i++)
        if (results[i].note[0] && results[i].verdict != NOT_RUN)
            printf("%s: %s\n", results[i].bench->name, results[i].note);
    for (size_t i = 0; i < count; i++)
        print_instructions(&results[i]);
    puts("\nCPU per operation. \"median\": of the paired ratios where there is a peer, else of the figure itself; missed means\n"
         "that all of [quartiles] lies above the target. \"twice\": the same against itself, ideally 1. See docs/benchmarks.md.");
}

/* ---- JSON ---------------------------------------------------------------------------------------------------------- */

static void json_string(FILE *f, const char *key, const char *value)
{
    fprintf(f, "\"%s\": \"", key);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', f);
        if ((unsigned char)*value >= ' ')
            fputc(*value, f);
    }
    fputc('"', f);
}

static void json_spread(FILE *f, const char *key, struct spread s)
{
    fprintf(f, ",\n      \"%s\": { \"low\": %.6g, \"median\": %.6g, \"high\": %.6g }", key, s.low, s.median, s.high);
}

static void json_known(FILE *f, const char *key, double value)
{
    if (value >= 0)
        fprintf(f, ",\n      \"%s\": %.6g", key, value);
}

static void json_result(FILE *f, const struct result *r)
{
    const struct bench *b = r->bench;
    fputs("    { ", f);
    json_string(f, "name", b->name);
    fputs(",\n      ", f);
    json_string(f, "what", b->what);
    fputs(",\n      ", f);
    json_string(f, "verdict", r->verdict == INFORMATION ? "information" : verdicts[r->verdict]);
    if (r->note[0]) {
        fputs(",\n      ", f);
        json_string(f, "note", r->note);
    }
    if (b->peer) {
        fputs(",\n      ", f);
        json_string(f, "peer_name", b->peer->name);
    }
    if (b->target > 0)
        json_known(f, "target", b->target);
    if (r->verdict != NOT_RUN) {
        fputs(",\n      ", f);
        json_string(f, "unit", b->unit);
        json_spread(f, "judged", r->judged);
        json_spread(f, "ours", r->ours);
        if (b->peer)
            json_spread(f, "peer", r->peer);
        if (r->control.median > 0)
            json_spread(f, "control", r->control);
    }
    json_known(f, "system_calls_ours", r->calls_ours);
    json_known(f, "system_calls_peer", r->calls_peer);
    json_known(f, "instructions_ours", r->instructions_ours);
    json_known(f, "instructions_peer", r->instructions_peer);
    fputs(" }", f);
}

int report_json(const struct result *results, size_t count, const char *path)
{
    struct utsname machine = {0};
    FILE *f = fopen(path, "w");
    if (!f)
        return -1;
    uname(&machine);
    fputs("{ \"schema\": 1, ", f);
    json_string(f, "kernel", machine.release);
    fputs(", ", f);
    json_string(f, "machine", machine.machine);
    fputs(",\n  \"results\": [\n", f);
    for (size_t i = 0; i < count; i++) {
        json_result(f, &results[i]);
        fputs(i + 1 < count ? ",\n" : "\n", f);
    }
    fputs("  ] }\n", f);
    return fclose(f) == 0 ? 0 : -1;
}

/* report_html_data.c - what the page's script draws, as one element of JSON: see report_html.h.
 *
 * Traps: (a) JSON within HTML ends at the first `</script>`, wherever that stands: no < or & is written as such.
 *        (b) tens of thousands of stretches: five numbers each, and times as differences. */
#include <inttypes.h>

#include "grader/blocking/report_html.h"
#include "grader/text_clean.h"

void html_json(FILE *f, const char *text)
{
    char clean[CLEAN_ROOM(1024)];
    text_clean(clean, sizeof clean, text);
    fputc('"', f);
    for (const char *c = clean; *c; c++)
        if (*c == '<' || *c == '>' || *c == '&' || *c == '"' || *c == '\\' || *c == '\n')
            fprintf(f, "\\u%04x", (unsigned)*c);
        else
            fputc(*c, f);
    fputc('"', f);
}

static void put_loops(FILE *f, const struct findings *findings)
{
    fprintf(f, "\"loops\":[");
    for (int i = 0; i < findings->loop_count; i++) {
        const struct loop_account *a = &findings->loops[i];
        fprintf(f, "%s[", i ? "," : "");
        html_json(f, a->program ? path_base(a->program) : "?");
        fprintf(f, ",%d,%d]", a->pid, a->tid);
    }
    fprintf(f, "],\n");
}

static void put_sites(FILE *f, const struct findings *findings)
{
    char place[512];
    fprintf(f, "\"sites\":[");
    for (int i = 0; i < findings->site_count; i++) {
        const struct site *s = &findings->sites[i];
        html_place(place, sizeof place, site_frame(s));
        fprintf(f, "%s[\"%s\",", i ? ",\n" : "", html_verdict(s->verdict));
        html_json(f, s->what ? s->what : verdict_name(s->verdict));
        fputc(',', f);
        html_json(f, place);
        fputc(']', f);
    }
    fprintf(f, "],\n");
}

/* When each began after the one before, how long it lasted, whose it is, of which place, and whether it is an iteration: ns. */
static void put_stretches(FILE *f, const struct findings *findings)
{
    int64_t before = findings->began;
    fprintf(f, "\"stretches\":[");
    for (int i = 0; i < findings->stretch_count; i++) {
        const struct stretch *s = &findings->stretches[i];
        fprintf(f, "%s%" PRId64 ",%" PRId64 ",%d,%d,%d", i == 0 ? "" : i % 16 ? "," : ",\n", s->began - before,
                s->ended - s->began, s->account, s->site, s->iteration);
        before = s->began;
    }
    fprintf(f, "],\n");
}

int html_data(FILE *f, const struct findings *findings)
{
    fprintf(f, "<script type=\"application/json\" id=data>{\"lasted\":%" PRId64 ",\n", findings->ended - findings->began);
    put_loops(f, findings);
    put_sites(f, findings);
    put_stretches(f, findings);
    fprintf(f, "\"blocked\":");
    int rc = html_flame(f, findings, false);
    fprintf(f, ",\n\"hogs\":");
    if (rc == 0)
        rc = html_flame(f, findings, true);
    fprintf(f, "}</script>\n");
    return rc;
}

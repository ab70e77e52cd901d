/* judge_record.c - keeps what was said to the student's probe: see struct judged in judge.h.
 *
 * An item may start many probes, some in processes of their own. Each has a draft; what becomes "failed.wire" is the
 * last that its item failed with, which is the one the verdict tells of. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "grader/judge_inside.h"
#include "grader/recording.h"

static void draft_path(const struct judge *j, char *out, size_t size)
{
    snprintf(out, size, "%s/%d-%p.draft", judge_get()->recordings, (int)getpid(), (const void *)j);
}

void judge_record_open(struct judge *j)
{
    char path[1200];
    const struct judged *judged = judge_get();
    if (!judged->recordings || strcmp(j->probe, judged->probe) != 0)
        return;
    draft_path(j, path, sizeof path);
    j->record = fopen(path, "we");
}

void judge_record(struct judge *j, bool ours, const struct wire *w)
{
    if (j->record && !recording_add(j->record, ours ? SPEAKER_JUDGE : SPEAKER_PROBE, w)) {
        fclose(j->record);
        j->record = NULL;
    }
}

void judge_record_close(struct judge *j)
{
    char draft[1200], path[1200];
    const struct verdict *v = verdict_current();
    if (!j->record)
        return;
    bool whole = fclose(j->record) == 0;
    j->record = NULL;
    draft_path(j, draft, sizeof draft);
    snprintf(path, sizeof path, "%s/%s.wire", judge_get()->recordings,
             v && v->state == VERDICT_FAIL ? "failed" : "passed");
    if (whole)
        rename(draft, path);
    else
        unlink(draft);
}

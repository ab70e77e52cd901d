/* page_sample.c - writes the page of made-up findings to standard output, for those who look at it and for a test in a browser.
 *
 *     page_sample [STRETCHES]        hostile in place of a number: every text is one that tries to become markup */
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/reports.h"
#include "grader/tests/blocking/sample.h"

int main(int argc, char **argv)
{
    const char *wish = argc > 1 ? argv[1] : "600";
    struct findings *findings = sample_findings(atoi(wish));
    if (!strcmp(wish, "hostile"))
        for (int i = 0; i < findings->site_count; i++)
            findings->sites[i].what = findings->sites[i].asked = findings->sites[i].callback = HOSTILE;
    if (!strcmp(wish, "nothing"))
        findings = sample_nothing();
    return blocking_html(findings, stdout) < 0;
}

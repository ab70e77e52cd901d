/* sample.h - findings as a proxy with an upstream, a store and a plug-in in Python might have them, made by hand.
 *
 * The trap it exists for: a page that was only ever seen with three findings in it. */
#ifndef EDDY_GRADER_TESTS_BLOCKING_SAMPLE_H
#define EDDY_GRADER_TESTS_BLOCKING_SAMPLE_H

#include "grader/blocking/findings.h"

#define HOSTILE "</script><script>document.title='x'</script><img src=x onerror=alert(1)>\033[2J\xff\xfe&\"'\xed\xa0\x80"

/* With that many stretches; the same each time. Its strings are constants, which a test may replace. */
struct findings *sample_findings(int stretches);
/* One in which nothing was found. */
struct findings *sample_nothing(void);

#endif

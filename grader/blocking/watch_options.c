/* watch_options.c - blockwatch's command line: see watch_options.h.
 *
 * Trap: a number without a unit is a guess about what was meant, so it is refused. */
#include "grader/blocking/watch_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char watch_options_help[] =
    "blockwatch [options] -- COMMAND [ARGUMENT...]    run a program and tell what blocks its event loops\n"
    "blockwatch [options] --attach PID                the same from outside, for one that runs already\n"
    "\n"
    "what is told:  --budget 1ms       an iteration may take so long    --least 50us     a single wait, so long\n"
    "               --start-after 2s   nothing before that              --could-block    also calls that did not sleep\n"
    "what a loop is: --polls           poll and select wait, too        --wait FUNCTION  so does that function\n"
    "how it knows:  --tier ring|rseq|switches   no better one than that (default: the best that works)\n"
    "reports:       --html FILE  --json FILE  --sarif FILE  --folded FILE  --junit FILE  --quiet  --live\n"
    "for CI:        --fail             exit 3 when a finding exceeds the budget\n"
    "               --suppress FILE    --baseline FILE    --write-baseline FILE\n"
    "attaching:     --for 10s          and then let go (else: Ctrl-C)\n"
    "\n"
    "Times are numbers with a unit: ns, us, ms, s. The exit status is the program's own; 2: this command line is wrong.\n";

enum word { HELP = 1, BUDGET, LEAST, START_AFTER, TIER, POLLS, WAIT, COULD_BLOCK_TOO, FAIL, QUIET, LIVE, ATTACH, FOR,
            SUPPRESS, BASELINE, WRITE_BASELINE, REPORT };

static const struct option table[] = {
    { "help", no_argument, NULL, HELP },
    { "budget", required_argument, NULL, BUDGET },
    { "least", required_argument, NULL, LEAST },
    { "start-after", required_argument, NULL, START_AFTER },
    { "tier", required_argument, NULL, TIER },
    { "polls", no_argument, NULL, POLLS },
    { "wait", required_argument, NULL, WAIT },
    { "could-block", no_argument, NULL, COULD_BLOCK_TOO },
    { "fail", no_argument, NULL, FAIL },
    { "quiet", no_argument, NULL, QUIET },
    { "live", no_argument, NULL, LIVE },
    { "attach", required_argument, NULL, ATTACH },
    { "for", required_argument, NULL, FOR },
    { "suppress", required_argument, NULL, SUPPRESS },
    { "baseline", required_argument, NULL, BASELINE },
    { "write-baseline", required_argument, NULL, WRITE_BASELINE },
    { "html", required_argument, NULL, REPORT + REPORT_HTML },
    { "json", required_argument, NULL, REPORT + REPORT_JSON },
    { "sarif", required_argument, NULL, REPORT + REPORT_SARIF },
    { "folded", required_argument, NULL, REPORT + REPORT_FOLDED },
    { "junit", required_argument, NULL, REPORT + REPORT_JUNIT },
    { 0 },
};

int64_t duration_read(const char *text)
{
    static const struct { const char *name; double ns; } units[] = { { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
    char *end;
    if (strspn(text, "0123456789.") == 0)
        return -EINVAL;
    double number = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strspn(text, "0123456789.") == (size_t)(end - text) && !strcmp(end, units[i].name) && number * units[i].ns < 9e18)
            return (int64_t)(number * units[i].ns + 0.5);
    return -EINVAL;
}

static int say(char why[256], const char *what, const char *option, const char *text)
{
    snprintf(why, 256, "--%.20s %.80s: %s.", option, text, what);
    return -EINVAL;
}

static int read_time(int64_t *into, const char *option, const char *text, char why[256])
{
    int64_t ns = duration_read(text);
    if (ns < 0)
        return say(why, "not a time: give a number and ns, us, ms or s, as in 250us", option, text);
    *into = ns;
    return 0;
}

static int read_tier(int32_t *tier, const char *text, char why[256])
{
    static const struct { const char *name; enum tier tier; } tiers[] = {
        { "ring", TIER_RING }, { "rseq", TIER_RSEQ }, { "switches", TIER_SWITCHES },
    };
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (!strcmp(text, tiers[i].name)) {
            *tier = tiers[i].tier;
            return 0;
        }
    return say(why, "there is no such tier: it is ring, rseq or switches", "tier", text);
}

static int read_wait(char wait[64], const char *text, char why[256])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$.@";
    if (strlen(text) >= 64 || strspn(text, letters) != strlen(text) || !*text)
        return say(why, "not the name of a function, of 63 characters at most", "wait", text);
    strcpy(wait, text);
    return 0;
}

static int read_pid(int *pid, const char *text, char why[256])
{
    char *end;
    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno || *end || number <= 0 || number > 1 << 30)
        return say(why, "not a process: give its number, as ps shows it", "attach", text);
    *pid = (int)number;
    return 0;
}

static int read_option(struct watch_options *o, int option, const char *name, const char *text, char why[256])
{
    switch (option) {
    case HELP: o->help = true; return 0;
    case BUDGET: return read_time(&o->wishes.budget, name, text, why);
    case LEAST: return read_time(&o->wishes.least, name, text, why);
    case START_AFTER: return read_time(&o->wishes.grace, name, text, why);
    case FOR: return read_time(&o->lasts, name, text, why);
    case TIER: return read_tier(&o->wishes.tier, text, why);
    case WAIT: return read_wait(o->wishes.wait, text, why);
    case ATTACH: return read_pid(&o->attach, text, why);
    case POLLS: o->wishes.polls = true; return 0;
    case COULD_BLOCK_TOO: o->wishes.could_block = true; return 0;
    case FAIL: o->fail = true; return 0;
    case QUIET: o->quiet = true; return 0;
    case LIVE: o->live = true; return 0;
    case SUPPRESS: o->suppress = text; return 0;
    case BASELINE: o->baseline = text; return 0;
    case WRITE_BASELINE: o->write_baseline = text; return 0;
    default: o->reports[option - REPORT] = text; return 0;
    }
}

static int refuse(char why[256], const char *sentence)
{
    snprintf(why, 256, "%s", sentence);
    return -EINVAL;
}

/* What one option cannot know of another. */
static int check_all(const struct watch_options *o, char why[256])
{
    if (o->attach && *o->command)
        return refuse(why, "--attach watches a process that runs already, so no command goes with it.");
    if (!o->attach && !*o->command)
        return refuse(why, "what is to be watched? Give a command behind --, or --attach PID.");
    if (!o->attach && o->lasts)
        return refuse(why, "--for goes with --attach: a command is watched until it ends.");
    if (o->attach && (o->wishes.could_block || *o->wishes.wait))
        return refuse(why, "--could-block and --wait need a look from inside: they do not go with --attach.");
    return 0;
}

int watch_options_read(struct watch_options *o, int argc, char **argv, char why[256])
{
    *o = (struct watch_options){ .wishes = { .budget = 1000000, .least = 50000, .stuck = 5000000 } };
    opterr = 0;
    optind = 0;
    for (int option, at = 0; !o->help && (option = getopt_long(argc, argv, "+:h", table, &at)) != -1;) {
        const char *word = argv[optind - 1];
        if (option == '?' || option == ':') {
            snprintf(why, 256, option == '?' ? "%.80s is no option: blockwatch --help tells which there are." :
                     "%.80s wants a word behind it: blockwatch --help tells which.", word);
            return -EINVAL;
        }
        int rc = option == 'h' ? (o->help = true, 0) : read_option(o, option, table[at].name, optarg, why);
        if (rc < 0)
            return rc;
    }
    o->command = argv + optind;
    return o->help ? 0 : check_all(o, why);
}

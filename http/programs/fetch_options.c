/* fetch_options.c - what was asked for, in curl's words where it has some. The trap it exists for: an option that is not
 * understood, and passed over. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/programs/fetch.h"

static const char help[] =
    "usage: fetch [OPTION]... URL...\n"
    "\n"
    "Fetches pages, many at once. Of each a line: its status, its bytes, where it came from. What fails is a sentence on\n"
    "standard error, and the exit status is 1 (of a wrong command line 2).\n"
    "\n"
    "where pages go\n"
    "  -o, --output FILE        the page goes there; once for each URL, in turn. - is standard output\n"
    "  -O, --remote-name        pages go to files of this folder, named by the end of their URLs\n"
    "  -f, --force              files that are there already are written over\n"
    "  -C, --continue-at -      goes on with what is there, if the server says that it is the same; else it begins anew\n"
    "  -i, --include            the head of the answer, too\n"
    "  -I, --head               the head alone\n"
    "what is asked\n"
    "  -X, --request METHOD\n"
    "  -H, --header 'NAME: VALUE'\n"
    "  -d, --data DATA          a body, by POST; @FILE: what is in it, as it is, @- standard input; several are joined by &\n"
    "  -u, --user USER:PASSWORD\n"
    "  -A, --user-agent TEXT\n"
    "      --compressed         asks for gzip, and unpacks it\n"
    "      --max-redirs N       how many redirects are followed (5); 0: none\n"
    "how\n"
    "  -c, --parallel-max N     so many at once (20)\n"
    "  -t, --max-time SECONDS   that each may take; otherwise it may take any, and be silent for 30\n"
    "  -x, --proxy URL          http://user:password@host:port, \"\": none. Without -x what http_proxy, https_proxy, all_proxy\n"
    "                           say (in small letters alone). no_proxy: hosts that are asked without (a.b,c.d; *: all)\n"
    "      --unix-socket PATH   where to connect\n"
    "  -a, --cacert FILE.pem    whom to believe, instead of those whom this machine believes\n"
    "  -k, --insecure           believe anybody\n"
    "what is said\n"
    "  -w, --timing             how long each phase took, in ms, as a table\n"
    "  -s, --silent             no progress on the terminal\n"
    "  -h, --help\n";

enum { MAX_REDIRS = 256, UNIX_SOCKET, COMPRESSED };

static const struct option names[] = {
    { "output", required_argument, NULL, 'o' },     { "remote-name", no_argument, NULL, 'O' },
    { "force", no_argument, NULL, 'f' },            { "continue-at", required_argument, NULL, 'C' },
    { "include", no_argument, NULL, 'i' },          { "head", no_argument, NULL, 'I' },
    { "request", required_argument, NULL, 'X' },    { "header", required_argument, NULL, 'H' },
    { "data", required_argument, NULL, 'd' },       { "user", required_argument, NULL, 'u' },
    { "user-agent", required_argument, NULL, 'A' }, { "compressed", no_argument, NULL, COMPRESSED },
    { "max-redirs", required_argument, NULL, MAX_REDIRS },
    { "parallel-max", required_argument, NULL, 'c' }, { "max-time", required_argument, NULL, 't' },
    { "proxy", required_argument, NULL, 'x' },      { "unix-socket", required_argument, NULL, UNIX_SOCKET },
    { "cacert", required_argument, NULL, 'a' },     { "insecure", no_argument, NULL, 'k' },
    { "timing", no_argument, NULL, 'w' },           { "silent", no_argument, NULL, 's' },
    { "help", no_argument, NULL, 'h' },             { NULL, 0, NULL, 0 }
};

static int wrong(const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "fetch: ");
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (fetch --help says more)\n");
    return 2;
}

/* ---- one option ------------------------------------------------------------------------------------------------------ */

static int take_number(const char *name, const char *text, double least, double most, double *out)
{
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !(*out >= least && *out <= most))
        return wrong("%s takes a number from %.0f to %.0f, and \"%s\" is none", name, least, most, text);
    return 0;
}

static int take_header(struct options *o, const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon || colon == text)
        return wrong("-H takes 'Name: value', and \"%s\" has no name with a colon behind it", text);
    if (o->header_count == MOST_HEADERS)
        return wrong("-H: at most %d headers", MOST_HEADERS);
    o->headers[o->header_count++] = (struct header){ { text, (size_t)(colon - text) }, text_of(colon + 1) };
    return 0;
}

static int add_data(struct options *o, const char *data, size_t len)
{
    char *longer = realloc(o->data, o->data_len + len + 1);
    if (!longer)
        return wrong("no memory for -d");
    memcpy(longer + o->data_len, data, len);
    o->data = longer;
    o->data_len += len;
    return 0;
}

static int add_file(struct options *o, const char *name)
{
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    char part[65536];
    int rc = f ? 0 : wrong("-d @%s: %s", name, strerror(errno));
    for (size_t n; rc == 0 && (n = fread(part, 1, sizeof part, f)) > 0;)
        rc = add_data(o, part, n);
    if (rc == 0 && ferror(f))
        rc = wrong("-d @%s: it could not be read: %s", name, strerror(errno));
    if (f && f != stdin)
        fclose(f);
    return rc;
}

static int take_data(struct options *o, const char *text)
{
    int rc = o->data ? add_data(o, "&", 1) : add_data(o, "", 0);
    if (rc)
        return rc;
    return text[0] == '@' ? add_file(o, text + 1) : add_data(o, text, strlen(text));
}

static void take_user(struct options *o, char *text)
{
    o->user = text;
    o->password = strchr(text, ':');
    if (o->password)
        *o->password++ = '\0';
}

static bool take_flag(struct options *o, int c)
{
    bool *const flags[] = { ['w'] = &o->timing, ['i'] = &o->head, ['I'] = &o->head_only, ['O'] = &o->by_name, ['f'] = &o->force,
                            ['s'] = &o->quiet, ['k'] = &o->trusting, [COMPRESSED] = &o->packed };
    bool *flag = c < (int)(sizeof flags / sizeof *flags) ? flags[c] : NULL;
    if (flag)
        *flag = true;
    return flag != NULL;
}

static int take_value(struct options *o, int c, char *value)
{
    double n = 0;
    int rc = 0;
    switch (c) {
    case 'o': o->files[o->file_count++] = value; break;
    case 'C': o->resume = true; return strcmp(value, "-") == 0 ? 0 : wrong("-C takes -, and finds out itself where to go on");
    case 'X': o->method = value; break;
    case 'H': return take_header(o, value);
    case 'd': return take_data(o, value);
    case 'u': take_user(o, value); break;
    case 'A': o->agent = value; break;
    case 'x': o->proxy = value; break;
    case 'a': o->authorities = value; break;
    case UNIX_SOCKET: o->socket = value; break;
    case 'c': rc = take_number("-c", value, 1, 100000, &n); o->at_once = (int)n; break;
    case 't': rc = take_number("-t", value, 0, 1e6, &n); o->patience = (int64_t)(n * SECOND); break;
    case MAX_REDIRS: rc = take_number("--max-redirs", value, 0, 1000, &n); o->redirects = n > 0 ? (int)n : -1; break;
    }
    return rc;
}

/* ---- all of them ----------------------------------------------------------------------------------------------------- */

static int misused(int c, char **argv)
{
    const char *which = argv[optind - 1];
    if (c == ':')
        return wrong("%s wants something behind it", which);
    return optopt && optopt < 256 ? wrong("there is no option -%c", optopt) : wrong("there is no option %s", which);
}

static int check(const struct options *o)
{
    if (o->count == 0)
        return wrong("which URL? http://host/path is one");
    if (o->file_count > o->count)
        return wrong("there are more files (-o) than URLs");
    if (o->resume && (o->head || o->head_only || o->data))
        return wrong("-C goes on with a page alone: not with -i, -I, -d");
    if (o->resume && o->file_count == 0 && !o->by_name)
        return wrong("-C goes on with a file: name it with -o, or -O");
    struct headers given = { (struct header *)o->headers, o->header_count, o->header_count };
    if (o->resume && headers_count(&given, "range"))
        return wrong("-C asks for a part itself: not with -H 'Range: ...'");
    if (o->head_only && o->data)
        return wrong("-I asks for a head alone, and -d sends a body: one of them");
    return 0;
}

int options_read(struct options *o, int argc, char **argv)
{
    *o = (struct options){ .at_once = 20 };
    o->files = calloc((size_t)argc, sizeof *o->files);
    if (!o->files)
        return wrong("no memory");
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, ":o:OfC:iIX:H:d:u:A:c:t:x:a:kwshL", names, NULL)) != -1;) {
        if (c == 'h')
            fputs(help, stdout);
        if (c == 'h')
            return 0;
        if (c == '?' || c == ':')
            return misused(c, argv);
        int rc = take_flag(o, c) || c == 'L' ? 0 : take_value(o, c, optarg);        /* -L, curl's: they are followed anyway */
        if (rc)
            return rc;
    }
    o->urls = argv + optind;
    o->count = argc - optind;
    int rc = check(o);
    return rc ? rc : -1;
}

void options_end(struct options *o)
{
    free(o->files);
    free(o->data);
}

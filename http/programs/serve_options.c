/* serve_options.c - see serve_options.h. Trap: getopt's own words say neither what is possible nor what to do. */
#include "http/programs/serve_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "http/text.h"

enum { MOST_JOBS = 1024 };

static const char help[] =
    "usage: serve [FOLDER] [OPTION]...\n"
    "\n"
    "Shows a folder to browsers: the one it is called in, or FOLDER.\n"
    "\n"
    "  -p, --port PORT        where it listens: 8000 if you do not say; 0: any port that is free\n"
    "  -a, --address ADDRESS  127.0.0.1 if you do not say: only this machine can reach it. 0.0.0.0 or :: is\n"
    "                         everybody who can reach this machine; localhost; unix:/path/of/a.socket\n"
    "                         (-b and --bind are the same)\n"
    "  -d, --directory FOLDER the same as FOLDER\n"
    "  -n, --no-listing       a folder without an index.html is 403, and not a list of what is in it\n"
    "      --no-gzip          files are sent as they are. Else text is packed for browsers, or FILE.gz, where that is\n"
    "                         there and no older, sent for FILE\n"
    "  -j, --jobs N           as many processes, which share the port; 0: one a processor\n"
    "  -c, --cert FILE        https, with this certificate (PEM; those between it and its authority behind it)\n"
    "  -k, --key FILE         its private key (PEM), where that is not in the same file\n"
    "  -s, --self-signed      https, with a certificate made now: encrypted, but nobody can tell whether it is you\n"
    "  -l, --log FILE         a line for each request, behind what is there; - is standard output. SIGHUP opens it\n"
    "                         anew, for logrotate\n"
    "      --log-format WORD  common, combined (if you do not say) or json\n"
    "  -h, --help             this\n"
    "\n"
    "Ctrl-C or SIGTERM stops it: it takes no more, and ends what it has begun. Once more ends it at once.\n";

static const struct option options[] = {
    { "port", required_argument, NULL, 'p' },
    { "address", required_argument, NULL, 'a' },
    { "bind", required_argument, NULL, 'a' },
    { "directory", required_argument, NULL, 'd' },
    { "no-listing", no_argument, NULL, 'n' },
    { "no-gzip", no_argument, NULL, 'z' },
    { "jobs", required_argument, NULL, 'j' },
    { "cert", required_argument, NULL, 'c' },
    { "key", required_argument, NULL, 'k' },
    { "self-signed", no_argument, NULL, 's' },
    { "log", required_argument, NULL, 'l' },
    { "log-format", required_argument, NULL, 'f' },
    { "help", no_argument, NULL, 'h' },
    { NULL, 0, NULL, 0 },
};

static int misused(const char *what, const char *which, const char *advice)
{
    fprintf(stderr, "serve: %s%s: %s (serve --help says what there is)\n", what, which, advice);
    return 2;
}

static int stands_alone(const char *option, int letter)
{
    const char *advice = letter == 'p'   ? "a port comes behind it, as in -p 8000"
                         : letter == 'a' || letter == 'b' ? "an address comes behind it, as in -a 0.0.0.0"
                         : letter == 'j' ? "a number of processes comes behind it, as in -j 4"
                         : letter == 'd' ? "a folder comes behind it, as in -d ."
                         : letter == 'f' ? "common, combined or json comes behind it"
                                         : "a file comes behind it, as in -c site.pem";
    return misused(option, " stands alone", advice);
}

/* One letter of a word that may have several, or a long one. */
static int unknown(const char *word, int letter)
{
    char alone[] = { '-', (char)letter, '\0' };
    return misused("", letter && word[1] != '-' ? alone : word, "there is no such option, or it takes no value");
}

static int name_folder(struct serve_options *o, const char *folder)
{
    if (o->folder)
        return misused("", folder, "one folder can be served, and it has been named already; a port is named with -p");
    o->folder = folder;
    return 0;
}

static int choose_format(struct serve_options *o, const char *word)
{
    static const char *const words[] = { [ACCESS_COMMON] = "common", [ACCESS_COMBINED] = "combined", [ACCESS_JSON] = "json" };
    for (int i = ACCESS_COMMON; i <= ACCESS_JSON; i++)
        if (strcmp(word, words[i]) == 0) {
            o->format = (enum access_format)i;
            return 0;
        }
    return misused("--log-format ", word, "it is common, combined or json");
}

static int heed(struct serve_options *o, int letter, const char *value)
{
    if (letter == 'p' && text_number(text_of(value), 65535, &o->port) < 0)
        return misused("-p ", value, "a port is a number from 0 (any that is free) to 65535");
    if (letter == 'j' && text_number(text_of(value), MOST_JOBS, &o->jobs) < 0)
        return misused("-j ", value, "how many processes is a number from 0 (one a processor) to 1024");
    if (letter == 'a' || letter == 'b')
        o->address = value;
    else if (letter == 'c')
        o->certificate = value;
    else if (letter == 'k')
        o->key = value;
    else if (letter == 's')
        o->self_signed = true;
    else if (letter == 'n')
        o->listing = false;
    else if (letter == 'z')
        o->gzip = false;
    else if (letter == 'l')
        o->log = value;
    return letter == 'd' ? name_folder(o, value) : letter == 'f' ? choose_format(o, value) : 0;
}

/* What contradicts itself. */
static int judge(struct serve_options *o)
{
    bool is_unix = strncmp(o->address, "unix:", 5) == 0;
    if (o->key && !o->certificate)
        return misused("-k ", o->key, "a key alone is nothing to show: name its certificate with -c");
    if (o->self_signed && o->certificate)
        return misused("-s", " and -c", "a certificate is made, or it is there: say one of them");
    if (is_unix && o->jobs != 1)
        return misused("-j with -a ", o->address, "processes share a port, but no unix socket: leave -j out");
    if (!o->folder)
        o->folder = ".";
    return 0;
}

bool serve_options_read(int argc, char **argv, struct serve_options *o, int *status)
{
    *o = (struct serve_options){
        .address = "127.0.0.1", .port = 8000, .jobs = 1, .listing = true, .gzip = true, .format = ACCESS_COMBINED
    };
    *status = 0;
    opterr = 0;
    for (int letter; *status == 0 && (letter = getopt_long(argc, argv, ":p:a:b:d:nj:c:k:sl:h", options, NULL)) != -1;) {
        if (letter == 'h') {
            fputs(help, stdout);
            return false;
        }
        if (letter == ':')
            *status = stands_alone(argv[optind - 1], optopt);
        else if (letter == '?')
            *status = unknown(argv[optind - 1], optopt);
        else
            *status = heed(o, letter, optarg);
    }
    for (; *status == 0 && optind < argc; optind++)
        *status = name_folder(o, argv[optind]);
    if (*status == 0)
        *status = judge(o);
    return *status == 0;
}

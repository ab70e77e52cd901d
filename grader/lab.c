/* lab.c - what a lab's folder says: see lab.h.
 *
 * Every key has a row in `keys`: where its value goes, and what it may be. What a row asks for and the file does not
 * say is an error, so that nothing is ever zero by accident. */
#include "grader/lab.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "grader/lab_parse.h"

enum { LAB_INI_BYTES = 1 << 18, WORDS = 512 };

enum place { IN_LAB, IN_BUDGET, IN_SCAN, IN_ITEM, PLACES };
enum kind { TEXT, NUMBER, VISIBILITY };

struct key {
    enum place place;
    const char *name;
    enum kind kind;
    size_t offset;              /* in struct reading for IN_LAB, IN_BUDGET, IN_SCAN; in struct lab_item for IN_ITEM */
    int min, max;
    bool optional;
};

struct reading {
    struct lab *lab;
    char *files;                /* the value, until all of it is there */
    enum place place;
    struct lab_item *item;      /* of the present section */
    int section_line[PLACES], item_line[LAB_ITEMS], files_line;
    unsigned seen[PLACES], item_seen[LAB_ITEMS];    /* a bit a row of `keys` */
    char *error;
    size_t size;
    char sentence[WORDS];
};

#define LAB_AT(member) (offsetof(struct lab, member))
#define ITEM_AT(member) (offsetof(struct lab_item, member))
enum { FILES_ROW = 3 };
static const struct key keys[] = {
    { IN_LAB, "id", TEXT, LAB_AT(id), 0, 0, false },
    { IN_LAB, "title", TEXT, LAB_AT(title), 0, 0, false },
    { IN_LAB, "floor", NUMBER, LAB_AT(floor), 0, 100, false },
    [FILES_ROW] = { IN_LAB, "files", TEXT, 0, 0, 0, false },
    { IN_BUDGET, "wall_ms", NUMBER, LAB_AT(budget.wall_ms), 1, 600000, false },
    { IN_BUDGET, "cpu_s", NUMBER, LAB_AT(budget.cpu_s), 1, 600, false },
    { IN_BUDGET, "memory_mb", NUMBER, LAB_AT(budget.memory_mb), 1, 65536, false },
    { IN_BUDGET, "output_kb", NUMBER, LAB_AT(budget.output_kb), 1, 65536, false },
    { IN_BUDGET, "file_kb", NUMBER, LAB_AT(budget.file_kb), 1, 65536, false },
    { IN_SCAN, "allow", TEXT, LAB_AT(allow), 0, 0, true },
    { IN_SCAN, "judged", TEXT, LAB_AT(judged), 0, 0, true },
    { IN_ITEM, "title", TEXT, ITEM_AT(title), 0, 0, false },
    { IN_ITEM, "points", NUMBER, ITEM_AT(points), 1, 100, false },
    { IN_ITEM, "visibility", VISIBILITY, ITEM_AT(hidden), 0, 0, false },
    { IN_ITEM, "property", TEXT, ITEM_AT(property), 0, 0, false },
    { IN_ITEM, "hint1", TEXT, ITEM_AT(hints[0]), 0, 0, false },
    { IN_ITEM, "hint2", TEXT, ITEM_AT(hints[1]), 0, 0, false },
    { IN_ITEM, "hint3", TEXT, ITEM_AT(hints[2]), 0, 0, false },
};
enum { KEYS = sizeof keys / sizeof keys[0] };

/* ---- words ------------------------------------------------------------------------------------------------------- */
__attribute__((format(printf, 3, 4))) static bool wrong(struct reading *r, int line, const char *format, ...)
{
    char words[WORDS];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    if (line > 0)
        snprintf(r->error, r->size, "%s/lab.ini:%d: %s", r->lab->folder, line, words);
    else
        snprintf(r->error, r->size, "%s/lab.ini: %s", r->lab->folder, words);
    return false;
}

__attribute__((format(printf, 2, 3))) static const char *say(struct reading *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->sentence, sizeof r->sentence, format, args);
    va_end(args);
    return r->sentence;
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */
static bool is_item_id(const char *s)
{
    return isupper((unsigned char)s[0]) && isdigit((unsigned char)s[1]) &&
           (!s[2] || (isdigit((unsigned char)s[2]) && !s[3]));
}

static const char *begin_item(struct reading *r, const struct lab_line *line)
{
    const struct lab_item *before = lab_item(r->lab, line->section);
    if (before)
        return say(r, "[%s] was there already, in line %d", line->section, r->item_line[before - r->lab->items]);
    if (r->lab->item_count == LAB_ITEMS)
        return say(r, "there are more than %d items", LAB_ITEMS);
    r->item = &r->lab->items[r->lab->item_count];
    r->item_line[r->lab->item_count] = line->number;
    r->item->id = strdup(line->section);
    if (!r->item->id)
        return "out of memory";
    r->lab->item_count++;
    r->place = IN_ITEM;
    return NULL;
}

static const char *begin_section(struct reading *r, const struct lab_line *line)
{
    static const char *const names[] = { [IN_LAB] = "lab", [IN_BUDGET] = "budget", [IN_SCAN] = "scan" };
    for (enum place p = IN_LAB; p < IN_ITEM; p++) {
        if (strcmp(line->section, names[p]) != 0)
            continue;
        if (r->section_line[p])
            return say(r, "[%s] was there already, in line %d", names[p], r->section_line[p]);
        r->section_line[p] = line->number;
        r->place = p;
        return NULL;
    }
    if (!is_item_id(line->section))
        return say(r, "unknown section [%.40s]: there are [lab], [budget], [scan], and items such as [A1]",
                   line->section);
    return begin_item(r, line);
}

static const char *add_text(char **at, const char *value, bool more)
{
    char *joined;
    if (!*value)
        return "the value is empty: leave the line out, or say something";
    if (asprintf(&joined, "%s%s%s", more ? *at : "", more ? " " : "", value) < 0)
        return "out of memory";
    free(*at);
    *at = joined;
    return NULL;
}

static const char *set_number(struct reading *r, const struct key *k, int *at, const char *value)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (!isdigit((unsigned char)*value) || *end || errno || n < k->min || n > k->max)
        return say(r, "%s must be a number from %d to %d, not \"%.40s\"", k->name, k->min, k->max, value);
    *at = (int)n;
    return NULL;
}

static const char *set_visibility(struct reading *r, bool *hidden, const char *value)
{
    *hidden = strcmp(value, "hidden") == 0;
    if (*hidden || strcmp(value, "visible") == 0)
        return NULL;
    return say(r, "visibility is visible or hidden, not \"%.40s\"", value);
}

static const char *set(struct reading *r, const struct key *k, const struct lab_line *line, bool more)
{
    char *base = k->place == IN_ITEM ? (char *)r->item : (char *)r->lab;
    void *at = base + k->offset;
    if (k == &keys[FILES_ROW]) {
        r->files_line = more ? r->files_line : line->number;
        at = &r->files;
    }
    if (k->kind == TEXT)
        return add_text(at, line->value, more);
    if (k->kind == NUMBER)
        return set_number(r, k, at, line->value);
    return set_visibility(r, at, line->value);
}

static const char *take_line(void *self, const struct lab_line *line)
{
    struct reading *r = self;
    if (!line->key)
        return begin_section(r, line);
    if (!*line->section)
        return "a key before the first [section]";
    for (int i = 0; i < KEYS; i++) {
        const struct key *k = &keys[i];
        if (k->place != r->place || strcmp(k->name, line->key) != 0)
            continue;
        unsigned *seen = r->place == IN_ITEM ? &r->item_seen[r->item - r->lab->items] : &r->seen[r->place];
        bool again = *seen & (1u << i);
        if (again && !(line->more && k->kind == TEXT))
            return say(r, "%s is said twice in [%s]", k->name, line->section);
        *seen |= 1u << i;
        return set(r, k, line, again);
    }
    return say(r, "unknown key \"%.40s\" in [%s]", line->key, line->section);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */
static bool check_keys(struct reading *r, enum place place, const char *section, int line, unsigned seen)
{
    for (int i = 0; i < KEYS; i++)
        if (keys[i].place == place && !keys[i].optional && !(seen & (1u << i)))
            return wrong(r, line, line ? "[%s] does not say \"%s\"" : "there is no section [%s], which says \"%s\"",
                         section, keys[i].name);
    return true;
}

static bool check_items(struct reading *r)
{
    int sum = 0;
    for (int i = 0; i < r->lab->item_count; i++) {
        if (!check_keys(r, IN_ITEM, r->lab->items[i].id, r->item_line[i], r->item_seen[i]))
            return false;
        sum += r->lab->items[i].points;
    }
    if (sum != 100)
        return wrong(r, 0, "the points of the %d items add up to %d instead of 100", r->lab->item_count, sum);
    return true;
}

static bool check_id(struct reading *r)
{
    size_t len = strlen(r->lab->id);
    if (strncmp(r->lab->name, r->lab->id, len) == 0 && r->lab->name[len] == '-')
        return true;
    return wrong(r, r->section_line[IN_LAB], "id is \"%s\", so the folder must be called %s-something, not %s",
                 r->lab->id, r->lab->id, r->lab->name);
}

static bool is_plain(const char *path, bool slashes)
{
    if (!*path || *path == '/' || *path == '.' || strstr(path, "/."))
        return false;
    for (; *path; path++)
        if (!isalnum((unsigned char)*path) && !strchr(slashes ? "._-/" : "._-", *path))
            return false;
    return true;
}

static bool there(const char *folder, const char *inside, const char *name)
{
    char *path;
    if (asprintf(&path, "%s/%s%s", folder, inside, name) < 0)
        return false;
    bool yes = access(path, R_OK) == 0;
    free(path);
    return yes;
}

static bool add_file(struct reading *r, char *word)
{
    struct lab *lab = r->lab;
    if (lab->file_count == LAB_FILES)
        return wrong(r, r->files_line, "there are more than %d files", LAB_FILES);
    struct lab_file *f = &lab->files[lab->file_count];
    size_t len = strlen(word);
    f->optional = len > 0 && word[len - 1] == '?';
    if (f->optional)
        word[len - 1] = 0;
    char *colon = strchr(word, ':');
    if (colon)
        *colon = 0;
    if (!is_plain(word, false) || (colon && !is_plain(colon + 1, true)))
        return wrong(r, r->files_line, "a file is NAME:PRODUCTION-FILE, or NAME for a text, not \"%.60s\"", word);
    for (int i = 0; i < lab->file_count; i++)
        if (strcmp(lab->files[i].name, word) == 0)
            return wrong(r, r->files_line, "%s is there twice", word);
    f->name = strdup(word);
    f->source = colon ? strdup(colon + 1) : NULL;
    lab->file_count++;
    if (!f->name || (colon && !f->source))
        return wrong(r, 0, "out of memory");
    if (colon && !there(lab->folder, "../../", f->source))
        return wrong(r, r->files_line, "there is no file %s that %s could take the place of", f->source, f->name);
    if (!f->optional && !there(lab->folder, "start/", f->name))
        return wrong(r, r->files_line, "there is no file start/%s to begin with", f->name);
    return true;
}

static bool check_files(struct reading *r)
{
    char *save;
    for (char *word = strtok_r(r->files, " \t", &save); word; word = strtok_r(NULL, " \t", &save))
        if (!add_file(r, word))
            return false;
    for (int i = 0; i < r->lab->file_count; i++)
        if (r->lab->files[i].source)
            return true;
    return wrong(r, r->files_line, "no file of the lab takes a production file's place");
}

static bool finish(struct reading *r)
{
    if (!check_keys(r, IN_LAB, "lab", r->section_line[IN_LAB], r->seen[IN_LAB]) ||
        !check_keys(r, IN_BUDGET, "budget", r->section_line[IN_BUDGET], r->seen[IN_BUDGET]))
        return false;
    struct lab *lab = r->lab;
    if ((!lab->allow && !(lab->allow = strdup(""))) || (!lab->judged && !(lab->judged = strdup(""))))
        return wrong(r, 0, "out of memory");
    return check_id(r) && check_items(r) && check_files(r);
}

/* ---- the public side --------------------------------------------------------------------------------------------- */
static char *read_ini(struct reading *r, size_t *len)
{
    char *path, *text = malloc(LAB_INI_BYTES + 1);
    if (!text || asprintf(&path, "%s/lab.ini", r->lab->folder) < 0) {
        free(text);
        wrong(r, 0, "out of memory");
        return NULL;
    }
    FILE *f = fopen(path, "re");
    free(path);
    errno = f ? 0 : errno;
    *len = f ? fread(text, 1, LAB_INI_BYTES + 1, f) : 0;
    int error = !f || ferror(f) ? errno : 0;
    if (f)
        fclose(f);
    if (!error && *len <= LAB_INI_BYTES)
        return text;
    wrong(r, 0, "%s", error ? strerror(error) : "larger than a lab file can be (256 KiB)");
    free(text);
    return NULL;
}

static bool name_lab(struct lab *lab, const char *folder)
{
    size_t len = strlen(folder);
    while (len > 1 && folder[len - 1] == '/')
        len--;
    lab->folder = strndup(folder, len);
    if (!lab->folder)
        return false;
    const char *slash = strrchr(lab->folder, '/');
    lab->name = strdup(slash ? slash + 1 : lab->folder);
    return lab->name != NULL;
}

struct lab *lab_load(const char *folder, char *error, size_t size)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (!lab || !name_lab(lab, folder)) {
        snprintf(error, size, "%s/lab.ini: out of memory", folder);
        lab_free(lab);
        return NULL;
    }
    struct reading r = { .lab = lab, .error = error, .size = size };
    size_t len;
    char *text = read_ini(&r, &len);
    const char *sentence;
    int line = text ? lab_parse(text, len, take_line, &r, &sentence) : 0;
    bool good = text && (line ? wrong(&r, line, "%s", sentence) : finish(&r));
    free(text);
    free(r.files);
    if (good)
        return lab;
    lab_free(lab);
    return NULL;
}

void lab_free(struct lab *lab)
{
    if (!lab)
        return;
    for (int i = 0; i < lab->file_count; i++) {
        free(lab->files[i].name);
        free(lab->files[i].source);
    }
    for (int i = 0; i < lab->item_count; i++) {
        struct lab_item *item = &lab->items[i];
        free(item->id);
        free(item->title);
        free(item->property);
        for (int h = 0; h < LAB_HINTS; h++)
            free(item->hints[h]);
    }
    free(lab->folder);
    free(lab->id);
    free(lab->name);
    free(lab->title);
    free(lab->allow);
    free(lab->judged);
    free(lab);
}

/* A folder with a number. Whether it has a lab.ini is lab_load's to say. */
static bool is_lab(const struct dirent *e, const char *labs)
{
    char path[1024];
    struct stat s;
    snprintf(path, sizeof path, "%s/%s", labs, e->d_name);
    return isdigit((unsigned char)e->d_name[0]) && stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool is_called(const char *name, const char *id)
{
    char *end, *name_end;
    if (strcmp(name, id) == 0)
        return true;
    long wanted = strtol(id, &end, 10), has = strtol(name, &name_end, 10);
    if (*name_end == '-' && strcmp(name_end + 1, id) == 0)
        return true;
    return isdigit((unsigned char)*id) && !*end && *name_end == '-' && wanted == has;
}

bool lab_find(const char *labs, const char *id, char *folder, size_t folder_size, char *error, size_t size)
{
    struct dirent **entries;
    int n = scandir(labs, &entries, NULL, alphasort);
    if (n < 0) {
        snprintf(error, size, "%s: %s; run this in the folder that holds labs/", labs, strerror(errno));
        return false;
    }
    char list[WORDS] = "";
    bool found = false;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (!is_lab(entries[i], labs))
            continue;
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", *list ? ", " : "", name);
        if (!found && is_called(name, id))
            found = snprintf(folder, folder_size, "%s/%s", labs, name) < (int)folder_size;
    }
    for (int i = 0; i < n; i++)
        free(entries[i]);
    free(entries);
    if (!found)
        snprintf(error, size, "there is no lab \"%.40s\"; there is %s", id, *list ? list : "none at all");
    return found;
}

const struct lab_item *lab_item(const struct lab *lab, const char *id)
{
    for (int i = 0; i < lab->item_count; i++)
        if (strcmp(lab->items[i].id, id) == 0)
            return &lab->items[i];
    return NULL;
}

/* test_blocking_sarif.c - the SARIF report has the shape that the standard demands, SARIF 2.1.0, and what code scanning asks for
 * beside it.
 *
 * The trap it exists for: a viewer that shows nothing of a file with one member too many, and does not say so. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grader/blocking/reports.h"
#include "grader/tests/blocking/by_hand.h"

enum { MS = 1000000 };
enum { HANDLE = 1, MAIN, LIBC, HOSTILE_PC, STRIPPED, HERE };

#define HOSTILE "<b>\033[2J\xff; %s"

/* ---- the part of the schema that is used ----------------------------------------------------------------------------- */

/* Members of an object: NAME:TYPE, with ! where it must be there. [TYPE] is an array, {TYPE} an object of any names; WORD|WORD
 * are the strings that are allowed; what begins with $ is a kind of string, or a number; ... any members at all. */
static const struct shape {
    const char *name, *members;
} shapes[] = {
    { "log", "$schema!:$uri version!:2.1.0 runs!:[run]" },
    { "run", "tool!:tool invocations:[invocation] columnKind:utf16CodeUnits|unicodeCodePoints originalUriBaseIds:{artifact} "
             "results!:[result]" },
    { "tool", "driver!:driver" },
    { "driver", "name!:$string fullName:$string semanticVersion:$version rules:[rule]" },
    { "rule", "id!:$string name:$string shortDescription!:words fullDescription!:words help!:words defaultConfiguration:config "
              "properties:bag" },
    { "words", "text!:$string markdown:$string" },
    { "config", "level:none|note|warning|error" },
    { "bag", "..." },
    { "invocation", "executionSuccessful!:$boolean commandLine:$string toolExecutionNotifications:[notification]" },
    { "notification", "message!:message level:none|note|warning|error" },
    { "message", "text!:$string" },
    { "result", "ruleId:$string ruleIndex:$index kind:fail level:none|note|warning|error message!:message locations:[location] "
                "partialFingerprints:{$string} stacks:[stack] codeFlows:[codeFlow] occurrenceCount:$line "
                "suppressions:[suppression] baselineState:new|unchanged|updated|absent properties:bag" },
    { "location", "physicalLocation:physical logicalLocations:[logical] message:message" },
    { "physical", "artifactLocation!:artifact region:region" },
    { "artifact", "uri:$uri uriBaseId:$string" },
    { "region", "startLine!:$line snippet:snippet" },
    { "snippet", "text:$string" },
    { "logical", "fullyQualifiedName:$string kind:function" },
    { "stack", "message:message frames!:[frame]" },
    { "frame", "location:location module:$string" },
    { "codeFlow", "threadFlows!:[threadFlow]" },
    { "threadFlow", "locations!:[step]" },
    { "step", "location:location importance:important|essential|unimportant" },
    { "suppression", "kind!:inSource|external status:accepted|underReview|rejected" },
    { NULL, NULL }
};

static void check(const json_t *value, const char *type, size_t len, const char *where);

static bool type_is(const char *type, size_t len, const char *name)
{
    return strlen(name) == len && !strncmp(type, name, len);
}

static void check_uri(const char *text)
{
    for (; *text; text++)
        ck_assert_msg(isalnum((unsigned char)*text) || strchr("-._~:/?#[]@!$&'()*+,;=%", *text), "no URI: %s", text);
}

static void check_plain(const json_t *value, const char *type, size_t len, const char *where)
{
    const char *text = json_string_value(value);
    if (type_is(type, len, "$boolean")) {
        ck_assert_msg(json_is_boolean(value), "%s", where);
    } else if (type_is(type, len, "$index") || type_is(type, len, "$line")) {
        ck_assert_msg(json_is_integer(value) && json_integer_value(value) >= (type[1] == 'l'), "%s", where);
    } else {
        ck_assert_msg(text && *text, "%s", where);
        if (type_is(type, len, "$uri"))
            check_uri(text);
        if (type_is(type, len, "$version"))
            ck_assert_uint_eq(strspn(text, "0123456789."), strlen(text));
    }
}

static void check_word(const json_t *value, const char *words, size_t len, const char *where)
{
    const char *text = json_string_value(value);
    ck_assert_msg(text != NULL, "%s", where);
    for (size_t at = 0; at < len;) {
        size_t word = strcspn(words + at, "| ");
        if (strlen(text) == word && !strncmp(words + at, text, word))
            return;
        at += word + 1;
    }
    ck_abort_msg("%s: %s is none of %.*s", where, text, (int)len, words);
}

/* The member's type; NULL: there is no such member. */
static const char *member_of(const char *members, const char *key, size_t *len)
{
    for (const char *at = members; *at; at += strcspn(at, " "), at += *at == ' ') {
        size_t name = strcspn(at, "!:");
        if (strlen(key) == name && !strncmp(at, key, name)) {
            at += name + strspn(at + name, "!:");
            *len = strcspn(at, " ");
            return at;
        }
    }
    return NULL;
}

static void check_object(json_t *value, const struct shape *shape)
{
    const char *key;
    json_t *member;
    size_t len;
    ck_assert_msg(json_is_object(value), "%s", shape->name);
    if (!strcmp(shape->members, "..."))
        return;
    json_object_foreach(value, key, member) {
        const char *type = member_of(shape->members, key, &len);
        ck_assert_msg(type != NULL, "%s has no member %s", shape->name, key);
        check(member, type, len, key);
    }
    for (const char *at = shape->members; *at; at += strcspn(at, " "), at += *at == ' ') {
        char name[64];
        size_t end = strcspn(at, "!:");
        snprintf(name, sizeof name, "%.*s", (int)end, at);
        ck_assert_msg(at[end] != '!' || json_object_get(value, name), "%s lacks %s", shape->name, name);
    }
}

static void check(const json_t *value, const char *type, size_t len, const char *where)
{
    const struct shape *shape = shapes;
    const char *key;
    json_t *member;
    size_t i;
    while (shape->name && !type_is(type, len, shape->name))
        shape++;
    if (*type == '[') {
        ck_assert_msg(json_is_array(value), "%s", where);
        json_array_foreach((json_t *)value, i, member)
            check(member, type + 1, len - 2, where);
    } else if (*type == '{') {
        json_object_foreach((json_t *)value, key, member)
            check(member, type + 1, len - 2, where);
    } else if (*type == '$') {
        check_plain(value, type, len, where);
    } else if (shape->name) {
        check_object((json_t *)value, shape);
    } else {
        check_word(value, type, len, where);
    }
}

/* ---- a report -------------------------------------------------------------------------------------------------------- */

static const uint64_t in_handle[] = { LIBC, HANDLE, MAIN, 0 }, hostile[] = { HOSTILE_PC, MAIN, 0 }, stripped[] = { STRIPPED, 0 },
                      here[] = { HERE, 0 };
static json_t *sarif;

static struct findings *see_some(void)
{
    static char near[4200];
    ck_assert_ptr_nonnull(getcwd(near, 4000));
    strcat(near, "/here.c");
    hand_name(HANDLE, "handle", "/srv/my app/100%.c", 40, "/bin/app", true);
    hand_name(MAIN, "main", "/srv/my app/100%.c", 90, "/bin/app", true);
    hand_name(LIBC, "fsync", NULL, 0, "/lib/libc.so.6", false);
    hand_name(HOSTILE_PC, HOSTILE, HOSTILE, 3, HOSTILE, true);
    hand_name(STRIPPED, NULL, NULL, 0, "/bin/stripped", true);
    hand_name(HERE, "here", near, 7, "/bin/app", true);
    hand_process("/bin/" HOSTILE, "--port 80");
    hand_loop();
    hand_blocked("fsync", 10 * MS, 9 * MS, in_handle);
    hand_blocked("read", 20 * MS, 8 * MS, hostile);
    hand_blocked("read", 30 * MS, 7 * MS, stripped);
    hand_blocked(NULL, 40 * MS, 6 * MS, NULL);
    hand_blocked(NULL, 50 * MS, 5 * MS, in_handle)->system_call = 0;
    hand_blocked(NULL, 60 * MS, 4 * MS, in_handle)->fault = 0x7f0000;
    hand_blocked("fsync", 70 * MS, 3 * MS, here);
    hand_iteration(9, 100 * MS, 2 * MS, 0, 0)->callback = HANDLE;
    hand_iteration(10, 200 * MS, 0, 2 * MS, 0);
    hand_blocked("getaddrinfo", 300 * MS, 0, in_handle)->head.kind = RECORD_COULD_BLOCK;
    hand_note("a note: " HOSTILE);
    return hand_findings();
}

static const json_t *report(const struct findings *f)
{
    char *text = NULL;
    size_t len = 0;
    json_error_t error;
    FILE *file = open_memstream(&text, &len);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(blocking_sarif(f, file), 0);
    fclose(file);
    sarif = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(sarif != NULL, "%s", error.text);
    free(text);
    check(sarif, "log", 3, "the log");
    return json_array_get(json_object_get(sarif, "runs"), 0);
}

/* A path through it: names and numbers, with / between them. */
static const json_t *get(const json_t *at, const char *path)
{
    char name[64];
    for (; at && *path; path += strcspn(path, "/"), path += *path == '/') {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(path, "/"), path);
        at = json_is_array(at) ? json_array_get(at, (size_t)atoi(name)) : json_object_get(at, name);
    }
    return at;
}

static const char *text(const json_t *at, const char *path)
{
    const char *value = json_string_value(get(at, path));
    return value ? value : "(nothing)";
}

/* ---- tests ----------------------------------------------------------------------------------------------------------- */

START_TEST(all_of_it_has_the_shape_of_the_standard)
{
    const struct findings *f = see_some();
    const json_t *run = report(f);
    ck_assert_int_eq(f->site_count, 10);
    ck_assert_uint_eq(json_array_size(get(run, "results")), 10);
    ck_assert_str_eq(text(sarif, "version"), "2.1.0");
    json_decref(sarif);
}
END_TEST

START_TEST(an_empty_report_is_one_too)
{
    const json_t *run = report(hand_findings());
    ck_assert_uint_eq(json_array_size(get(run, "results")), 0);
    ck_assert(json_is_true(get(run, "invocations/0/executionSuccessful")));
    json_decref(sarif);
}
END_TEST

START_TEST(each_result_points_at_its_rule_which_says_what_to_do)
{
    const json_t *run = report(see_some());
    for (size_t i = 0; i < 10; i++) {
        const json_t *result = json_array_get(get(run, "results"), i);
        size_t index = (size_t)json_integer_value(get(result, "ruleIndex"));
        const json_t *rule = json_array_get(get(run, "tool/driver/rules"), index);
        ck_assert_str_eq(text(result, "ruleId"), text(rule, "id"));
        ck_assert_str_eq(text(result, "level"), text(rule, "defaultConfiguration/level"));
        for (size_t k = 0; k < index; k++)
            ck_assert_str_ne(text(json_array_get(get(run, "tool/driver/rules"), k), "id"), text(rule, "id"));
    }
    ck_assert_str_eq(text(run, "results/0/ruleId"), "blocked/fsync");
    ck_assert_ptr_nonnull(strstr(text(run, "tool/driver/rules/0/help/text"), "on another thread"));
    ck_assert_str_eq(text(run, "results/3/ruleId"), "blocked/unattributed");
    ck_assert_str_eq(text(run, "results/4/ruleId"), "blocked/read");
    ck_assert_str_eq(text(run, "results/5/ruleId"), "page-fault");
    ck_assert_str_eq(text(run, "results/0/level"), "error");
    ck_assert_str_eq(text(run, "results/9/level"), "note");
    json_decref(sarif);
}
END_TEST

START_TEST(the_first_location_is_the_program_s_own_line)
{
    const json_t *run = report(see_some());
    const json_t *physical = get(run, "results/0/locations/0/physicalLocation");
    ck_assert_str_eq(text(physical, "artifactLocation/uri"), "file:///srv/my%20app/100%25.c");
    ck_assert_int_eq(json_integer_value(get(physical, "region/startLine")), 40);
    ck_assert_str_eq(text(run, "results/0/locations/0/logicalLocations/0/fullyQualifiedName"), "handle");
    ck_assert_str_eq(text(run, "results/2/locations/0/physicalLocation/artifactLocation/uri"), "file:///bin/stripped");
    json_decref(sarif);
}
END_TEST

START_TEST(a_result_without_a_stack_points_at_the_program)
{
    const json_t *run = report(see_some());
    ck_assert_uint_eq(json_array_size(get(run, "results/3/locations")), 1);
    ck_assert_str_eq(text(run, "results/3/locations/0/physicalLocation/artifactLocation/uri"),
                     "file:///bin/%3Cb%3E%1B%5B2J%FF%3B%20%25s");
    json_decref(sarif);
}
END_TEST

START_TEST(what_lies_below_us_is_named_from_here)
{
    const json_t *run = report(see_some());
    const json_t *artifact = get(run, "results/6/locations/0/physicalLocation/artifactLocation");
    ck_assert_str_eq(text(artifact, "uri"), "here.c");
    ck_assert_str_eq(text(artifact, "uriBaseId"), "SRCROOT");
    const char *root = text(run, "originalUriBaseIds/SRCROOT/uri");
    ck_assert(!strncmp(root, "file:///", 8) && root[strlen(root) - 1] == '/');
    json_decref(sarif);
}
END_TEST

START_TEST(a_result_has_its_stack_and_the_path_to_it)
{
    const json_t *run = report(see_some());
    ck_assert_uint_eq(json_array_size(get(run, "results/0/stacks/0/frames")), 3);
    ck_assert_str_eq(text(run, "results/0/stacks/0/frames/0/module"), "libc.so.6");
    const json_t *steps = get(run, "results/0/codeFlows/0/threadFlows/0/locations");
    ck_assert_uint_eq(json_array_size(steps), 2);
    ck_assert_int_eq(json_integer_value(get(steps, "0/location/physicalLocation/region/startLine")), 90);
    ck_assert_str_eq(text(steps, "1/importance"), "essential");
    ck_assert_ptr_nonnull(strstr(text(steps, "1/location/message/text"), "fsync"));
    json_decref(sarif);
}
END_TEST

START_TEST(fingerprints_are_those_of_the_sites)
{
    const struct findings *f = see_some();
    const json_t *run = report(f);
    for (size_t i = 0; i < 10; i++) {
        const json_t *prints = get(json_array_get(get(run, "results"), i), "partialFingerprints");
        ck_assert_str_eq(json_string_value(json_object_get(prints, "blockwatch/v1")), f->sites[i].fingerprint);
    }
    json_decref(sarif);
}
END_TEST

START_TEST(what_is_suppressed_or_known_is_marked)
{
    struct findings *f = see_some();
    f->sites[0].is_suppressed = true;
    f->sites[1].is_known = true;
    const json_t *run = report(f);
    ck_assert_str_eq(text(run, "results/0/suppressions/0/kind"), "external");
    ck_assert_str_eq(text(run, "results/1/baselineState"), "unchanged");
    ck_assert_str_eq(text(run, "results/2/baselineState"), "new");
    ck_assert_uint_eq(json_array_size(get(run, "results/1/suppressions")), 0);
    json_decref(sarif);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_of_it_has_the_shape_of_the_standard,
        an_empty_report_is_one_too,
        each_result_points_at_its_rule_which_says_what_to_do,
        the_first_location_is_the_program_s_own_line,
        a_result_without_a_stack_points_at_the_program,
        what_lies_below_us_is_named_from_here,
        a_result_has_its_stack_and_the_path_to_it,
        fingerprints_are_those_of_the_sites,
        what_is_suppressed_or_known_is_marked,
        NULL
    };
    return hand_run("SARIF of blocking", tests);
}

/* test_blocking_html.c - the page of what was found: all of its parts are there, and what a watched program says is never markup.
 *
 * What its script does is looked at in a browser: test_blocking_page.py. */
#include <check.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "grader/blocking/report_html.h"
#include "grader/blocking/reports.h"
#include "grader/tests/blocking/sample.h"

static char *text;
static size_t len;

static const char *page(const struct findings *findings)
{
    free(text);
    FILE *f = open_memstream(&text, &len);
    ck_assert_int_eq(blocking_html(findings, f), 0);
    fclose(f);
    return text;
}

static void tear_down(void)
{
    free(text);
    text = NULL;
}

/* The data for the script, read as a browser reads it: up to the first end of its element. */
static json_t *data(const char *out)
{
    static const char begin[] = "<script type=\"application/json\" id=data>";
    const char *from = strstr(out, begin) + sizeof begin - 1, *to = strstr(from, "</script>");
    json_error_t error;
    ck_assert_ptr_nonnull(to);
    json_t *o = json_loadb(from, (size_t)(to - from), JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(o, "%s at %d", error.text, error.position);
    return o;
}

static int count_of(const char *out, const char *what)
{
    int count = 0;
    for (; (out = strstr(out, what)); out += strlen(what))
        count++;
    return count;
}

static json_int_t number(const json_t *list, size_t at)
{
    ck_assert(json_is_integer(json_array_get(list, at)));
    return json_integer_value(json_array_get(list, at));
}

static const char *word(const json_t *list, size_t at)
{
    return json_string_value(json_array_get(list, at));
}

/* Boxes of that name at any depth; their time in *time. */
static int boxes_of(const json_t *box, const char *name, json_int_t *time)
{
    int count = 0;
    const json_t *kids = json_array_get(box, 5);
    if (!strcmp(word(box, 0), name)) {
        *time += number(box, 4);
        count++;
    }
    for (size_t i = 0; i < json_array_size(kids); i++)
        count += boxes_of(json_array_get(kids, i), name, time);
    return count;
}

/* ---- its parts ----------------------------------------------------------------------------------------------------------- */

START_TEST(all_parts_are_there)
{
    static const char *const ids[] = { "id=accounts", "id=when", "id=timeline", "id=blocked", "id=hogs", "id=places", "id=sites",
                                       "id=callbacks", "id=notes", "id=measured", "id=data" };
    const char *out = page(sample_findings(100));
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        ck_assert_msg(strstr(out, ids[i]), "%s is missing", ids[i]);
    ck_assert_ptr_nonnull(strstr(out, "<h1>7 places held the loops up</h1>"));
    ck_assert_ptr_nonnull(strstr(out, "<style>:root"));
    ck_assert_ptr_nonnull(strstr(out, "const page ="));
}
END_TEST

START_TEST(an_account_is_a_sum_and_a_bar)
{
    const char *out = page(sample_findings(1));
    ck_assert_ptr_nonnull(strstr(out, "wall 9.000 s = cpu 4.100 + run-delay 0.300 + blocked 4.600 "
                                      "(4.528 attributed + 0.072 unattributed)"));
    ck_assert_ptr_nonnull(strstr(out, "wall 27.000 s = cpu 12.300 + run-delay 0.900 + blocked 13.800"));
    ck_assert_int_eq(count_of(out, "<div class=bar"), 4);
    ck_assert_ptr_nonnull(strstr(out, "ended within an iteration"));
}
END_TEST

START_TEST(of_many_loops_the_one_that_was_held_up_comes_first)
{
    static struct loop_account many[100];
    struct findings *findings = sample_findings(1);
    for (int i = 0; i < 100; i++)
        many[i] = (struct loop_account){ .pid = 1000 + i, .tid = 1000 + i, .wall = 100, .cpu = 100, .blocked = i == 70 ? 50 : 0 };
    findings->loops = many;
    findings->loop_count = 100;
    const char *out = page(findings), *held = strstr(out, "pid 1070,"), *more = strstr(out, "<summary>88 loops more</summary>");
    ck_assert_ptr_nonnull(more);
    ck_assert(held < more && held < strstr(out, "pid 1000,"));
}
END_TEST

START_TEST(a_place_has_its_line_its_stack_and_what_to_do)
{
    const char *out = page(sample_findings(1));
    ck_assert_ptr_nonnull(strstr(out, "<code class=place>upstream.c:88</code>"));
    ck_assert_ptr_nonnull(strstr(out, "<pre class=source>rc = getaddrinfo(u-&gt;host"));
    ck_assert_ptr_nonnull(strstr(out, "host &quot;cache-3.internal&quot;"));
    ck_assert_ptr_nonnull(strstr(out, "or c-ares</div>"));
    ck_assert_ptr_nonnull(strstr(out, "<code>uv__io_poll</code>"));
    ck_assert_ptr_nonnull(strstr(out, "<summary>6 frames of others</summary>"));
}
END_TEST

START_TEST(suppressed_and_known_places_are_marked_and_not_counted)
{
    struct findings *findings = sample_findings(1);
    const char *out = page(findings);
    ck_assert_int_eq(count_of(out, "class=\"site quiet\""), 2);
    ck_assert_ptr_nonnull(strstr(out, ">known</span>"));
    ck_assert_ptr_nonnull(strstr(out, ">suppressed</span>"));
    findings->site_count = 1;
    ck_assert_ptr_nonnull(strstr(page(findings), "<h1>One place held the loops up</h1>"));
}
END_TEST

START_TEST(callbacks_are_summed_up)
{
    const char *out = page(sample_findings(1)), *row = strstr(out, "title=\"show its places\">on_request</button>");
    ck_assert_ptr_nonnull(row);
    ck_assert_ptr_nonnull(strstr(row, "<td class=\"num less\">5</td><td class=num>9287</td><td class=\"num \">2.403 s</td>"));
}
END_TEST

START_TEST(how_it_was_measured_is_said)
{
    struct findings *findings = sample_findings(1);
    findings->dropped = 17;
    const char *out = page(findings);
    ck_assert_ptr_nonnull(strstr(out, "2 of 3 loops"));
    ck_assert_ptr_nonnull(strstr(out, "(tier rseq)"));
    ck_assert_ptr_nonnull(strstr(out, "An iteration longer than 1.000 ms"));
    ck_assert_ptr_nonnull(strstr(out, "0.113 s of a processor in 30.000 s (0.38 % of one)"));
    ck_assert_ptr_nonnull(strstr(out, "<code>proxy --listen 8080"));
    ck_assert_ptr_nonnull(strstr(out, "17 records found no room"));
}
END_TEST

START_TEST(nothing_found_is_said_with_its_evidence)
{
    const char *out = page(sample_nothing());
    ck_assert_ptr_nonnull(strstr(out, "<h1>Nothing held the loop up</h1>"));
    ck_assert_ptr_nonnull(strstr(out, "In 12,345 iterations the kernel counted 0 sleeps"));
    ck_assert_ptr_null(strstr(out, "id=sites"));
    ck_assert_ptr_null(strstr(out, "id=timeline"));
    json_decref(data(out));
}
END_TEST

START_TEST(findings_of_nothing_at_all_are_a_page)
{
    struct findings nothing = {0};
    const char *out = page(&nothing);
    ck_assert_ptr_nonnull(strstr(out, "<h1>No event loop was seen</h1>"));
    ck_assert_ptr_nonnull(strstr(out, "--polls"));
    json_decref(data(out));
}
END_TEST

/* ---- a stranger's words -------------------------------------------------------------------------------------------------- */

static struct findings *hostile(void)
{
    static struct frame frames[2] = { { .function = HOSTILE, .file = HOSTILE, .line = 1, .source = HOSTILE, .own = true } };
    static char *notes[] = { HOSTILE };
    struct findings *findings = sample_findings(10);
    frames[1] = frames[0];
    for (int i = 0; i < findings->site_count; i++) {
        struct site *s = &findings->sites[i];
        s->what = s->asked = s->callback = HOSTILE;
        s->advice = HOSTILE;
        s->frames = frames;
        s->frame_count = 2;
        s->first_own = 0;
        s->sample_count = 0;
    }
    findings->loops[0].program = HOSTILE;
    findings->notes = notes;
    findings->note_count = 1;
    findings->command = HOSTILE;
    return findings;
}

START_TEST(nothing_of_a_stranger_is_markup)
{
    int scripts = count_of(page(sample_findings(10)), "<script"), ends = count_of(text, "</script>");
    const char *out = page(hostile());
    ck_assert_int_eq(count_of(out, "<script"), scripts);
    ck_assert_int_eq(count_of(out, "</script>"), ends);
    ck_assert_ptr_null(strstr(out, "<img"));
    ck_assert_ptr_null(strstr(out, "\033"));
    ck_assert_ptr_null(strstr(out, "\xff"));
    ck_assert_ptr_nonnull(strstr(out, "&lt;/script&gt;&lt;script&gt;document.title=&#39;x&#39;"));
}
END_TEST

START_TEST(the_data_holds_what_the_stranger_said)
{
    json_t *o = data(page(hostile())), *site = json_array_get(json_object_get(o, "sites"), 0);
    ck_assert_int_eq(strncmp(word(site, 1), "</script><script>", 17), 0);
    ck_assert_ptr_nonnull(strstr(word(site, 1), "\xef\xbf\xbd"));
    json_decref(o);
}
END_TEST

START_TEST(the_page_needs_nothing_from_elsewhere)
{
    const char *out = page(sample_findings(10));
    ck_assert_ptr_null(strstr(out, "https://"));
    ck_assert_ptr_null(strstr(out, "src="));
    ck_assert_ptr_null(strstr(out, "@import"));
    ck_assert_ptr_null(strstr(out, "<link"));
    ck_assert_ptr_null(strstr(out, "url("));
    ck_assert_ptr_nonnull(strstr(out, "default-src 'none'"));
}
END_TEST

/* ---- what is drawn ------------------------------------------------------------------------------------------------------- */

START_TEST(stretches_are_differences_of_times)
{
    struct findings *findings = sample_findings(600);
    json_t *o = data(page(findings)), *list = json_object_get(o, "stretches");
    json_int_t began = findings->began;
    ck_assert_uint_eq(json_array_size(list), 3000);
    for (size_t i = 0; i < 600; i++) {
        const struct stretch *s = &findings->stretches[i];
        began += number(list, 5 * i);
        ck_assert_int_eq(began, s->began);
        ck_assert_int_eq(number(list, 5 * i + 1), s->ended - s->began);
        ck_assert_int_eq(number(list, 5 * i + 2), s->account);
        ck_assert_int_eq(number(list, 5 * i + 3), s->site);
        ck_assert_int_eq(number(list, 5 * i + 4), s->iteration);
    }
    json_decref(o);
}
END_TEST

START_TEST(fifty_thousand_stretches_stay_below_five_megabytes)
{
    page(sample_findings(50000));
    ck_assert_uint_lt(len, 5000000);
    ck_assert_uint_gt(len, 500000);
}
END_TEST

START_TEST(a_flame_is_as_wide_as_its_sites)
{
    json_t *o = data(page(sample_findings(1)));
    const json_t *slept = json_object_get(o, "blocked"), *hogs = json_object_get(o, "hogs");
    json_int_t main_time = 0, call = 0, array = 0;
    ck_assert_int_eq(number(slept, 4), INT64_C(4443000000));
    ck_assert_int_eq(number(hogs, 4), INT64_C(640000000));
    ck_assert_int_eq(boxes_of(slept, "main", &main_time), 1);
    ck_assert_int_eq(main_time, INT64_C(4443000000 - 551000000));
    ck_assert_int_eq(boxes_of(slept, "getaddrinfo", &call), 1);
    ck_assert_int_eq(call, INT64_C(2310000000));
    ck_assert_int_eq(boxes_of(hogs, "json_array", &array), 1);
    ck_assert_int_eq(array, INT64_C(640000000));
    json_decref(o);
}
END_TEST

START_TEST(a_function_that_calls_itself_is_as_many_boxes)
{
    static struct frame deep[190];
    struct findings *findings = sample_findings(1);
    json_int_t time = 0;
    for (size_t i = 0; i < sizeof deep / sizeof *deep; i++)
        deep[i] = (struct frame){ .function = "again", .file = "again.c", .line = 3, .own = true };
    findings->site_count = 1;
    findings->sites[0].frames = deep;
    findings->sites[0].frame_count = sizeof deep / sizeof *deep;
    json_t *o = data(page(findings));
    ck_assert_int_eq(boxes_of(json_object_get(o, "blocked"), "again", &time), 190);
    json_decref(o);
}
END_TEST

START_TEST(a_flood_of_places_keeps_its_rows_and_loses_its_stacks)
{
    enum { FLOOD = 5000 };
    static struct site many[FLOOD];
    struct findings *findings = sample_findings(1);
    for (int i = 0; i < FLOOD; i++)
        many[i] = findings->sites[0];
    findings->sites = many;
    findings->site_count = FLOOD;
    const char *out = page(findings);
    ck_assert_int_eq(count_of(out, "<tbody id=site-"), FLOOD);
    ck_assert_ptr_nonnull(strstr(out, "--json has all of them"));
    ck_assert_uint_lt(len, 8000000);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        all_parts_are_there,
        an_account_is_a_sum_and_a_bar,
        of_many_loops_the_one_that_was_held_up_comes_first,
        a_place_has_its_line_its_stack_and_what_to_do,
        suppressed_and_known_places_are_marked_and_not_counted,
        callbacks_are_summed_up,
        how_it_was_measured_is_said,
        nothing_found_is_said_with_its_evidence,
        findings_of_nothing_at_all_are_a_page,
        nothing_of_a_stranger_is_markup,
        the_data_holds_what_the_stranger_said,
        the_page_needs_nothing_from_elsewhere,
        stretches_are_differences_of_times,
        fifty_thousand_stretches_stay_below_five_megabytes,
        a_flame_is_as_wide_as_its_sites,
        a_function_that_calls_itself_is_as_many_boxes,
        a_flood_of_places_keeps_its_rows_and_loses_its_stacks,
    };
    Suite *suite = suite_create("blocking_html");
    TCase *group = tcase_create("page");
    tcase_set_timeout(group, 240);
    tcase_add_checked_fixture(group, NULL, tear_down);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_test(group, tests[i]);
    suite_add_tcase(suite, group);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}

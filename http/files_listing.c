/* files_listing.c - the page of a folder that has none: what is in it, folders first, by name, with size and time. See files.h.
 *
 * Traps: a file may be called "<script>", or "%2f", or "javascript:alert(1)"; and a folder may hold a million of them, so only
 * the first MOST are looked at, and the page says so. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "http/date.h"
#include "http/files_inside.h"
#include "http/url.h"

enum { MOST = 10000, NAMES = 32768 };

struct item {
    struct item *next;
    struct file_status status;
    char name[];
};

/* Text that grows; once memory was refused it stays as it is. */
struct page {
    struct sys *sys;
    struct buffer text;
    bool refused;
};

/* ---- writing --------------------------------------------------------------------------------------------------------- */

static void put(struct page *p, const char *data, size_t len)
{
    if (!p->refused)
        p->refused = buffer_add(&p->text, p->sys, (struct bytes){ data, len }, SIZE_MAX) < 0;
}

static void put_text(struct page *p, const char *text)
{
    put(p, text, strlen(text));
}

/* As text, or between the quotes of an attribute. */
static void put_escaped(struct page *p, const char *text)
{
    for (; *text; text++) {
        const char *at = strchr("&<>\"'", *text);
        static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&#39;" };
        if (at)
            put_text(p, names[at - "&<>\"'"]);
        else
            put(p, text, 1);
    }
}

static void put_link(struct page *p, const char *name)
{
    char encoded[3 * 256];
    ssize_t len = url_encode(text_of(name), "", encoded, sizeof encoded);
    put(p, encoded, len < 0 ? 0 : (size_t)len);
}

/* "17 B", "1.5 KiB". */
static void put_size(struct page *p, int64_t size)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    double n = (double)size;
    char text[32];
    int unit = 0;
    for (; n >= 1023.95 && unit < 6; unit++)
        n /= 1024;
    snprintf(text, sizeof text, unit && n < 100 ? "%.1f %s" : "%.0f %s", n, units[unit]);
    put_text(p, text);
}

/* "23 Nov 2026 05:48" of "Mon, 23 Nov 2026 05:48:34 GMT". */
static void put_time(struct page *p, const struct file_status *status)
{
    char date[DATE_TEXT];
    put(p, date_write(second_of(status), date) + 5, 17);
}

static void put_item(struct page *p, const struct item *item)
{
    const char *slash = item->status.kind == FILE_DIRECTORY ? "/" : "";
    put_text(p, "<tr><td><a href=\"");
    put_link(p, item->name);
    put_text(p, slash);
    put_text(p, "\">");
    put_escaped(p, item->name);
    put_text(p, slash);
    put_text(p, "</a></td><td>");
    if (item->status.kind == FILE_REGULAR)
        put_size(p, item->status.size);
    else
        put_text(p, item->status.kind == FILE_LINK ? "link" : item->status.kind == FILE_OTHER ? "special" : "");
    put_text(p, "</td><td>");
    put_time(p, &item->status);
    put_text(p, "</td></tr>\n");
}

static void put_page(struct page *p, const char *path, const struct item *items, bool more)
{
    static const char style[] =
        ":root{color-scheme:light dark}"
        "body{font:16px/1.6 system-ui,sans-serif;max-width:52rem;margin:2.5rem auto;padding:0 1.25rem}"
        "h1{font-size:1.3rem;font-weight:600;padding:0 .6rem;overflow-wrap:anywhere}"
        "table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}"
        "th{text-align:left;font-weight:400;font-size:.85rem;opacity:.65}"
        "th,td{padding:.3rem .6rem;border-bottom:1px solid #8883}"
        "td:nth-child(n+2),th:nth-child(n+2){text-align:right;white-space:nowrap;width:1%}"
        "td:nth-child(n+2){opacity:.75}td:first-child{overflow-wrap:anywhere}"
        "tr:hover td{background:#8881}"
        "a{text-decoration:none;color:#0b57d0}a:hover{text-decoration:underline}"
        "@media(max-width:34rem){body{margin:1rem auto;padding:0 .4rem}td:nth-child(3),th:nth-child(3){display:none}}"
        "@media(prefers-color-scheme:dark){a{color:#8ab4f8}}";
    bool root = strcmp(path, ".") == 0;
    put_text(p, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n<title>/");
    put_escaped(p, root ? "" : path);
    put_text(p, "</title>\n<style>");
    put_text(p, style);
    put_text(p, "</style>\n<h1>/");
    put_escaped(p, root ? "" : path);
    put_text(p, root ? "" : "/");
    put_text(p, "</h1>\n<table>\n<tr><th>Name</th><th>Size</th><th>Modified (UTC)</th></tr>\n");
    if (!root)
        put_text(p, "<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    for (const struct item *item = items; item; item = item->next)
        put_item(p, item);
    put_text(p, "</table>\n");
    if (!items)
        put_text(p, "<p>This folder is empty.</p>\n");
    if (more)
        put_text(p, "<p>There is more in this folder than is listed here.</p>\n");
}

/* ---- looking --------------------------------------------------------------------------------------------------------- */

static bool before(const struct item *a, const struct item *b)
{
    bool folder_a = a->status.kind == FILE_DIRECTORY, folder_b = b->status.kind == FILE_DIRECTORY;
    return folder_a != folder_b ? folder_a : strcmp(a->name, b->name) < 0;
}

/* In order; of two lists that are. */
static struct item *merge(struct item *a, struct item *b)
{
    struct item *first = NULL, **end = &first;
    while (a && b) {
        struct item **next = before(a, b) ? &a : &b;
        *end = *next;
        end = &(*end)->next;
        *next = *end;
    }
    *end = a ? a : b;
    return first;
}

/* qsort would take memory past the door. */
static struct item *sort(struct item *items, size_t count)
{
    struct item *last = items, *rest;
    if (count < 2)
        return items;
    for (size_t i = 1; i < count / 2; i++)
        last = last->next;
    rest = last->next;
    last->next = NULL;
    return merge(sort(items, count / 2), sort(rest, count - count / 2));
}

/* Puts one more before the others. What has gone in the meantime is none. */
static int look_at(struct found *found, const char *name, struct item **items, size_t *count)
{
    struct sys *sys = found->source.sys;
    struct file_status status;
    int rc = sys->file_status(sys, found->source.fd, name, &status);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    struct item *item = sys->memory(sys, NULL, sizeof *item + strlen(name) + 1);
    if (!item)
        return -ENOMEM;
    *item = (struct item){ .next = *items, .status = status };
    strcpy(item->name, name);
    *items = item;
    ++*count;
    return 0;
}

static int look_at_all(struct found *found, char *names, struct item **items, size_t *count)
{
    struct sys *sys = found->source.sys;
    ssize_t n;
    int rc = 0;
    while ((n = sys->read_names(sys, found->source.fd, names, NAMES)) > 0 || n == -EINTR)
        for (ssize_t at = 0; at < n && rc == 0; at += (ssize_t)strlen(names + at) + 1) {
            if (*count == MOST || executor_cancelled())
                return 1;
            rc = look_at(found, names + at, items, count);
            if (rc < 0)
                return rc;
        }
    return (int)n;
}

int found_list(struct found *found)
{
    struct sys *sys = found->source.sys;
    struct item *items = NULL;
    size_t count = 0;
    char *names = sys->memory(sys, NULL, NAMES);
    int rc = names ? look_at_all(found, names, &items, &count) : -ENOMEM;
    sys_free(sys, names);
    if (rc >= 0) {
        struct page page = { .sys = sys };
        items = sort(items, count);
        put_page(&page, found->path, items, rc > 0);
        found->source.len = buffer_len(&page.text);
        found->source.data = buffer_release(&page.text);
        rc = page.refused ? -ENOMEM : 0;
    }
    while (items) {
        struct item *next = items->next;
        sys_free(sys, items);
        items = next;
    }
    return rc;
}

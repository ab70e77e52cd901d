/* date.c - the time of day in HTTP. See date.h. */
#include "http/date.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char days[] = "Sun Mon Tue Wed Thu Fri Sat ";
static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";

/* ---- the calendar (Gregorian, also before it was made) ------------------------------------------------------------------ */

enum { DAY = 86400, LEAP_CYCLE = 146097 };      /* seconds; days of 400 years */

/* Days since 1970 of a year that begins in March: then the odd day is its last. */
static int64_t days_from(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t cycle = (year >= 0 ? year : year - 399) / 400, of_cycle = year - cycle * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return cycle * LEAP_CYCLE + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719468;
}

static void date_from(int64_t since, int64_t *year, int *month, int *day)
{
    since += 719468;
    int64_t cycle = (since >= 0 ? since : since - (LEAP_CYCLE - 1)) / LEAP_CYCLE, of_cycle = since - cycle * LEAP_CYCLE;
    int64_t years = (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / 146096) / 365;
    int64_t of_year = of_cycle - (365 * years + years / 4 - years / 100), march = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * march + 2) / 5 + 1);
    *month = (int)(march < 10 ? march + 3 : march - 9);
    *year = years + cycle * 400 + (*month <= 2);
}

static int days_of(int64_t year, int month)
{
    return (int)(month == 12 ? 31 : days_from(year, month + 1, 1) - days_from(year, month, 1));
}

/* What can be written: the years 1 to 9999. */
static int64_t cut(int64_t seconds)
{
    const int64_t first = days_from(1, 1, 1) * DAY, last = days_from(10000, 1, 1) * DAY - 1;
    return seconds < first ? first : seconds > last ? last : seconds;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

const char *date_write(int64_t seconds, char out[DATE_TEXT])
{
    int64_t year;
    int month, day;
    seconds = cut(seconds);
    int64_t since = (seconds >= 0 ? seconds : seconds - (DAY - 1)) / DAY;
    unsigned of_day = (unsigned)(seconds - since * DAY);
    int weekday = (int)((since % 7 + 7 + 4) % 7);
    date_from(since, &year, &month, &day);
    snprintf(out, DATE_TEXT, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT", days + 4 * weekday, (unsigned)day % 32,
             months + 4 * (month - 1), (unsigned)year % 10000, of_day / 3600 % 24, of_day / 60 % 60, of_day % 60);
    return out;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Where it stands, and false for ever once something was not as it should be. */
struct reading {
    struct bytes rest;
    bool ok;
};

static void skip(struct reading *r, const char *string)
{
    struct bytes text = text_of(string);
    r->ok = r->ok && r->rest.len >= text.len && memcmp(r->rest.data, string, text.len) == 0;
    if (r->ok)
        r->rest = (struct bytes){ r->rest.data + text.len, r->rest.len - text.len };
}

static int take_digits(struct reading *r, size_t count)
{
    int64_t n = 0;
    r->ok = r->ok && r->rest.len >= count && text_number((struct bytes){ r->rest.data, count }, 9999, &n) == 0;
    if (r->ok)
        r->rest = (struct bytes){ r->rest.data + count, r->rest.len - count };
    return (int)n;
}

/* Which of a list of names of three letters; -1. */
static int take_name(struct reading *r, const char *names)
{
    for (int i = 0; r->ok && r->rest.len >= 3 && names[4 * i]; i++)
        if (memcmp(r->rest.data, names + 4 * i, 3) == 0) {
            r->rest = (struct bytes){ r->rest.data + 3, r->rest.len - 3 };
            return i;
        }
    r->ok = false;
    return -1;
}

struct moment {
    int64_t year;
    int month, day, hour, minute, second;
};

static void take_clock(struct reading *r, struct moment *m)
{
    m->hour = take_digits(r, 2);
    skip(r, ":");
    m->minute = take_digits(r, 2);
    skip(r, ":");
    m->second = take_digits(r, 2);
}

/* "Sun Nov  6 08:49:37 1994" */
static void take_asctime(struct reading *r, struct moment *m)
{
    skip(r, " ");
    m->month = take_name(r, months) + 1;
    skip(r, " ");
    bool space = r->ok && r->rest.len && r->rest.data[0] == ' ';
    skip(r, space ? " " : "");
    m->day = take_digits(r, space ? 1 : 2);
    skip(r, " ");
    take_clock(r, m);
    skip(r, " ");
    m->year = take_digits(r, 4);
}

/* ", 06 Nov 1994 08:49:37 GMT", or "day, 06-Nov-94 08:49:37 GMT" behind the first three letters. */
static void take_usual(struct reading *r, struct moment *m, bool old, int64_t now)
{
    const char *between = old ? "-" : " ";
    skip(r, ", ");
    m->day = take_digits(r, 2);
    skip(r, between);
    m->month = take_name(r, months) + 1;
    skip(r, between);
    m->year = take_digits(r, old ? 2 : 4);
    if (old) {
        int64_t year;
        int month, day;
        date_from(now / DAY, &year, &month, &day);
        m->year += year / 100 * 100;
        while (m->year > year + 50)
            m->year -= 100;
        while (m->year + 100 <= year + 50)
            m->year += 100;
    }
    skip(r, " ");
    take_clock(r, m);
    skip(r, " GMT");
}

int date_read(struct bytes text, int64_t now, int64_t *seconds)
{
    static const char *const rests[] = { "day", "day", "sday", "nesday", "rsday", "day", "urday" };
    struct reading r = { text, true };
    struct moment m = {0};
    int weekday = take_name(&r, days);
    bool old = r.ok && r.rest.len && r.rest.data[0] != ',' && r.rest.data[0] != ' ';
    if (old)
        skip(&r, rests[weekday]);
    if (r.ok && r.rest.len && r.rest.data[0] == ' ')
        take_asctime(&r, &m);
    else
        take_usual(&r, &m, old, now);
    if (!r.ok || r.rest.len || m.year < 1 || m.day < 1 || m.day > days_of(m.year, m.month))
        return -EINVAL;
    if (m.hour > 23 || m.minute > 59 || m.second > 60)          /* 60: a leap second */
        return -EINVAL;
    *seconds = cut(days_from(m.year, m.month, m.day) * DAY + m.hour * 3600 + m.minute * 60 + m.second);
    return 0;
}

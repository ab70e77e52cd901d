/* terminal.c - the terminal as a screen of our own: see terminal.h. */
#include "grader/watch/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Alternate screen, no cursor, no wrapping of what is too long. Both begin by ending a sequence that was cut. */
static const char enter[] = "\030\033[?1049h\033[?25l\033[?7l";
static const char leave[] = "\030\033[0m\033[?7h\033[?25h\033[?1049l";

/* ---- back, on every way out --------------------------------------------------------------------------------------- */

static struct terminal *open_terminal;
static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
enum { CRASHES = sizeof crashes / sizeof *crashes };
static struct sigaction before_us[CRASHES];

/* In a signal handler too. From the background, tcsetattr would stop us, were SIGTTOU not blocked. */
static void give_back(const struct terminal *t)
{
    sigset_t output, before;
    sigemptyset(&output);
    sigaddset(&output, SIGTTOU);
    sigprocmask(SIG_BLOCK, &output, &before);
    fcntl(t->fd, F_SETFL, 0);
    (void)!write(t->fd, leave, sizeof leave - 1);
    tcsetattr(t->fd, TCSANOW, &t->before);
    sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Then the signal does what it would have done without us. */
static void on_crash(int signo)
{
    if (open_terminal)
        give_back(open_terminal);
    for (int i = 0; i < CRASHES; i++)
        if (crashes[i] == signo)
            sigaction(signo, &before_us[i], NULL);
    raise(signo);
}

static void guard_against_crashes(void)
{
    struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &action, &before_us[i]);
}

static void trust_again(void)
{
    for (int i = 0; i < CRASHES; i++)
        sigaction(crashes[i], &before_us[i], NULL);
}

/* ---- writing ------------------------------------------------------------------------------------------------------ */

/* A terminal that is gone is noticed where it is read. */
static void flush(struct terminal *t)
{
    struct sys *sys = loop_sys(t->loop);
    while (t->done < t->len) {
        ssize_t n = sys->write(sys, t->fd, t->out + t->done, t->len - t->done);
        if (n == -EAGAIN)
            break;
        if (n < 0 && n != -EINTR)
            t->done = t->len;
        t->done += n > 0 ? (size_t)n : 0;
    }
    loop_update_handler(t->loop, t->fd, t->done < t->len ? READABLE | WRITABLE : READABLE);
}

static void add(struct terminal *t, const char *text)
{
    size_t len = strlen(text);
    if (t->len + len > sizeof t->out)
        return;
    memcpy(t->out + t->len, text, len);
    t->len += len;
}

void terminal_draw(struct terminal *t, const struct page *page)
{
    char move[32];
    if (t->done < t->len) {
        t->again = true;
        return;
    }
    t->len = t->done = 0;
    if (!t->known)
        add(t, "\033[2J");
    for (int row = 0; row < page->rows; row++) {
        const char *text = page_text(page, row);
        if (t->known && strcmp(text, page_text(&t->last, row)) == 0)
            continue;
        snprintf(move, sizeof move, "\033[%d;1H\033[K", row + 1);
        add(t, move);
        add(t, text);
    }
    t->last = *page;
    t->known = true;
    flush(t);
}

/* ---- reading ------------------------------------------------------------------------------------------------------ */

/* fn may close the screen at any key. */
static void read_keys(struct terminal *t)
{
    char bytes[256];
    struct sys *sys = loop_sys(t->loop);
    ssize_t n = sys->read(sys, t->fd, bytes, sizeof bytes);
    if (n == -EAGAIN || n == -EINTR)
        return;
    if (n <= 0) {
        loop_remove_handler(t->loop, t->fd);
        t->fn(t->self, -EIO);
        return;
    }
    for (size_t at = 0, used; at < (size_t)n && t->fd >= 0; at += used)
        t->fn(t->self, key_take(bytes + at, (size_t)n - at, &used));
}

static void on_terminal(void *self, int mask)
{
    struct terminal *t = self;
    if (mask & WRITABLE)
        flush(t);
    if (t->done == t->len && t->again) {
        t->again = false;
        t->fn(t->self, KEY_REDRAW);
    }
    if (t->fd >= 0 && mask & (READABLE | BROKEN))
        read_keys(t);
}

/* ---- taking it over ----------------------------------------------------------------------------------------------- */

static void take_over(struct terminal *t)
{
    struct termios raw = t->before;
    struct winsize size = {0};
    raw.c_iflag &= ~(tcflag_t)(IXON | ICRNL);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(t->fd, TCSANOW, &raw);
    fcntl(t->fd, F_SETFL, O_NONBLOCK);
    ioctl(t->fd, TIOCGWINSZ, &size);
    t->width = size.ws_col ? size.ws_col : 80;
    t->height = size.ws_row ? size.ws_row : 24;
    t->known = t->again = false;
    t->len = t->done = 0;
    add(t, enter);
    flush(t);
}

int terminal_open(struct terminal *t, struct loop *loop, callback *fn, void *self)
{
    t->loop = loop;
    t->fn = fn;
    t->self = self;
    t->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int rc = t->fd < 0 || tcgetattr(t->fd, &t->before) < 0 ? -errno :
             loop_add_handler(loop, t->fd, READABLE, on_terminal, t);
    if (rc < 0) {
        if (t->fd >= 0)
            close(t->fd);
        t->fd = -1;
        return rc;
    }
    open_terminal = t;
    guard_against_crashes();
    take_over(t);
    return 0;
}

void terminal_close(struct terminal *t)
{
    if (!t->loop || t->fd < 0)
        return;
    loop_remove_handler(t->loop, t->fd);
    give_back(t);
    trust_again();
    open_terminal = NULL;
    close(t->fd);
    t->fd = -1;
}

void terminal_resume(struct terminal *t)
{
    if (!t->loop || t->fd < 0)
        return;
    take_over(t);
    t->fn(t->self, KEY_REDRAW);
}

void terminal_suspend(struct terminal *t)
{
    give_back(t);
    kill(0, SIGTSTP);
    terminal_resume(t);
}

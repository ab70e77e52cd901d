/* run.h - how the tests of the sandbox run the attacks that lie here: at every level this machine has, and as root once
 * more as nobody, the grader of a student's own machine. Included once by each test program; run from the repository's
 * root. */
#ifndef EDDY_GRADER_ATTACKS_RUN_H
#define EDDY_GRADER_ATTACKS_RUN_H

#include <check.h>
#include <dirent.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grader/sandbox.h"

static const int levels[] = { 3, 1, 0 }; /* the most that is used, by loop index; 3 stands for the best there is */
enum { BEST, FILTERED, BARE, LEVELS };

static char *bin, *folder;                      /* the attacks; what the job gets */
static char marker[16];                         /* no other process has this name */
static struct sandbox *run;

static inline void use_level(int i)
{
    char most[4];
    const char *why;
    snprintf(most, sizeof most, "%d", levels[i]);
    setenv("EDDY_SANDBOX_MAX_LEVEL", most, 1);
    if (i == FILTERED)
        ck_assert_int_le(sandbox_level(&why), 1);
}

static inline int level(void)
{
    const char *why;
    return sandbox_level(&why);
}

static inline void set_up(void)
{
    char error[256];
    folder = sandbox_folder(error, sizeof error);
    ck_assert_msg(folder, "%s", error);
    snprintf(marker, sizeof marker, "eddy%d", getpid());
}

/* Looks for what must not be there any more. */
static inline int processes_left(void)
{
    char path[280], name[32];
    int count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; (e = readdir(proc)); ) {
        snprintf(path, sizeof path, "/proc/%s/comm", e->d_name);
        FILE *f = fopen(path, "r");
        if (!f)
            continue;
        if (fgets(name, sizeof name, f) && !strncmp(name, marker, strlen(marker)) && name[strlen(marker)] == '\n')
            count++;
        fclose(f);
    }
    closedir(proc);
    return count;
}

static inline void tear_down(void)
{
    if (run)
        sandbox_close(run);
    sandbox_folder_remove(folder);
    ck_assert_int_eq(processes_left(), 0);
}

static inline struct sandbox_job job_of(const char *program, char **argv)
{
    return (struct sandbox_job){ .folder = folder, .program = program, .argv = argv, .wire = -1, .wall_ms = 20000,
                                 .cpu_s = 10, .memory_mb = 64, .output_kb = 4, .file_kb = 256, .processes = 100 };
}

static inline const struct sandbox_end *run_job(const struct sandbox_job *job)
{
    char error[256];
    run = sandbox_start(job, error, sizeof error);
    ck_assert_msg(run, "%s", error);
    const struct sandbox_end *end = sandbox_wait(run);
    return end;
}

/* A probe's job: argv[0] is the attack's name. */
static inline struct sandbox_job attack(char **argv)
{
    static char program[512];
    snprintf(program, sizeof program, "%s/%s", bin, argv[0]);
    return job_of(program, argv);
}

/* A job with tools: the attack is copied to its folder. The last of argv stays NULL. */
static inline struct sandbox_job attack_with_tools(char **argv)
{
    static char command[1024];
    static char *shell[] = { "sh", "-c", command, NULL };
    snprintf(command, sizeof command, "cp %s/%s %s/", bin, argv[0], folder);
    ck_assert_int_eq(system(command), 0);
    snprintf(command, sizeof command, "exec ./%s %s %s %s", argv[0], argv[1] ? argv[1] : "",
             argv[1] && argv[2] ? argv[2] : "", argv[1] && argv[2] && argv[3] ? argv[3] : "");
    struct sandbox_job job = job_of("/bin/sh", shell);
    job.tools = true;
    return job;
}

static inline void held(const struct sandbox_end *end, const char *said)
{
    ck_assert_msg(end->how == SANDBOX_EXITED && end->code == 0, "it %s\n%s", end->text, end->output);
    ck_assert_msg(strstr(end->output, said) && !strstr(end->output, "ESCAPED"), "it said: %s", end->output);
}

static inline bool compile_attacks(void)
{
    char command[1024], error[256];
    bin = sandbox_folder(error, sizeof error);
    if (!bin)
        return false;
    chmod(bin, 0755);
    snprintf(command, sizeof command, "ls grader/tests/attacks/*.c | xargs -n 1 basename -s .c | xargs -P 2 -I{} "
             "gcc -D_GNU_SOURCE -I. -Wall -Wextra -O1 -static -pthread grader/tests/attacks/{}.c -o %s/{}", bin);
    return system(command) == 0;
}

/* Once as who we are, and where that is root, once as nobody. */
static inline int run_suite(Suite *(*suite)(void), bool as_nobody)
{
    const char *why;
    if (as_nobody &&
        (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 || setresuid(65534, 65534, 65534) < 0))
        return 1;
    printf("as uid %d: sandbox level %d", (int)geteuid(), sandbox_level(&why));
    printf("%s%s\n", *why ? ", since " : "", why);
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

static inline int run_attacks(Suite *(*suite)(void))
{
    int status = 0;
    bool root = geteuid() == 0, compiled = compile_attacks();
    pid_t nobody = root && compiled ? fork() : -1;
    if (nobody == 0)
        exit(run_suite(suite, true));
    if (nobody > 0)
        waitpid(nobody, &status, 0);
    int failed = !compiled || run_suite(suite, false) || status != 0;
    if (bin)
        sandbox_folder_remove(bin);
    return failed;
}

#endif

/* Facts about units, shared by PID 1 and systemctl; see state.h. */
#define _GNU_SOURCE
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *state_path(const char *unit, const char *fact)
{
    static char path[4][320];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], STATE "/%s.%s", unit, fact);
    return path[turn];
}

long number_in(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    return length > 0 ? strtol(text, NULL, 10) : 0;
}

long state_number(const char *unit, const char *fact)
{
    return number_in(state_path(unit, fact));
}

int state_text(const char *unit, const char *fact, char *text, size_t size)
{
    int fd = open(state_path(unit, fact), O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, text, size - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = 0;
    text[strcspn(text, "\n")] = 0;
    return length >= 0;
}

/* By renaming: nobody reads half of it. */
void state_put(const char *unit, const char *fact, const char *text)
{
    char scratch[352];
    const char *path = state_path(unit, fact);
    snprintf(scratch, sizeof scratch, "%s.%d", path, (int)getpid());
    int fd = open(scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    dprintf(fd, "%s\n", text);
    close(fd);
    if (rename(scratch, path))
        unlink(scratch);
}

void state_put_number(const char *unit, const char *fact, long number)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", number);
    state_put(unit, fact, text);
}

void state_drop(const char *unit, const char *fact)
{
    unlink(state_path(unit, fact));
}

int state_has(const char *unit, const char *fact)
{
    return access(state_path(unit, fact), F_OK) == 0;
}

int alive(long process)
{
    return process > 0 && (kill((pid_t)process, 0) == 0 || errno != ESRCH);
}

/* The signals that systemd.service(5) calls a clean end. */
static int clean(int status)
{
    if (WIFEXITED(status))
        return WEXITSTATUS(status) == 0;
    int signal = WTERMSIG(status);
    return signal == SIGHUP || signal == SIGINT || signal == SIGTERM || signal == SIGPIPE;
}

int wants_again(const char *policy, int status, int timed_out)
{
    int well = !timed_out && clean(status);
    int killed = !timed_out && !well && WIFSIGNALED(status);
    if (!strcmp(policy, "always"))
        return 1;
    if (!strcmp(policy, "on-success"))
        return well;
    if (!strcmp(policy, "on-failure"))
        return !well;
    if (!strcmp(policy, "on-abnormal"))
        return killed || timed_out;
    return !strcmp(policy, "on-abort") && killed;
}

void result_of(int status, char *text, size_t size)
{
    *text = 0;
    if (clean(status))
        return;
    if (WIFEXITED(status))
        snprintf(text, size, "exit-code %d", WEXITSTATUS(status));
    else
        snprintf(text, size, "signal %d", WTERMSIG(status));
}

/* PID 1 of a light machine, and the process that keeps a network of light machines alive.
 *
 *   light-init machine NAME    reap; start units again that have ended, as their Restart= says, and hear
 *                              what they notify (see state.h); answer port 22 with the real sshd;
 *                              SIGTERM ends the machine; copy the console, a pipe at descriptor 3, to
 *                              the file at 4
 *   light-init network NAME    only be there: the network namespace lives as long as this process
 *
 * A machine that idles costs nothing but this: sshd starts when somebody connects (inetd style).
 * When PID 1 of a PID namespace ends, the kernel kills everything else in it.
 */
#define _GNU_SOURCE
#include "state.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char SSH_STOPPED[] = STATE "/ssh.stopped"; /* made by "systemctl stop ssh" */

enum { WRITTEN = 3, CONSOLE = 4, FIRST_OTHER = 5, UNITS = 32 };
enum { SIGNALS, SSH, OUTPUT, ORDERS, NOTIFY, WAITS = NOTIFY + UNITS };

/* A unit that PID 1 minds: its notify socket, or -1; when it is to be started again, or 0. */
static struct unit { char name[128]; int notify; double due; } units[UNITS];
static struct pollfd waits[WAITS];

/* What does not fit on the host's disk is lost; the machine goes on. */
static void copy_console(void)
{
    char text[65536];
    ssize_t length = read(WRITTEN, text, sizeof text);
    if (length > 0 && write(CONSOLE, text, (size_t)length) < 0)
        return;
}

static int listen_for_ssh(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(22)};
    int on = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server < 0)
        return -1;
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(server, (struct sockaddr *)&any, sizeof any) || listen(server, 1024)) {
        close(server);
        return -1;
    }
    return server;
}

/* sshd without host keys can only fail; they are the user-data's to write. */
static int ssh_is_served(void)
{
    glob_t keys = {0};
    int found = glob("/etc/ssh/ssh_host_*_key", 0, NULL, &keys) == 0;
    globfree(&keys);
    return found && access(SSH_STOPPED, F_OK) != 0;
}

/* In a child: signals and session as a program expects them. */
static void fresh(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    setsid();
}

static void answer(int server)
{
    int client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0) {
        usleep(10000); /* out of descriptors or memory: the caller is still there, and so are we */
        return;
    }
    if (ssh_is_served() && fork() == 0) {
        fresh();
        mkdir("/run/sshd", 0755);
        dup2(client, 0);
        dup2(client, 1);
        execl("/usr/sbin/sshd", "sshd", "-i", (char *)NULL);
        _exit(127);
    }
    close(client);
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* The unit of that name, made where there is room for one more; NULL where there is none. */
static struct unit *unit_of(const char *name)
{
    for (int i = 0; i < UNITS; i++) {
        if (!*units[i].name) {
            snprintf(units[i].name, sizeof units[i].name, "%s", name);
            units[i].notify = -1;
        }
        if (!strcmp(units[i].name, name))
            return &units[i];
    }
    return NULL;
}

/* Start it again once its RestartSec= is over. */
static void again(const char *name)
{
    char text[64], *wait;
    struct unit *unit = unit_of(name);
    if (!unit || !state_text(name, "restart", text, sizeof text) || !(wait = strchr(text, ' ')))
        return;
    state_put(name, "pending", "");
    unit->due = now() + strtod(wait, NULL) / 1e3;
}

static void start_due(void)
{
    for (int i = 0; i < UNITS; i++) {
        if (!units[i].due || units[i].due > now())
            continue;
        units[i].due = 0;
        /* Whoever stopped or started it since has dropped that. */
        if (state_has(units[i].name, "pending") && fork() == 0) {
            fresh();
            execl(SYSTEMCTL, AGAIN, units[i].name, (char *)NULL);
            _exit(127);
        }
    }
}

/* Milliseconds until a unit is to be started, -1 for ever. */
static int idle(void)
{
    double first = 0, rest;
    for (int i = 0; i < UNITS; i++)
        if (units[i].due && (!first || units[i].due < first))
            first = units[i].due;
    rest = (first - now()) * 1e3 + 1;
    return !first ? -1 : rest > 0 ? (int)rest : 0;
}

static void listen_for_orders(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = KEEPER};
    mkdir(STATE, 0755);
    unlink(KEEPER);
    waits[ORDERS].fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(waits[ORDERS].fd, (struct sockaddr *)&address, sizeof address) || chmod(KEEPER, 0600))
        perror(KEEPER);
}

/* "notify UNIT" with the socket that the unit writes to, or "again UNIT"; see state.h. */
static void take_order(void)
{
    char text[192], space[CMSG_SPACE(sizeof(int))];
    struct iovec data = {.iov_base = text, .iov_len = sizeof text - 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space,
                             .msg_controllen = sizeof space};
    ssize_t length = recvmsg(waits[ORDERS].fd, &message, MSG_CMSG_CLOEXEC);
    int given = -1;
    text[length > 0 ? length : 0] = 0;
    char *name = strchr(text, ' ');
    for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part))
        if (part->cmsg_level == SOL_SOCKET && part->cmsg_type == SCM_RIGHTS)
            memcpy(&given, CMSG_DATA(part), sizeof given);
    struct unit *unit = name ? unit_of(name + 1) : NULL;
    if (unit && given >= 0) {
        if (unit->notify >= 0)
            close(unit->notify);
        fcntl(given, F_SETFL, O_NONBLOCK);
        unit->notify = given;
        return;
    }
    if (given >= 0)
        close(given);
    else if (unit && !strncmp(text, "again ", 6))
        again(unit->name);
}

/* A service that executes itself anew says which process it is from now on (sd_notify(3)). */
static void hear(struct unit *unit)
{
    char text[4096];
    for (ssize_t length; (length = recv(unit->notify, text, sizeof text - 1, 0)) > 0;) {
        text[length] = 0;
        char *pid = strstr(text, "MAINPID=");
        if (pid && strtol(pid + 8, NULL, 10) > 0 && state_has(unit->name, "pid"))
            state_put_number(unit->name, "pid", strtol(pid + 8, NULL, 10));
    }
}

/* A process has ended: was it a unit's main one? */
static void gone(pid_t process, int how)
{
    glob_t found = {0};
    if (glob(STATE "/*.pid", GLOB_NOSORT, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char text[64], *name = found.gl_pathv[i] + strlen(STATE) + 1;
            if (number_in(found.gl_pathv[i]) != process)
                continue;
            *strrchr(name, '.') = 0;
            if (state_has(name, "starting"))
                continue; /* whoever starts it minds it */
            state_drop(name, "pid");
            result_of(how, text, sizeof text);
            if (*text)
                state_put(name, "result", text);
            state_text(name, "restart", text, sizeof text);
            text[strcspn(text, " ")] = 0;
            if (wants_again(text, how, 0))
                again(name);
            else
                state_drop(name, "restart");
        }
    globfree(&found);
}

static void reap(void)
{
    int how;
    /* What a unit said before its end counts first: it may have named its successor. */
    for (int i = 0; i < UNITS && *units[i].name; i++)
        if (units[i].notify >= 0)
            hear(&units[i]);
    for (pid_t process; (process = waitpid(-1, &how, WNOHANG)) > 0;)
        gone(process, how);
}

static void watch(int machine)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_SETMASK, &ours, NULL);
    for (int i = 0; i < WAITS; i++)
        waits[i] = (struct pollfd){.fd = -1, .events = POLLIN};
    waits[SIGNALS].fd = signalfd(-1, &ours, SFD_CLOEXEC);
    if (!machine)
        return;
    fcntl(WRITTEN, F_SETFD, FD_CLOEXEC);
    fcntl(CONSOLE, F_SETFD, FD_CLOEXEC);
    waits[SSH].fd = listen_for_ssh();
    waits[OUTPUT].fd = WRITTEN;
    listen_for_orders();
}

int main(int count, char **words)
{
    int machine = count > 1 && strcmp(words[1], "machine") == 0;
    for (int fd = machine ? FIRST_OTHER : WRITTEN; fd < 256; fd++)
        close(fd);
    watch(machine);
    for (;;) {
        /* Children may have ended before their signal could be seen. */
        reap();
        start_due();
        for (int i = 0; i < UNITS; i++)
            waits[NOTIFY + i].fd = *units[i].name ? units[i].notify : -1;
        if (poll(waits, WAITS, idle()) < 0 && errno != EINTR)
            return 1;
        if (waits[SIGNALS].revents & POLLIN) {
            struct signalfd_siginfo signal;
            if (read(waits[SIGNALS].fd, &signal, sizeof signal) == sizeof signal &&
                signal.ssi_signo == SIGTERM)
                return 0;
        }
        if (waits[ORDERS].revents & POLLIN)
            take_order();
        if (waits[SSH].revents & POLLIN)
            answer(waits[SSH].fd);
        if (waits[OUTPUT].revents & POLLIN)
            copy_console();
        else if (waits[OUTPUT].revents)
            waits[OUTPUT].fd = -1; /* the last one who could write has gone: it would be told for ever */
    }
}

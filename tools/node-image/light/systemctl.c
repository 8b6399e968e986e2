/* What answers to "systemctl" in a light machine, where no systemd runs.
 *
 * It starts a unit's own ExecStart with the unit's environment, user and directories, waits until the
 * unit says it is up as its Type promises, and remembers the main process in /run/light/UNIT.pid.
 * Nothing else of a unit is in force: no restarts, no dependencies, no cgroups, no sandbox. A verb or
 * an option it does not know is an error.
 */
#define _GNU_SOURCE
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_RUNNING = 3, NOT_FOUND = 5, STOP_SECONDS = 10 };
static const char STATE[] = "/run/light";
static const char SSH_STOPPED[] = "/run/light/ssh.stopped";

static const char *state_path(const char *name, const char *what)
{
    static char path[4][320];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(path[turn], sizeof path[turn], "%s/%s.%s", STATE, name, what);
    return path[turn];
}

static int nothing(const char *unit, const char *why)
{
    fprintf(stderr, "%s.service: %s\n", unit, why);
    return 1;
}

static long number_in(const char *path)
{
    long number = 0;
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%ld", &number) != 1)
        number = 0;
    if (file)
        fclose(file);
    return number;
}

static void remember(const char *name, long pid)
{
    FILE *file = fopen(state_path(name, "pid"), "w");
    if (file) {
        fprintf(file, "%ld\n", pid);
        fclose(file);
    }
}

/* PID of the unit's main process, 0 where it does not run; -1 for a oneshot that remains. */
static long main_pid(const char *name)
{
    long pid = number_in(state_path(name, "pid"));
    return pid > 0 && kill((pid_t)pid, 0) && errno == ESRCH ? 0 : pid;
}

static int is_ssh(const char *name)
{
    return !strcmp(name, "ssh") || !strcmp(name, "sshd");
}

static int is_active(const char *name)
{
    return is_ssh(name) ? access(SSH_STOPPED, F_OK) != 0 : main_pid(name) != 0;
}

/* glibc's NSS needs shared libraries at run time; the two files are all a machine has. */
static int in_file(const char *path, const char *name, int column, long *id, long *group)
{
    FILE *file = fopen(path, "r");
    char line[1024], *end;
    long numeric = strtol(name, &end, 10);
    int found = 0;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *fields[8] = {0}, *rest = line;
        for (int i = 0; i < 8 && rest; i++)
            fields[i] = strsep(&rest, ":\n");
        if (!fields[column])
            continue;
        if (!strcmp(fields[0], name) || (!*end && strtol(fields[2], NULL, 10) == numeric)) {
            *id = strtol(fields[2], NULL, 10);
            if (group && fields[3])
                *group = strtol(fields[3], NULL, 10);
            found = 1;
        }
    }
    if (file)
        fclose(file);
    return found;
}

/* As the unit's user and group, with those supplementary groups that /etc/group gives it. */
static int become(const struct unit *unit, long uid, long gid)
{
    gid_t groups[64];
    size_t count = 0;
    FILE *file = fopen("/etc/group", "r");
    char line[4096];
    groups[count++] = (gid_t)gid;
    while (file && fgets(line, sizeof line, file) && count < 64) {
        char *rest = line, *fields[4] = {0};
        for (int i = 0; i < 4 && rest; i++)
            fields[i] = strsep(&rest, ":\n");
        for (char *member; fields[3] && (member = strsep(&fields[3], ",\n"));)
            if (*member && !strcmp(member, unit->user) && count < 64)
                groups[count++] = (gid_t)strtol(fields[2], NULL, 10);
    }
    if (file)
        fclose(file);
    return setgroups(count, groups) || setgid((gid_t)gid) || setuid((uid_t)uid);
}

static void make_directories(const struct unit *unit, long uid, long gid)
{
    static const char *variables[] = {"RUNTIME_DIRECTORY", "STATE_DIRECTORY", "CACHE_DIRECTORY",
                                      "LOGS_DIRECTORY"};
    for (int i = 0; i < DIRS; i++) {
        char *words[WORDS], path[320] = "";
        int none, count = unit->directories[i].names
                              ? unit_words(unit->directories[i].names, words, &none) : 0;
        for (int k = 0; k < count; k++) {
            snprintf(path, sizeof path, "%s/%s", unit->directories[i].parent, words[k]);
            mkdir(path, 0755);
            chmod(path, (mode_t)unit->directories[i].mode);
            if (chown(path, (uid_t)uid, (gid_t)gid))
                perror(path);
        }
        if (count)
            setenv(variables[i], path, 1);
    }
}

/* In the child: become the unit's user and execute. Never comes back; exit codes are systemd's. */
static void execute(const struct unit *unit, char **words, long uid, long gid, int pipe_fd)
{
    int null = open("/dev/null", O_RDONLY);
    int log = open(state_path(unit->name, "log"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    setsid();
    dup2(null, 0);
    if (log >= 0) {
        dup2(log, 1);
        dup2(log, 2);
    }
    if (unit->work_dir && chdir(unit->work_dir + (*unit->work_dir == '-')) && *unit->work_dir != '-')
        _exit(200);
    if (unit->user && become(unit, uid, gid))
        _exit(216);
    execvp(words[0], words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    if (write(pipe_fd, "x", 1) != 1)
        _exit(203);
    _exit(203);
}

/* Show the last lines a unit wrote: nobody else would find them. */
static void last_words(const char *name)
{
    char text[2048];
    int fd = open(state_path(name, "log"), O_RDONLY);
    if (fd < 0)
        return;
    off_t size = lseek(fd, 0, SEEK_END);
    lseek(fd, size > (off_t)sizeof text ? size - (off_t)sizeof text : 0, SEEK_SET);
    ssize_t length = read(fd, text, sizeof text);
    if (length > 0)
        fprintf(stderr, "%.*s", (int)length, text);
    close(fd);
}

static int failed(const struct unit *unit, const char *why, int code)
{
    fprintf(stderr, "%s.service: %s (%d)\n", unit->name, why, code);
    last_words(unit->name);
    return 1;
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

/* Wait for a child; its exit code, 128 and more for a signal, -1 when time is over. */
static int ended(pid_t child, double deadline)
{
    int status;
    while (waitpid(child, &status, WNOHANG) == 0) {
        if (now() > deadline)
            return -1;
        usleep(2000);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int notify_socket(const struct unit *unit, const char *path, long uid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    unlink(path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
        return -1;
    if (chown(path, (uid_t)uid, 0))
        perror(unit->name);
    setenv("NOTIFY_SOCKET", path, 1);
    return fd;
}

/* Until READY=1 (sd_notify(3)): 0, or the exit code of a child that ended first, or -1. */
static int until_ready(int socket, pid_t child, double deadline, long *main)
{
    for (;;) {
        struct pollfd wait = {.fd = socket, .events = POLLIN};
        char text[4096];
        int status;
        if (poll(&wait, 1, 20) > 0) {
            ssize_t length = recv(socket, text, sizeof text - 1, 0);
            text[length > 0 ? length : 0] = 0;
            char *pid = strstr(text, "MAINPID=");
            if (pid)
                *main = strtol(pid + 8, NULL, 10);
            if (strstr(text, "READY=1"))
                return 0;
        } else if (waitpid(child, &status, WNOHANG) > 0) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        } else if (now() > deadline) {
            return -1;
        }
    }
}

/* One command of a unit. Waits for its end where `wait` is set; else for its readiness. */
static int run(const struct unit *unit, const char *line, long uid, long gid, int wait)
{
    char *words[WORDS];
    int may_fail, pipes[2], notified = -1, code = 0;
    int notifies = !wait && unit->type && !strncmp(unit->type, "notify", 6);
    double deadline = now() + (double)unit->start_timeout;
    const char *socket = state_path(unit->name, "notify");
    if (unit_words(line, words, &may_fail) == 0)
        return 0;
    if (pipe2(pipes, O_CLOEXEC))
        return nothing(unit->name, strerror(errno));
    if (notifies && (notified = notify_socket(unit, socket, uid)) < 0)
        return nothing(unit->name, "no notify socket could be made");
    pid_t child = fork();
    if (child == 0)
        execute(unit, words, uid, gid, pipes[1]);
    close(pipes[1]);
    unsetenv("NOTIFY_SOCKET");
    long main = child;
    char none;
    if (read(pipes[0], &none, 1) == 1) /* closed by exec where that succeeds */
        code = ended(child, deadline);
    else if (wait)
        code = ended(child, deadline);
    else if (notifies)
        code = until_ready(notified, child, deadline, &main);
    close(pipes[0]);
    if (notifies) {
        close(notified);
        unlink(socket);
    }
    if (code == -1) {
        kill(child, SIGKILL);
        return failed(unit, "did not start within its time, seconds", (int)unit->start_timeout);
    }
    if (code && !(wait && may_fail))
        return failed(unit, "its process ended with", code);
    if (!wait)
        remember(unit->name, main);
    return 0;
}

static int start(const char *name)
{
    struct unit unit;
    if (is_ssh(name)) {
        unlink(SSH_STOPPED);
        return 0;
    }
    if (main_pid(name))
        return 0;
    if (unit_read(&unit, name))
        return NOT_FOUND;
    const char *unmet = unit_unmet(&unit);
    if (unmet) {
        fprintf(stderr, "%s.service was skipped: condition %s is not met\n", name, unmet);
        return 0;
    }
    long uid = 0, gid = 0;
    if (unit.user && !in_file("/etc/passwd", unit.user, 3, &uid, &gid))
        return failed(&unit, "its user does not exist", 217);
    if (unit.group && !in_file("/etc/group", unit.group, 2, &gid, NULL))
        return failed(&unit, "its group does not exist", 216);
    if (unit_environment(&unit))
        return 1;
    make_directories(&unit, uid, gid);
    int oneshot = unit.type && !strcmp(unit.type, "oneshot");
    int forks = unit.type && !strcmp(unit.type, "forking");
    for (int i = 0; unit.before[i]; i++)
        if (run(&unit, unit.before[i], uid, gid, 1))
            return 1;
    if (!unit.start[0])
        return failed(&unit, "it has no ExecStart", 1);
    for (int i = 0; unit.start[i]; i++)
        if (run(&unit, unit.start[i], uid, gid, oneshot || forks))
            return 1;
    if (oneshot && unit.remain)
        remember(name, -1);
    if (forks && unit.pid_file)
        remember(name, number_in(unit.pid_file));
    return 0;
}

static int stop(const char *name)
{
    struct unit unit;
    if (is_ssh(name))
        return close(open(SSH_STOPPED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    long pid = main_pid(name);
    if (unit_read(&unit, name))
        return NOT_FOUND;
    unlink(state_path(name, "pid"));
    if (pid <= 0)
        return 0;
    /* A daemon was made the leader of its own session, so its children are in its group. */
    pid_t target = unit.kill_mode && !strcmp(unit.kill_mode, "process") ? (pid_t)pid : -(pid_t)pid;
    if (getpgid((pid_t)pid) != pid)
        target = (pid_t)pid;
    kill(target, SIGTERM);
    for (double deadline = now() + STOP_SECONDS; !kill((pid_t)pid, 0); usleep(5000))
        if (now() > deadline)
            kill(target, SIGKILL);
    return 0;
}

static int reload(const char *name)
{
    struct unit unit;
    char pid[32];
    if (is_ssh(name))
        return 0;
    long main = main_pid(name);
    if (unit_read(&unit, name))
        return NOT_FOUND;
    if (main <= 0)
        return nothing(name, "is not active, cannot reload");
    snprintf(pid, sizeof pid, "%ld", main);
    setenv("MAINPID", pid, 1);
    for (int i = 0; unit.reload[i]; i++)
        if (run(&unit, unit.reload[i], 0, 0, 1))
            return 1;
    return unit.reload[0] ? 0 : nothing(name, "its unit has no ExecReload");
}

/* Links that say what starts at boot; a light machine boots once, so they are only kept. */
static int want(const char *target, const char *name, int wanted)
{
    char folder[320], link[640];
    struct unit unit;
    if (!is_ssh(name) && unit_read(&unit, name))
        return NOT_FOUND;
    snprintf(folder, sizeof folder, "/etc/systemd/system/%s.wants", target);
    snprintf(link, sizeof link, "%s/%s.service", folder, name);
    if (!wanted)
        return unlink(link) && errno != ENOENT;
    mkdir(folder, 0755);
    return symlink(is_ssh(name) ? "/usr/lib/systemd/system/ssh.service" : unit.path, link) &&
           errno != EEXIST;
}

static int on_unit(const char *verb, const char *name, int quiet, int at_once)
{
    static const char TARGET[] = "multi-user.target";
    if (!strcmp(verb, "start"))
        return start(name);
    if (!strcmp(verb, "stop"))
        return stop(name);
    if (!strcmp(verb, "restart") || (!strcmp(verb, "try-restart") && is_active(name))) {
        int code = stop(name);
        return code ? code : start(name);
    }
    if (!strcmp(verb, "try-restart"))
        return 0;
    if (!strcmp(verb, "reload") || (!strcmp(verb, "reload-or-restart") && is_active(name)))
        return reload(name);
    if (!strcmp(verb, "reload-or-restart"))
        return start(name);
    if (!strcmp(verb, "enable")) {
        int code = want(TARGET, name, 1);
        return code || !at_once ? code : start(name);
    }
    if (!strcmp(verb, "disable")) {
        int code = want(TARGET, name, 0);
        return code || !at_once ? code : stop(name);
    }
    if (!strcmp(verb, "is-enabled")) {
        char link[320];
        snprintf(link, sizeof link, "/etc/systemd/system/%s.wants/%s.service", TARGET, name);
        int enabled = is_ssh(name) || access(link, F_OK) == 0;
        if (!quiet)
            puts(enabled ? "enabled" : "disabled");
        return !enabled;
    }
    int active = is_active(name);
    if (!strcmp(verb, "status"))
        printf("%s.service: %s, main process %ld\n", name, active ? "active" : "inactive",
               main_pid(name));
    else if (!quiet)
        puts(active ? "active" : "inactive");
    return active ? 0 : NOT_RUNNING;
}

static int power_off(void)
{
    sync();
    return kill(1, SIGTERM) != 0;
}

int main(int count, char **words)
{
    static const char *unit_verbs[] = {"start", "stop", "restart", "try-restart", "reload",
                                       "reload-or-restart", "enable", "disable", "is-enabled",
                                       "is-active", "status"};
    static const char *ends[] = {"poweroff", "reboot", "halt", "shutdown"};
    static const char *ignored[] = {"--no-pager", "--system", "-f", "--force", "-l", "--full"};
    const char *called = strrchr(words[0], '/') ? strrchr(words[0], '/') + 1 : words[0];
    char *given[WORDS];
    int quiet = 0, at_once = 0, code = 0, named = 0;
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(called, ends[i]))
            return power_off();
    for (int i = 1; i < count && named < WORDS; i++) {
        int known = words[i][0] != '-';
        for (size_t k = 0; k < sizeof ignored / sizeof *ignored; k++)
            known |= !strcmp(words[i], ignored[k]);
        if (!strcmp(words[i], "-q") || !strcmp(words[i], "--quiet"))
            known = quiet = 1;
        if (!strcmp(words[i], "--now"))
            known = at_once = 1;
        if (!strcmp(words[i], "--no-block"))
            known = 1;
        if (!known) {
            fprintf(stderr, "systemctl: a light machine knows no %s\n", words[i]);
            return 1;
        }
        if (words[i][0] != '-')
            given[named++] = words[i];
    }
    const char *verb = named ? given[0] : "";
    mkdir(STATE, 0755);
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(verb, ends[i]))
            return power_off();
    if (!strcmp(verb, "daemon-reload") || !strcmp(verb, "daemon-reexec"))
        return 0;
    if (!strcmp(verb, "is-system-running"))
        return puts("running") < 0;
    int first = !strcmp(verb, "add-wants") ? 2 : 1;
    int known = first == 2;
    for (size_t i = 0; i < sizeof unit_verbs / sizeof *unit_verbs; i++)
        known |= !strcmp(verb, unit_verbs[i]);
    if (!known || named <= first) {
        fprintf(stderr, "systemctl: a light machine knows no '%s'%s; it has no systemd\n", verb,
                known ? " without a unit" : "");
        return 1;
    }
    for (int i = first; i < named; i++) {
        char name[128];
        unit_name(name, sizeof name, given[i]);
        /* Each in a process of its own: one unit's environment is not the next one's. */
        fflush(stdout);
        pid_t child = named > first + 1 ? fork() : 0;
        int each = child ? ended(child, now() + 3600)
                   : first == 2 ? want(given[1], name, 1)
                                : on_unit(verb, name, quiet, at_once);
        if (!child && named > first + 1) {
            fflush(stdout);
            _exit(each);
        }
        code = each ? each : code;
    }
    return code;
}

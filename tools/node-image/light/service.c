/* A unit's processes: started as its file says, waited for by events, left to PID 1 once they are up. */
#define _GNU_SOURCE
#include "service.h"
#include "state.h"
#include "unit.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char SSH_STOPPED[] = STATE "/ssh.stopped";
enum { TIMED_OUT = -1, FOREVER = 1000000000 };

int is_ssh(const char *name)
{
    return !strcmp(name, "ssh") || !strcmp(name, "sshd");
}

long service_main(const char *name)
{
    long pid = state_number(name, "pid");
    return pid > 0 && !alive(pid) ? 0 : pid;
}

static long starter_of(const char *name)
{
    long pid = state_number(name, "starting");
    return alive(pid) && pid != getpid() ? pid : 0;
}

const char *service_state(const char *name, const char **sub)
{
    const char *none;
    sub = sub ? sub : &none;
    if (is_ssh(name)) {
        int stopped = access(SSH_STOPPED, F_OK) == 0;
        *sub = stopped ? "dead" : "running";
        return stopped ? "inactive" : "active";
    }
    if (starter_of(name)) {
        *sub = "start";
        return "activating";
    }
    long pid = service_main(name);
    if (pid) {
        *sub = pid > 0 ? "running" : "exited";
        return "active";
    }
    if (state_has(name, "pending")) {
        *sub = "auto-restart";
        return "activating";
    }
    *sub = state_has(name, "result") ? "failed" : "dead";
    return state_has(name, "result") ? "failed" : "inactive";
}

double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static double until(long ms)
{
    return now() + (ms == ENDLESS ? FOREVER : (double)ms / 1e3);
}

static int left(double deadline)
{
    double seconds = deadline - now();
    return seconds > 86400 ? 86400000 : seconds > 0 ? (int)(seconds * 1e3) + 1 : 0;
}

static int pidfd(long process)
{
    return (int)syscall(SYS_pidfd_open, (pid_t)process, 0);
}

int ended(long process, double deadline)
{
    int status, code = TIMED_OUT;
    struct pollfd wait = {.fd = pidfd(process), .events = POLLIN};
    for (int gone = 0;; ) {
        if (waitpid((pid_t)process, &status, WNOHANG) > 0)
            code = status;
        else if (gone || !alive(process))
            code = 0;
        if (code != TIMED_OUT || now() >= deadline)
            break;
        /* A kernel without pidfd_open(2) is looked at now and then. */
        gone = poll(&wait, 1, wait.fd < 0 ? 20 : left(deadline)) > 0;
    }
    if (wait.fd >= 0)
        close(wait.fd);
    return code;
}

/* Tell PID 1 something, with a socket that it shall keep where `fd` is one. */
static void tell_keeper(const char *what, const char *unit, int fd)
{
    char text[192], space[CMSG_SPACE(sizeof(int))] = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = KEEPER};
    struct iovec data = {.iov_base = text};
    struct msghdr message = {.msg_name = &address, .msg_namelen = sizeof address, .msg_iov = &data,
                             .msg_iovlen = 1};
    int with = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    data.iov_len = (size_t)snprintf(text, sizeof text, "%s %s", what, unit);
    if (fd >= 0) {
        message.msg_control = space;
        message.msg_controllen = sizeof space;
        struct cmsghdr *part = CMSG_FIRSTHDR(&message);
        part->cmsg_level = SOL_SOCKET;
        part->cmsg_type = SCM_RIGHTS;
        part->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(part), &fd, sizeof fd);
    }
    if (with < 0 || sendmsg(with, &message, 0) < 0)
        perror("PID 1 does not hear");
    if (with >= 0)
        close(with);
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
    if (unit->user && uid && become(unit, uid, gid))
        _exit(216);
    execvp(words[0], words);
    fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
    if (write(pipe_fd, "x", 1) != 1)
        _exit(203);
    _exit(203);
}

void last_words(const char *name, int to)
{
    char text[2048];
    int fd = open(state_path(name, "log"), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    off_t size = lseek(fd, 0, SEEK_END);
    lseek(fd, size > (off_t)sizeof text ? size - (off_t)sizeof text : 0, SEEK_SET);
    ssize_t length = read(fd, text, sizeof text);
    if (length > 0)
        dprintf(to, "%.*s", (int)length, text);
    close(fd);
}

static int failed(const struct unit *unit, const char *why, long code)
{
    fprintf(stderr, "%s.service: %s (%ld)\n", unit->name, why, code);
    last_words(unit->name, 2);
    return 1;
}

/* How the latest try to start ended: kept for its Restart=. */
static int last_status, last_timed_out;

static int ended_badly(const struct unit *unit, int status, int timed_out, const char *why)
{
    last_status = status;
    last_timed_out = timed_out;
    if (timed_out)
        return failed(unit, "did not start within its time, seconds", unit->start_timeout / 1000);
    return failed(unit, why, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static int notify_socket(const struct unit *unit, long uid)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    snprintf(address.sun_path, sizeof address.sun_path, "%s", state_path(unit->name, "notify"));
    unlink(address.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address))
        return -1;
    if (chown(address.sun_path, (uid_t)uid, 0))
        perror(unit->name);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    return fd;
}

/* Until READY=1 (sd_notify(3)): 1, or 0 with the status of a child that ended first or TIMED_OUT. */
static int until_ready(int socket, pid_t child, double deadline, long *main, int *status)
{
    struct pollfd waits[2] = {{.fd = socket, .events = POLLIN},
                              {.fd = pidfd(child), .events = POLLIN}};
    int ready = 0;
    for (*status = TIMED_OUT; !ready && now() < deadline;) {
        char text[4096];
        if (poll(waits, 2, left(deadline)) <= 0)
            continue;
        if (waits[0].revents & POLLIN) {
            ssize_t length = recv(socket, text, sizeof text - 1, 0);
            text[length > 0 ? length : 0] = 0;
            char *pid = strstr(text, "MAINPID=");
            if (pid)
                *main = strtol(pid + 8, NULL, 10);
            ready = strstr(text, "READY=1") != NULL;
        } else if (waitpid(child, status, WNOHANG) > 0) {
            break;
        }
    }
    if (waits[1].fd >= 0)
        close(waits[1].fd);
    return ready;
}

/* One command of a unit. Waits for its end where `wait` is set; else for its readiness. */
static int run(const struct unit *unit, const char *line, long uid, long gid, int wait)
{
    char *words[WORDS];
    int may_fail, pipes[2], notified = -1, status = 0, up = 1;
    int notifies = !wait && unit->type && !strncmp(unit->type, "notify", 6);
    double deadline = until(unit->start_timeout);
    if (strcspn(line, "+!") < strspn(line, "-+!:@"))
        uid = gid = 0;
    if (unit_words(line, words, &may_fail) == 0)
        return 0;
    if (pipe2(pipes, O_CLOEXEC) || (notifies && (notified = notify_socket(unit, uid)) < 0))
        return failed(unit, "no pipe or notify socket could be made", errno);
    pid_t child = fork();
    if (child == 0)
        execute(unit, words, uid, gid, pipes[1]);
    close(pipes[1]);
    unsetenv("NOTIFY_SOCKET");
    long main = child;
    char none;
    state_put_number(unit->name, wait ? "control" : "pid", child);
    if (read(pipes[0], &none, 1) == 1 || wait) /* closed by exec where that succeeds */
        up = (status = ended(child, deadline)) == 0;
    else if (notifies)
        up = until_ready(notified, child, deadline, &main, &status);
    close(pipes[0]);
    state_drop(unit->name, "control");
    if (up && !wait && main != child)
        state_put_number(unit->name, "pid", main);
    if (up && notifies)
        tell_keeper("notify", unit->name, notified);
    if (notified >= 0)
        close(notified);
    if (up || (wait && may_fail && status != TIMED_OUT))
        return 0;
    if (status == TIMED_OUT) {
        kill(getpgid(child) == child ? -child : child, SIGKILL);
        ended(child, now() + 1);
    }
    if (!wait)
        state_drop(unit->name, "pid");
    return ended_badly(unit, status, status == TIMED_OUT, "its process ended with");
}

static int begin(const struct unit *unit)
{
    const char *name = unit->name;
    long uid = 0, gid = 0;
    last_status = 1 << 8;
    last_timed_out = 0;
    if (unit->user && !in_file("/etc/passwd", unit->user, 3, &uid, &gid))
        return failed(unit, "its user does not exist", 217);
    if (unit->group && !in_file("/etc/group", unit->group, 2, &gid, NULL))
        return failed(unit, "its group does not exist", 216);
    if (unit_environment(unit))
        return 1;
    make_directories(unit, uid, gid);
    int oneshot = unit->type && !strcmp(unit->type, "oneshot");
    int forks = unit->type && !strcmp(unit->type, "forking");
    for (int i = 0; unit->before[i]; i++)
        if (run(unit, unit->before[i], uid, gid, 1))
            return 1;
    if (!unit->start[0])
        return failed(unit, "it has no ExecStart", 1);
    for (int i = 0; unit->start[i]; i++)
        if (run(unit, unit->start[i], uid, gid, oneshot || forks))
            return 1;
    if (oneshot && unit->remain)
        state_put_number(name, "pid", -1);
    if (forks && unit->pid_file)
        state_put_number(name, "pid", number_in(unit->pid_file));
    return 0;
}

/* Whether it was started StartLimitBurst= times within StartLimitIntervalSec= before; else counts this. */
static int too_often(const struct unit *unit)
{
    char text[512], *at = text;
    double times[16];
    int count = 0, most = unit->limit_burst < 16 ? (int)unit->limit_burst : 16, size = 0;
    if (unit->limit_interval == 0 || most <= 0)
        return 0;
    double since = unit->limit_interval == ENDLESS ? 0 : now() - (double)unit->limit_interval / 1e3;
    if (!state_text(unit->name, "starts", text, sizeof text))
        *text = 0;
    for (char *end; count < 16; at = end) {
        double when = strtod(at, &end);
        if (end == at)
            break;
        if (when > since)
            times[count++] = when;
    }
    if (count >= most)
        return 1;
    times[count++] = now();
    for (int i = 0; i < count; i++)
        size += snprintf(text + size, sizeof text - (size_t)size, "%.3f ", times[i]);
    state_put(unit->name, "starts", text);
    return 0;
}

int service_start(const char *name, int again)
{
    struct unit unit;
    char text[64];
    if (is_ssh(name)) {
        unlink(SSH_STOPPED);
        return 0;
    }
    if (unit_read(&unit, name))
        return *unit.path ? 1 : NOT_FOUND;
    if (again && !state_has(name, "restart"))
        return 0; /* stopped meanwhile */
    for (long other; (other = starter_of(name));)
        ended(other, now() + FOREVER);
    state_drop(name, "pending");
    if (service_main(name))
        return 0;
    const char *unmet = unit_unmet(&unit);
    if (unmet) {
        fprintf(stderr, "%s.service was skipped: condition %s is not met\n", name, unmet);
        return 0;
    }
    if (too_often(&unit)) {
        state_drop(name, "restart");
        state_put(name, "result", "start-limit-hit");
        return failed(&unit, "it was started too often, times", unit.limit_burst);
    }
    long count = again ? state_number(name, "count") + 1 : 0;
    state_put_number(name, "count", count);
    state_put_number(name, "starting", getpid());
    snprintf(text, sizeof text, "%s %ld", unit.restart ? unit.restart : "no",
             unit_restart_wait(&unit, count));
    state_put(name, "restart", text);
    state_drop(name, "result");
    int code = begin(&unit);
    if (code) {
        result_of(last_status, text, sizeof text);
        state_put(name, "result", last_timed_out ? "timeout" : text);
        if (unit.restart && wants_again(unit.restart, last_status, last_timed_out)) {
            state_put(name, "pending", "");
            tell_keeper("again", name, -1);
        }
    }
    state_drop(name, "starting");
    return code;
}

/* A daemon was made the leader of its own session, so its children are in its group. */
static pid_t group_of(long pid)
{
    return getpgid((pid_t)pid) == (pid_t)pid ? -(pid_t)pid : (pid_t)pid;
}

int service_stop(const char *name)
{
    struct unit unit;
    if (is_ssh(name))
        return close(open(SSH_STOPPED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (unit_read(&unit, name) && !*unit.path)
        return NOT_FOUND;
    long pid = service_main(name), starter = starter_of(name), control = state_number(name, "control");
    /* First of all, or PID 1 would start it again. */
    static const char *facts[] = {"restart", "pending", "pid", "result"};
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        state_drop(name, facts[i]);
    if (starter) {
        kill((pid_t)starter, SIGKILL);
        kill(alive(control) ? -(pid_t)control : (pid_t)starter, SIGKILL);
    }
    state_drop(name, "starting");
    if (pid <= 0)
        return 0;
    int alone = unit.kill_mode && !strcmp(unit.kill_mode, "process");
    pid_t target = alone ? (pid_t)pid : group_of(pid);
    kill(target, SIGTERM);
    if (ended(pid, until(unit.stop_timeout)) == TIMED_OUT) {
        kill(target, SIGKILL);
        ended(pid, now() + 10);
    }
    return 0;
}

int service_kill(const char *name, int signal, int all)
{
    long pid = service_main(name);
    if (pid <= 0) {
        fprintf(stderr, "%s.service: has no main process\n", name);
        return 1;
    }
    return kill(all ? group_of(pid) : (pid_t)pid, signal) != 0;
}

int service_reload(const char *name)
{
    struct unit unit;
    char pid[32];
    if (is_ssh(name))
        return 0;
    long main = service_main(name);
    if (unit_read(&unit, name))
        return *unit.path ? 1 : NOT_FOUND;
    if (main <= 0 || !unit.reload[0]) {
        const char *why = main > 0 ? "its unit has no ExecReload" : "is not active, cannot reload";
        fprintf(stderr, "%s.service: %s\n", name, why);
        return 1;
    }
    snprintf(pid, sizeof pid, "%ld", main);
    setenv("MAINPID", pid, 1);
    for (int i = 0; unit.reload[i]; i++)
        if (run(&unit, unit.reload[i], 0, 0, 1))
            return 1;
    return 0;
}

/* PID 1 of a light machine, and the process that keeps a network of light machines alive.
 *
 *   light-init machine NAME    reap; answer port 22 with the real sshd; SIGTERM ends the machine;
 *                              copy the console, a pipe at descriptor 3, to the file at 4
 *   light-init network NAME    only be there: the network namespace lives as long as this process
 *
 * A machine that idles costs nothing but this: sshd starts when somebody connects (inetd style).
 * When PID 1 of a PID namespace ends, the kernel kills everything else in it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char SSH_STOPPED[] = "/run/light/ssh.stopped"; /* made by "systemctl stop ssh" */

enum { WRITTEN = 3, CONSOLE = 4, FIRST_OTHER = 5 };

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

static void answer(int server)
{
    int client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
    if (client < 0)
        return;
    if (ssh_is_served() && fork() == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        setsid();
        mkdir("/run/sshd", 0755);
        dup2(client, 0);
        dup2(client, 1);
        execl("/usr/sbin/sshd", "sshd", "-i", (char *)NULL);
        _exit(127);
    }
    close(client);
}

int main(int count, char **words)
{
    int machine = count > 1 && strcmp(words[1], "machine") == 0;
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, SIGCHLD);
    sigaddset(&ours, SIGTERM);
    sigprocmask(SIG_SETMASK, &ours, NULL);
    for (int fd = machine ? FIRST_OTHER : WRITTEN; fd < 256; fd++)
        close(fd);
    if (machine) {
        fcntl(WRITTEN, F_SETFD, FD_CLOEXEC);
        fcntl(CONSOLE, F_SETFD, FD_CLOEXEC);
    }
    struct pollfd waits[3] = {
        {.fd = signalfd(-1, &ours, SFD_CLOEXEC), .events = POLLIN},
        {.fd = machine ? listen_for_ssh() : -1, .events = POLLIN},
        {.fd = machine ? WRITTEN : -1, .events = POLLIN},
    };
    for (;;) {
        /* Children may have ended before their signal could be seen. */
        while (waitpid(-1, NULL, WNOHANG) > 0)
            ;
        if (poll(waits, 3, -1) < 0 && errno != EINTR)
            return 1;
        if (waits[0].revents & POLLIN) {
            struct signalfd_siginfo signal;
            if (read(waits[0].fd, &signal, sizeof signal) == sizeof signal &&
                signal.ssi_signo == SIGTERM)
                return 0;
        }
        if (waits[1].revents & POLLIN)
            answer(waits[1].fd);
        if (waits[2].revents & POLLIN)
            copy_console();
    }
}

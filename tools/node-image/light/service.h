/* Starting, stopping and asking after a unit's processes. Exit codes are systemctl's. */
#ifndef SERVICE_H
#define SERVICE_H

enum { NOT_RUNNING = 3, NOT_FOUND = 5 };

/* `again`: PID 1 starts it once more because its Restart= says so. */
int service_start(const char *name, int again);
int service_stop(const char *name);
int service_reload(const char *name);
/* Send a signal to the main process, or with `all` to every process of its group. */
int service_kill(const char *name, int signal, int all);
/* PID of the unit's main process, 0 where it does not run; -1 for a oneshot that remains. */
long service_main(const char *name);
/* active, activating, failed or inactive; `sub` is systemd's finer word. */
const char *service_state(const char *name, const char **sub);
int is_ssh(const char *name);
/* Wait until a process has ended: a child's waitpid(2) status, 0 for others; -1 when time is over. */
int ended(long process, double deadline);
double now(void);
/* Show the last lines a unit wrote: nobody else would find them. */
void last_words(const char *name, int fd);
#endif

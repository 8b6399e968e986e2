/* A systemd service unit as far as a light machine needs it; see systemd.service(5), systemd.exec(5). */
#ifndef UNIT_H
#define UNIT_H
#include <stddef.h>

enum { LINES = 32, WORDS = 256, DIRS = 4 };

struct directory {
    const char *parent; /* /run, /var/lib, /var/cache, /var/log */
    char *names;        /* RuntimeDirectory=, StateDirectory=, … */
    int mode;
};

struct unit {
    char name[128]; /* without .service */
    char path[320];
    char *type, *user, *group, *pid_file, *work_dir, *kill_mode, *restart;
    char *start[LINES], *before[LINES], *reload[LINES], *conditions[LINES], *env_files[LINES];
    struct directory directories[DIRS];
    int remain;
    /* Milliseconds; ENDLESS for "infinity". Restart times grow from the first to the last in steps. */
    long start_timeout, stop_timeout, restart_wait, restart_most, limit_interval;
    long restart_steps, limit_burst;
};

enum { ENDLESS = -1 };

/* Read a unit and its drop-ins; 0, or -1 where there is none or it is masked (said on stderr). */
int unit_read(struct unit *unit, const char *name);
/* The first condition that does not hold, or NULL. */
const char *unit_unmet(const struct unit *unit);
/* Put EnvironmentFile= and Environment= into this process's environment; -1 where a file is missing. */
int unit_environment(const struct unit *unit);
/* Split a command line as systemd does, variables expanded; the number of words. */
int unit_words(const char *line, char **words, int *may_fail);
/* The file that defines a unit, in `path` of at least 320 bytes; 0 where there is none. */
int unit_file(const char *name, char *path);
/* Whether that file is a link to /dev/null, or empty. */
int unit_masked(const char *path);
/* Call `with` for the unit's file and each of its drop-ins, in the order in which they count. */
void unit_each(const char *name, const char *path, void (*with)(void *, const char *), void *what);
/* Milliseconds before try number `count` (0: the first) to start it again. */
long unit_restart_wait(const struct unit *unit, long count);
/* Strip ".service". */
void unit_name(char *name, size_t size, const char *given);
/* A failed allocation ends the program. */
char *copied(const char *text);
#endif

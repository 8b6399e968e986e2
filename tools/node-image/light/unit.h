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
    char *type, *user, *group, *pid_file, *work_dir, *kill_mode;
    char *start[LINES], *before[LINES], *reload[LINES], *conditions[LINES], *env_files[LINES];
    struct directory directories[DIRS];
    int remain;
    long start_timeout; /* seconds */
};

/* Read a unit and its drop-ins; 0, or -1 where there is none (said on stderr). */
int unit_read(struct unit *unit, const char *name);
/* The first condition that does not hold, or NULL. */
const char *unit_unmet(const struct unit *unit);
/* Put EnvironmentFile= and Environment= into this process's environment; -1 where a file is missing. */
int unit_environment(const struct unit *unit);
/* Split a command line as systemd does, variables expanded; the number of words. */
int unit_words(const char *line, char **words, int *may_fail);
/* Strip ".service". */
void unit_name(char *name, size_t size, const char *given);
/* A failed allocation ends the program. */
char *copied(const char *text);
#endif

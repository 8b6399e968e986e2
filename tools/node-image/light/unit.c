/* Reading systemd service units: files, drop-ins, environment, command lines. */
#define _GNU_SOURCE
#include "unit.h"
#include <ctype.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *FOLDERS[] = {"/etc/systemd/system", "/run/systemd/system",
                                "/usr/lib/systemd/system"};
static char *settings[64]; /* Environment= lines, which stand above any file's */
static int setting_count;

char *copied(const char *text)
{
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

void unit_name(char *name, size_t size, const char *given)
{
    snprintf(name, size, "%s", given);
    size_t length = strlen(name);
    if (length > 8 && strcmp(name + length - 8, ".service") == 0)
        name[length - 8] = 0;
}

/* A list setting: an empty value clears it. */
static void add(char **list, const char *value)
{
    int count = 0;
    if (!*value) {
        list[0] = NULL;
        return;
    }
    while (list[count])
        count++;
    if (count < LINES - 1) {
        list[count] = copied(value);
        list[count + 1] = NULL;
    }
}

/* systemd.time(7): "90", "1min 30s", "500ms", "infinity"; seconds where no unit is given. */
static void take_time(long *into, const char *value)
{
    static const struct { const char *name; double ms; } units[] = {
        {"ms", 1}, {"msec", 1}, {"s", 1e3}, {"sec", 1e3}, {"second", 1e3}, {"seconds", 1e3},
        {"", 1e3}, {"m", 6e4}, {"min", 6e4}, {"minute", 6e4}, {"minutes", 6e4}, {"h", 3.6e6},
        {"hr", 3.6e6}, {"hour", 3.6e6}, {"hours", 3.6e6}, {"us", 1e-3}, {"d", 8.64e7}, {"day", 8.64e7},
    };
    double sum = 0;
    if (!strcmp(value, "infinity")) {
        *into = ENDLESS;
        return;
    }
    while (*value) {
        char *end, name[16];
        double number = strtod(value, &end);
        size_t length = 0, k = 0;
        if (end == value)
            return;
        while (isspace((unsigned char)*end))
            end++;
        while (isalpha((unsigned char)*end) && length < sizeof name - 1)
            name[length++] = *end++;
        name[length] = 0;
        while (k < sizeof units / sizeof *units && strcmp(name, units[k].name))
            k++;
        if (k == sizeof units / sizeof *units)
            return;
        sum += number * units[k].ms;
        for (value = end; isspace((unsigned char)*value);)
            value++;
    }
    *into = (long)sum;
}

static void take(struct unit *unit, const char *key, const char *value)
{
    static const struct { const char *key; size_t offset; } texts[] = {
        {"Type", offsetof(struct unit, type)},
        {"User", offsetof(struct unit, user)},
        {"Group", offsetof(struct unit, group)},
        {"PIDFile", offsetof(struct unit, pid_file)},
        {"WorkingDirectory", offsetof(struct unit, work_dir)},
        {"KillMode", offsetof(struct unit, kill_mode)},
        {"Restart", offsetof(struct unit, restart)},
    }, lists[] = {
        {"ExecStart", offsetof(struct unit, start)},
        {"ExecStartPre", offsetof(struct unit, before)},
        {"ExecReload", offsetof(struct unit, reload)},
        {"ConditionPathExists", offsetof(struct unit, conditions)},
        {"EnvironmentFile", offsetof(struct unit, env_files)},
    };
    static const struct { const char *key; size_t offset; } times[] = {
        {"TimeoutStartSec", offsetof(struct unit, start_timeout)},
        {"TimeoutStopSec", offsetof(struct unit, stop_timeout)},
        {"RestartSec", offsetof(struct unit, restart_wait)},
        {"RestartMaxDelaySec", offsetof(struct unit, restart_most)},
        {"StartLimitIntervalSec", offsetof(struct unit, limit_interval)},
        {"StartLimitInterval", offsetof(struct unit, limit_interval)},
    };
    static const char *kinds[DIRS] = {"Runtime", "State", "Cache", "Logs"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(key, texts[i].key))
            *(char **)((char *)unit + texts[i].offset) = *value ? copied(value) : NULL;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (!strcmp(key, lists[i].key))
            add((char **)((char *)unit + lists[i].offset), value);
    for (int i = 0; i < DIRS; i++) {
        size_t length = strlen(kinds[i]);
        if (strncmp(key, kinds[i], length))
            continue;
        if (!strcmp(key + length, "Directory"))
            unit->directories[i].names = copied(value);
        if (!strcmp(key + length, "DirectoryMode"))
            unit->directories[i].mode = (int)strtol(value, NULL, 8);
    }
    if (!strcmp(key, "RemainAfterExit"))
        unit->remain = strchr("yt1", tolower(*value)) != NULL && *value;
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        if (!strcmp(key, times[i].key))
            take_time((long *)((char *)unit + times[i].offset), value);
    if (!strcmp(key, "TimeoutSec")) {
        take_time(&unit->start_timeout, value);
        take_time(&unit->stop_timeout, value);
    }
    if (!strcmp(key, "RestartSteps"))
        unit->restart_steps = strtol(value, NULL, 10);
    if (!strcmp(key, "StartLimitBurst"))
        unit->limit_burst = strtol(value, NULL, 10);
    if (!strcmp(key, "Environment") && setting_count < 64)
        settings[setting_count++] = copied(value);
}

static void read_file(void *into, const char *path)
{
    struct unit *unit = into;
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t size = 0;
    while (file && getline(&line, &size, file) > 0) {
        line[strcspn(line, "\n")] = 0;
        /* A backslash at the end joins the next line. */
        for (size_t end; (end = strlen(line)) && line[end - 1] == '\\';) {
            char *next = NULL, *joined;
            size_t room = 0;
            line[end - 1] = ' ';
            if (getline(&next, &room, file) <= 0)
                break;
            next[strcspn(next, "\n")] = 0;
            if (asprintf(&joined, "%s%s", line, next) < 0)
                abort();
            free(next);
            free(line);
            line = joined;
            size = strlen(line) + 1;
        }
        char *value = strchr(line, '=');
        if (!value || strchr("#;[", *line))
            continue;
        *value++ = 0;
        while (isspace((unsigned char)*value))
            value++;
        take(unit, line, value);
    }
    free(line);
    if (file)
        fclose(file);
}

int unit_file(const char *name, char *path)
{
    for (size_t i = 0; i < 3 && !strchr(name, '/'); i++) {
        snprintf(path, 320, "%s/%s.service", FOLDERS[i], name);
        if (access(path, R_OK) == 0)
            return 1;
    }
    *path = 0;
    return 0;
}

int unit_masked(const char *path)
{
    char target[16];
    struct stat what;
    ssize_t length = readlink(path, target, sizeof target);
    return (length == 9 && !memcmp(target, "/dev/null", 9)) ||
           (stat(path, &what) == 0 && S_ISREG(what.st_mode) && what.st_size == 0);
}

void unit_each(const char *name, const char *path, void (*with)(void *, const char *), void *what)
{
    with(what, path);
    for (int i = 2; i >= 0; i--) {
        char pattern[320];
        glob_t found = {0};
        snprintf(pattern, sizeof pattern, "%s/%s.service.d/*.conf", FOLDERS[i], name);
        if (glob(pattern, 0, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++)
                with(what, found.gl_pathv[k]);
        globfree(&found);
    }
}

int unit_read(struct unit *unit, const char *name)
{
    *unit = (struct unit){.start_timeout = 90000, .stop_timeout = 90000, .restart_wait = 100,
                          .restart_most = ENDLESS, .limit_interval = 10000, .limit_burst = 5,
                          .directories = {{"/run", NULL, 0755}, {"/var/lib", NULL, 0755},
                                          {"/var/cache", NULL, 0755}, {"/var/log", NULL, 0755}}};
    unit_name(unit->name, sizeof unit->name, name);
    if (!unit_file(unit->name, unit->path)) {
        fprintf(stderr, "Unit %s.service not found.\n", unit->name);
        return -1;
    }
    if (unit_masked(unit->path)) {
        fprintf(stderr, "Unit %s.service is masked.\n", unit->name);
        return -1;
    }
    unit_each(unit->name, unit->path, read_file, unit);
    return 0;
}

/* systemd.service(5), RestartSteps=: evenly on a logarithmic scale. */
long unit_restart_wait(const struct unit *unit, long count)
{
    double first = (double)unit->restart_wait, most = (double)unit->restart_most;
    if (unit->restart_steps <= 0 || most <= first || count <= 0)
        return unit->restart_wait;
    if (count >= unit->restart_steps)
        return unit->restart_most;
    first = first < 1 ? 1 : first;
    return (long)(first * pow(most / first, (double)count / (double)unit->restart_steps));
}

const char *unit_unmet(const struct unit *unit)
{
    for (int i = 0; unit->conditions[i]; i++) {
        const char *path = unit->conditions[i];
        int wanted = *path != '!';
        if ((access(path + !wanted, F_OK) == 0) != wanted)
            return unit->conditions[i];
    }
    return NULL;
}

/* NAME=value words, quotes around values or around the whole removed. */
static void set_line(char *line)
{
    char *words[WORDS];
    int none, count = unit_words(line, words, &none);
    for (int i = 0; i < count; i++) {
        char *value = strchr(words[i], '=');
        if (value) {
            *value++ = 0;
            setenv(words[i], value, 1);
        }
    }
}

int unit_environment(const struct unit *unit)
{
    for (int i = 0; i < setting_count; i++)
        set_line(settings[i]);
    for (int i = 0; unit->env_files[i]; i++) {
        const char *path = unit->env_files[i];
        int optional = *path == '-';
        FILE *file = fopen(path + optional, "r");
        char *line = NULL;
        size_t size = 0;
        if (!file && !optional) {
            fprintf(stderr, "%s.service: %s cannot be read\n", unit->name, path);
            return -1;
        }
        while (file && getline(&line, &size, file) > 0) {
            char *key = line, *value;
            line[strcspn(line, "\n")] = 0;
            while (isspace((unsigned char)*key))
                key++;
            if (strchr("#;", *key) || !(value = strchr(key, '=')))
                continue;
            *value++ = 0;
            size_t length = strlen(value);
            while (length && isspace((unsigned char)value[length - 1]))
                value[--length] = 0;
            if (length > 1 && strchr("\"'", *value) && value[length - 1] == *value) {
                value[length - 1] = 0;
                value++;
            }
            setenv(key, value, 1);
        }
        free(line);
        if (file)
            fclose(file);
    }
    return 0;
}

/* Append the value of $NAME or ${NAME} at *from; *from moves behind it. */
static void expand(const char **from, char *word, size_t *length, size_t room)
{
    char name[128];
    size_t size = 0;
    int braces = (*from)[1] == '{';
    *from += 1 + braces;
    while ((isalnum((unsigned char)**from) || **from == '_') && size < sizeof name - 1)
        name[size++] = *(*from)++;
    name[size] = 0;
    if (braces && **from == '}')
        (*from)++;
    const char *value = getenv(name);
    for (; value && *value && *length < room; value++)
        word[(*length)++] = *value;
}

static int split(const char *line, char **words, int count, int variables)
{
    static char word[65536];
    for (const char *at = line;;) {
        size_t length = 0;
        while (isspace((unsigned char)*at))
            at++;
        if (!*at || count >= WORDS - 1)
            break;
        /* $NAME alone gives as many words as its value holds. */
        if (variables && *at == '$' && at[1] != '{') {
            expand(&at, word, &length, sizeof word - 1);
            word[length] = 0;
            char *value = copied(word);
            count = split(value, words, count, 0);
            free(value);
            continue;
        }
        for (char quote = 0; *at && (quote || !isspace((unsigned char)*at));) {
            if (length >= sizeof word - 1)
                break;
            if (*at == '\\' && at[1] && quote != '\'') {
                word[length++] = at[1];
                at += 2;
            } else if (quote ? *at == quote : (*at == '"' || *at == '\'')) {
                quote = quote ? 0 : *at;
                at++;
            } else if (variables && at[0] == '$' && at[1] == '{') {
                expand(&at, word, &length, sizeof word - 1);
            } else {
                at += variables && at[0] == '%' && at[1] == '%';
                word[length++] = *at++;
            }
        }
        word[length] = 0;
        words[count++] = copied(word);
    }
    words[count] = NULL;
    return count;
}

int unit_words(const char *line, char **words, int *may_fail)
{
    *may_fail = 0;
    while (*line && strchr("-+!:@", *line))
        *may_fail |= *line++ == '-';
    return split(line, words, 0, 1);
}

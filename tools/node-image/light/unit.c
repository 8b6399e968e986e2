/* Reading systemd service units: files, drop-ins, environment, command lines. */
#define _GNU_SOURCE
#include "unit.h"
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void take(struct unit *unit, const char *key, const char *value)
{
    static const struct { const char *key; size_t offset; } texts[] = {
        {"Type", offsetof(struct unit, type)},
        {"User", offsetof(struct unit, user)},
        {"Group", offsetof(struct unit, group)},
        {"PIDFile", offsetof(struct unit, pid_file)},
        {"WorkingDirectory", offsetof(struct unit, work_dir)},
        {"KillMode", offsetof(struct unit, kill_mode)},
    }, lists[] = {
        {"ExecStart", offsetof(struct unit, start)},
        {"ExecStartPre", offsetof(struct unit, before)},
        {"ExecReload", offsetof(struct unit, reload)},
        {"ConditionPathExists", offsetof(struct unit, conditions)},
        {"EnvironmentFile", offsetof(struct unit, env_files)},
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
    if (!strcmp(key, "TimeoutStartSec") && isdigit((unsigned char)*value))
        unit->start_timeout = strtol(value, NULL, 10);
    if (!strcmp(key, "Environment") && setting_count < 64)
        settings[setting_count++] = copied(value);
}

static void read_file(struct unit *unit, const char *path)
{
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

int unit_read(struct unit *unit, const char *name)
{
    *unit = (struct unit){.start_timeout = 90,
                          .directories = {{"/run", NULL, 0755}, {"/var/lib", NULL, 0755},
                                          {"/var/cache", NULL, 0755}, {"/var/log", NULL, 0755}}};
    unit_name(unit->name, sizeof unit->name, name);
    for (size_t i = 0; i < 3 && !*unit->path; i++) {
        char path[320];
        snprintf(path, sizeof path, "%s/%s.service", FOLDERS[i], unit->name);
        if (access(path, R_OK) == 0)
            strcpy(unit->path, path);
    }
    if (!*unit->path || strchr(unit->name, '/')) {
        fprintf(stderr, "Unit %s.service not found.\n", unit->name);
        return -1;
    }
    read_file(unit, unit->path);
    for (int i = 2; i >= 0; i--) {
        char pattern[320];
        glob_t found = {0};
        snprintf(pattern, sizeof pattern, "%s/%s.service.d/*.conf", FOLDERS[i], unit->name);
        if (glob(pattern, 0, NULL, &found) == 0)
            for (size_t k = 0; k < found.gl_pathc; k++)
                read_file(unit, found.gl_pathv[k]);
        globfree(&found);
    }
    return 0;
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

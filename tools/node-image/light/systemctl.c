/* What answers to "systemctl" in a light machine, where no systemd runs.
 *
 * It starts a unit's own ExecStart with the unit's environment, user and directories, waits until the
 * unit says it is up as its Type promises, and leaves it to PID 1, which starts it again where its
 * Restart= says so. Nothing else of a unit is in force: no dependencies, no cgroups, no sandbox. A verb,
 * an option or a property it does not know is an error.
 */
#define _GNU_SOURCE
#include "service.h"
#include "state.h"
#include "unit.h"
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PROPERTIES = 32 };
static const char TARGET[] = "multi-user.target";

/* What the command line asked for beside verb and units. */
static struct {
    int quiet, at_once, no_block, value, all, signal;
    const char *properties[PROPERTIES];
    int property_count;
} asked = {.all = 1, .signal = SIGTERM};

static int is_active(const char *name)
{
    return !strcmp(service_state(name, NULL), "active");
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

static int enabled(const char *name)
{
    char link[320];
    snprintf(link, sizeof link, "/etc/systemd/system/%s.wants/%s.service", TARGET, name);
    return is_ssh(name) || access(link, F_OK) == 0;
}

/* A masked unit is a link to /dev/null above all other files of its name. */
static int mask(const char *name, int masked)
{
    char path[320];
    snprintf(path, sizeof path, "/etc/systemd/system/%s.service", name);
    if (!masked)
        return unit_masked(path) && unlink(path);
    if (access(path, F_OK) == 0 && !unit_masked(path)) {
        fprintf(stderr, "%s exists already and is no link\n", path);
        return 1;
    }
    return symlink("/dev/null", path) && errno != EEXIST;
}

static const char *loaded(const char *name)
{
    char path[320];
    return is_ssh(name) ? "loaded" : !unit_file(name, path) ? "not-found"
           : unit_masked(path) ? "masked" : "loaded";
}

static int property(const char *name, const char *key)
{
    const char *sub, *active = service_state(name, &sub), *value = "";
    char text[96] = "";
    long main = is_ssh(name) ? 1 : service_main(name);
    if (!strcmp(key, "Id"))
        snprintf(text, sizeof text, "%.80s.service", name);
    else if (!strcmp(key, "LoadState"))
        value = loaded(name);
    else if (!strcmp(key, "ActiveState"))
        value = active;
    else if (!strcmp(key, "SubState"))
        value = sub;
    else if (!strcmp(key, "UnitFileState"))
        value = !strcmp(loaded(name), "masked") ? "masked" : enabled(name) ? "enabled" : "disabled";
    else if (!strcmp(key, "MainPID"))
        snprintf(text, sizeof text, "%ld", main > 0 ? main : 0);
    else if (!strcmp(key, "NRestarts"))
        snprintf(text, sizeof text, "%ld", state_number(name, "count"));
    else if (!strcmp(key, "Result")) {
        state_text(name, "result", text, sizeof text);
        text[strcspn(text, " ")] = 0;
        value = "success";
    } else if (!strcmp(key, "ExecMainStatus")) {
        char how[64], *code;
        state_text(name, "result", how, sizeof how);
        code = strchr(how, ' ');
        snprintf(text, sizeof text, "%s", code ? code + 1 : "0");
    } else if (!strcmp(key, "Restart")) {
        struct unit unit = {0};
        value = !is_ssh(name) && !unit_read(&unit, name) && unit.restart ? unit.restart : "no";
    } else {
        fprintf(stderr, "systemctl: a light machine knows no property '%s'\n", key);
        return 1;
    }
    printf("%s%s%s\n", asked.value ? "" : key, asked.value ? "" : "=", *text ? text : value);
    return 0;
}

static int show(const char *name)
{
    static const char *usual[] = {"Id", "LoadState", "ActiveState", "SubState", "UnitFileState",
                                  "MainPID", "NRestarts", "Result", "ExecMainStatus"};
    int code = 0;
    for (int i = 0; i < asked.property_count; i++)
        code |= property(name, asked.properties[i]);
    for (size_t i = 0; !asked.property_count && i < sizeof usual / sizeof *usual; i++)
        code |= property(name, usual[i]);
    return code;
}

static void print_file(void *none, const char *path)
{
    char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    (void)none;
    printf("# %s\n", path);
    for (ssize_t length; fd >= 0 && (length = read(fd, text, sizeof text)) > 0;)
        fwrite(text, 1, (size_t)length, stdout);
    if (fd >= 0)
        close(fd);
}

static int status(const char *name)
{
    const char *sub, *active = service_state(name, &sub);
    printf("%s.service\n     Loaded: %s\n     Active: %s (%s)\n   Main PID: %ld\n\n", name,
           loaded(name), active, sub, is_ssh(name) ? 1 : service_main(name));
    fflush(stdout);
    last_words(name, 1);
    return !strcmp(active, "active") ? 0 : strcmp(loaded(name), "not-found") ? NOT_RUNNING : 4;
}

static int start(const char *name)
{
    return service_start(name, 0);
}

static int restart(const char *name)
{
    int code = service_stop(name);
    return code ? code : start(name);
}

static int reset(const char *name)
{
    state_drop(name, "result");
    state_drop(name, "count");
    state_drop(name, "starts");
    return 0;
}

static int on_unit(const char *verb, const char *name)
{
    int active = is_active(name), code;
    if (!strcmp(verb, "start"))
        return start(name);
    if (!strcmp(verb, "stop"))
        return service_stop(name);
    if (!strcmp(verb, "restart"))
        return restart(name);
    if (!strcmp(verb, "try-restart") || !strcmp(verb, "condrestart"))
        return active ? restart(name) : 0;
    if (!strcmp(verb, "reload") || (!strcmp(verb, "reload-or-restart") && active))
        return service_reload(name);
    if (!strcmp(verb, "reload-or-restart"))
        return start(name);
    if (!strcmp(verb, "try-reload-or-restart"))
        return active ? service_reload(name) : 0;
    if (!strcmp(verb, "kill"))
        return service_kill(name, asked.signal, asked.all);
    if (!strcmp(verb, "reset-failed"))
        return reset(name);
    if (!strcmp(verb, "enable") || !strcmp(verb, "disable")) {
        int wanted = *verb == 'e';
        code = want(TARGET, name, wanted);
        return code || !asked.at_once ? code : wanted ? start(name) : service_stop(name);
    }
    if (!strcmp(verb, "mask") || !strcmp(verb, "unmask")) {
        code = *verb == 'm' && asked.at_once ? service_stop(name) : 0;
        return code ? code : mask(name, *verb == 'm');
    }
    if (!strcmp(verb, "show"))
        return show(name);
    if (!strcmp(verb, "cat")) {
        char path[320];
        if (!unit_file(name, path)) {
            fprintf(stderr, "Unit %s.service not found.\n", name);
            return 1;
        }
        unit_each(name, path, print_file, NULL);
        return 0;
    }
    if (!strcmp(verb, "is-enabled")) {
        const char *said = !strcmp(loaded(name), "masked") ? "masked"
                           : enabled(name) ? "enabled" : "disabled";
        if (!asked.quiet)
            puts(said);
        return strcmp(said, "enabled") != 0;
    }
    if (!strcmp(verb, "status"))
        return status(name);
    const char *state = service_state(name, NULL);
    if (!asked.quiet)
        puts(state);
    if (!strcmp(verb, "is-failed"))
        return strcmp(state, "failed") != 0;
    return active ? 0 : NOT_RUNNING;
}

static int power_off(void)
{
    sync();
    return kill(1, SIGTERM) != 0;
}

/* A signal by number or name, with or without SIG; 0 where there is none. */
static int signal_of(const char *text)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*text && !*end)
        return number > 0 && number < NSIG ? (int)number : 0;
    text += !strncasecmp(text, "SIG", 3) ? 3 : 0;
    for (int each = 1; each < NSIG; each++)
        if (sigabbrev_np(each) && !strcasecmp(text, sigabbrev_np(each)))
            return each;
    return 0;
}

/* The value of an option in the same word or the next one; NULL where `word` is not that option. */
static const char *value_of(char **words, int count, int *at, const char *brief, const char *full)
{
    char *word = words[*at];
    size_t length = strlen(full);
    if (!strncmp(word, full, length) && word[length] == '=')
        return word + length + 1;
    if (*brief && !strncmp(word, brief, 2) && word[1] != '-' && word[2])
        return word + 2;
    if ((!strcmp(word, full) || (*brief && !strcmp(word, brief))) && *at + 1 < count)
        return words[++*at];
    return NULL;
}

/* Take an option and, where it has one, its value; 0 for one that nobody here knows. */
static int option(char **words, int count, int *at)
{
    static const char *ignored[] = {"--no-pager", "--system", "-f", "--force", "-l", "--full",
                                    "--no-ask-password", "--no-reload"};
    static const struct { const char *word; int *flag; } flags[] = {
        {"-q", &asked.quiet}, {"--quiet", &asked.quiet}, {"--now", &asked.at_once},
        {"--no-block", &asked.no_block}, {"--value", &asked.value},
    };
    const char *value;
    for (size_t k = 0; k < sizeof ignored / sizeof *ignored; k++)
        if (!strcmp(words[*at], ignored[k]))
            return 1;
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
        if (!strcmp(words[*at], flags[k].word))
            return *flags[k].flag = 1;
    if ((value = value_of(words, count, at, "-s", "--signal")))
        return (asked.signal = signal_of(value)) != 0;
    if ((value = value_of(words, count, at, "", "--kill-whom")) ||
        (value = value_of(words, count, at, "", "--kill-who"))) {
        asked.all = !strcmp(value, "all");
        return asked.all || !strcmp(value, "main");
    }
    if ((value = value_of(words, count, at, "-n", "--lines")) ||
        (value = value_of(words, count, at, "-o", "--output")))
        return 1; /* of a unit's log as much is shown as there is room for */
    if ((value = value_of(words, count, at, "-p", "--property"))) {
        char *list = copied(value);
        for (char *key; (key = strsep(&list, ","));)
            if (asked.property_count < PROPERTIES)
                asked.properties[asked.property_count++] = key;
        return 1;
    }
    return 0;
}

/* The verbs that concern no unit; -1 for any other. */
static int on_all(const char *verb)
{
    if (!strcmp(verb, "daemon-reload") || !strcmp(verb, "daemon-reexec"))
        return 0;
    if (!strcmp(verb, "is-system-running"))
        return puts("running") < 0;
    if (!strcmp(verb, "reset-failed")) {
        glob_t found = {0};
        if (glob(STATE "/*.result", 0, NULL, &found) == 0)
            for (size_t i = 0; i < found.gl_pathc; i++) {
                char *name = found.gl_pathv[i] + strlen(STATE) + 1;
                *strrchr(name, '.') = 0;
                reset(name);
            }
        globfree(&found);
        return 0;
    }
    return -1;
}

/* Each in a process of its own: one unit's environment is not the next one's. */
static int on_units(const char *verb, char **names, int count, const char *target)
{
    int code = 0;
    for (int i = 0; i < count; i++) {
        char name[128];
        unit_name(name, sizeof name, names[i]);
        fflush(stdout);
        pid_t child = count > 1 ? fork() : 0;
        int each;
        if (child) {
            int how = ended(child, now() + 1e9);
            each = WIFEXITED(how) ? WEXITSTATUS(how) : 1;
        } else {
            each = target ? want(target, name, 1) : on_unit(verb, name);
            if (count > 1) {
                fflush(stdout);
                _exit(each);
            }
        }
        code = each ? each : code;
    }
    return code;
}

/* The rest happens in a process that nobody waits for; 0 in it, 1 in the one that comes back. */
static int in_background(void)
{
    fflush(stdout);
    if (fork() != 0)
        return 1;
    int null = open("/dev/null", O_RDWR), console = open("/dev/console", O_WRONLY);
    setsid();
    dup2(null, 0);
    dup2(console < 0 ? null : console, 1);
    dup2(console < 0 ? null : console, 2);
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    return 0;
}

int main(int count, char **words)
{
    static const char *unit_verbs[] = {
        "start", "stop", "restart", "try-restart", "condrestart", "reload", "reload-or-restart",
        "try-reload-or-restart", "enable", "disable", "is-enabled", "is-active", "is-failed", "status",
        "kill", "reset-failed", "mask", "unmask", "show", "cat",
    };
    static const char *ends[] = {"poweroff", "reboot", "halt", "shutdown"};
    const char *called = strrchr(words[0], '/') ? strrchr(words[0], '/') + 1 : words[0];
    char *given[WORDS];
    int named = 0;
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(called, ends[i]))
            return power_off();
    if (!strcmp(called, AGAIN) && count == 2)
        return service_start(words[1], 1);
    for (int i = 1; i < count && named < WORDS; i++) {
        if (words[i][0] != '-')
            given[named++] = words[i];
        else if (!option(words, count, &i)) {
            fprintf(stderr, "systemctl: a light machine knows no %s\n", words[i]);
            return 1;
        }
    }
    const char *verb = named ? given[0] : "";
    mkdir(STATE, 0755);
    for (size_t i = 0; i < 4; i++)
        if (!strcmp(verb, ends[i]))
            return power_off();
    int code = named == 1 ? on_all(verb) : -1;
    if (code >= 0)
        return code;
    int first = !strcmp(verb, "add-wants") ? 2 : 1;
    int known = first == 2;
    for (size_t i = 0; i < sizeof unit_verbs / sizeof *unit_verbs; i++)
        known |= !strcmp(verb, unit_verbs[i]);
    if (!known || named <= first) {
        fprintf(stderr, "systemctl: a light machine knows no '%s'%s; it has no systemd\n", verb,
                known ? " without a unit" : "");
        return 1;
    }
    if (asked.no_block && in_background())
        return 0;
    return on_units(verb, given + first, named - first, first == 2 ? given[1] : NULL);
}

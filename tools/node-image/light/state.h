/* What is known of a light machine's units: one fact a file, /run/light/UNIT.FACT.
 *
 * systemctl starts and stops, and writes these; PID 1 reads them when a process has ended.
 *
 *   pid       the main process (-1: none any more, and the unit counts as active all the same)
 *   starting  the process that is starting the unit
 *   restart   the unit is wanted: its Restart= and the milliseconds until the next try
 *   pending   it has ended and will be started again
 *   result    how it ended when it failed
 *   count     tries since somebody last started it by hand
 */
#ifndef STATE_H
#define STATE_H
#include <stddef.h>
#include <sys/types.h>

#define STATE "/run/light"
#define KEEPER STATE "/keeper" /* PID 1 listens there: "notify UNIT" with a socket, "again UNIT" */
#define SYSTEMCTL "/usr/lib/light/light-systemctl"
#define AGAIN "light-restart" /* the name by which PID 1 calls systemctl to start a unit again */

/* The path of a fact, valid until the fourth call from now. */
const char *state_path(const char *unit, const char *fact);
/* The number a fact holds, 0 where there is none. */
long state_number(const char *unit, const char *fact);
/* The text of a fact without its line's end; 0 where there is none. */
int state_text(const char *unit, const char *fact, char *text, size_t size);
void state_put(const char *unit, const char *fact, const char *text);
void state_put_number(const char *unit, const char *fact, long number);
void state_drop(const char *unit, const char *fact);
int state_has(const char *unit, const char *fact);
/* The number in any file, 0 where there is none. */
long number_in(const char *path);
int alive(long process);
/* Whether systemd would start a unit again after that: `status` is a waitpid(2) status. */
int wants_again(const char *policy, int status, int timed_out);
/* Say how it ended as systemd does: "exit-code 1", "signal 9"; '' for a clean end. */
void result_of(int status, char *text, size_t size);
#endif

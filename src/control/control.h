/* Control: the control side of one client (control-spec): all its controllers, what they may ask,
 * and what they are told. No I/O: what only its surroundings can do it asks through struct
 * control_world. */
#ifndef TUNIC_CONTROL_CONTROL_H
#define TUNIC_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/env.h"
#include "control/steering.h"

struct client;
struct control;
struct mdtexts;
struct session;

/* CLIENT, OPS and WORLD are borrowed and outlive it. Without a CLIENT (NULL) nothing is told of
 * one. NULL out of memory. */
struct control *control_new(struct env *env, struct client *client, const struct control_world *ops,
                            void *world);
/* Its sessions have been freed before. NULL is fine. */
void control_free(struct control *c);

struct env *control_env(const struct control *c);
struct client *control_client(const struct control *c);
const struct control_world *control_world(const struct control *c, void **world);
struct steering *control_steering(struct control *c);
struct mdtexts *control_mdtexts(struct control *c);
/* Those that hold now; good until the next change. */
const struct options *control_options(const struct control *c);

/* What a controller has to show from now on, if the options ask for a cookie; copied. NULL: there
 * is none. */
void control_set_cookie(struct control *c, const uint8_t *cookie);
const uint8_t *control_cookie(const struct control *c); /* NULL: there is none */

/* A line of the log, for who wants DEBUG, INFO...; from wherever it is written. */
void control_log(struct control *c, enum log_level level, const char *line);

/* ---- for sessions ---- */

/* Whether one more session may be. The oldest that has not authenticated gives way if need be. */
bool control_has_room(struct control *c);
void control_say_opened(struct control *c, const struct ip *from);
void control_add(struct control *c, struct session *s);
void control_remove(struct control *c, struct session *s);
/* What sessions want has changed. */
void control_count_wishes(struct control *c);
/* S, which is over and WAS_OPEN or not, wants nothing more. */
void control_forget_wishes(struct control *c, struct session *s, bool was_open);
/* Whether an event that has come leaves with this wake-up; else session_send_waiting() follows. */
bool control_pace_is_open(struct control *c);
/* The connection of one that owned the process is over. */
void control_lose_owner(struct control *c);

/* ---- for told.c ---- */

/* N events were left out, some of them of TOLD: for who wants any of these, they were dropped. */
void control_count_lost(struct control *c, uint64_t told, size_t n);

#endif

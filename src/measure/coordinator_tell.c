/* What the coordinator has and what becomes of it, told to those who follow it: JSON objects. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/encode.h"
#include "measure/coordinator_int.h"
#include "measure/jsontext.h"
#include "measure/pin.h"

size_t coordinator_measurers(const struct coordinator *c)
{
    size_t n = 0;
    for (struct csession *s = c->sessions; s; s = s->next)
        n += s->open ? 1 : 0;
    return n;
}

size_t coordinator_jobs(const struct coordinator *c)
{
    return c->n_jobs;
}

/* Whoever follows a job waits for its last event, so there is one in any case. */
static void tell(const struct cjob *j, json_t *gift_object, bool last)
{
    struct coordinator *c = j->coordinator;
    char *text = jsontext_make(gift_object, ""), poor[IPPORT_TEXT_MAX + 200];
    snprintf(poor, sizeof poor,
             "{\"event\":\"result\",\"id\":%u,\"relay\":\"%s\",\"ok\":false,\"why\":\"cancelled\","
             "\"detail\":\"out of memory: what came of it cannot be told\"}",
             j->meas_id, j->relay);
    if ((text || last) && c->ops->on_event)
        c->ops->on_event(c->arg, j->meas_id, text ? text : poor, last);
    free(text);
}

void ctell_state(const struct cjob *j, const char *state)
{
    tell(j,
         json_pack("{sssIssss}", "event", "state", "id", (json_int_t)j->meas_id, "relay", j->relay,
                   "state", state),
         false);
}

static json_t *circs(const struct cjob *j)
{
    unsigned all = 0, ready = 0, bad = 0;
    for (size_t k = 0; j->run && k < j->config.n_members; k++) {
        const struct connected_to_relay *m = run_circs(j->run, k);
        all += m->circs;
        ready += m->ready_circs;
        bad += m->bad_circs;
    }
    return json_pack("{sisisisi}", "circs", (int)all, "ready_circs", (int)ready, "bad_circs",
                     (int)bad, "waiting_circs", (int)(all - ready));
}

static json_t *second_of(const struct cjob *j, const struct run_second *s)
{
    uint64_t bg = estimate_claim(&s->sum);
    bool hears = j->config.mode == MEAS_FLASHFLOW; /* else it is unknown, and left out */
    return json_pack("{sisisIsIso*sIsIsi}", "sec", (int)s->sec, "dur", (int)j->config.dur, "bw",
                     (json_int_t)s->t, "x", (json_int_t)s->sum.x, "bg",
                     hears ? json_integer((json_int_t)bg) : NULL, "checked", (json_int_t)s->checked,
                     "bad", (json_int_t)s->bad, "blocked", (int)s->sum.blocked);
}

void ctell_second(const struct cjob *j, const struct run_second *s)
{
    json_t *object =
        json_pack("{sssIss}", "event", "second", "id", (json_int_t)j->meas_id, "relay", j->relay);
    tell(j, jsontext_with(jsontext_with(object, second_of(j, s)), circs(j)), false);
}

void ctell_result(const struct cjob *j, const char *line)
{
    json_t *object = NULL;
    char why[JSON_WHY_MAX];
    if (line && jsontext_read(text_of(line), &object, why) == OK)
        (void)json_object_set_new(object, "event", json_string("result"));
    tell(j, object, true);
}

/* ---- looks ---- */

static json_t *job_json(const struct cjob *j)
{
    json_t *object =
        json_pack("{sIssss}", "id", (json_int_t)j->meas_id, "relay", j->relay, "state",
                  j->run                                   ? run_state_name(run_state(j->run))
                  : j->proving                             ? "PROVING"
                  : !coordinator_measurers(j->coordinator) ? "WAITING: no measurer is connected"
                                                           : "WAITING");
    if (object && j->run)
        object = jsontext_with(object, circs(j));
    if (object && j->newest.sec)
        object = jsontext_with(object, second_of(j, &j->newest));
    return object;
}

static const struct csession *session_of(const struct coordinator *c, const char *name)
{
    for (const struct csession *s = c->sessions; s; s = s->next)
        if (s->open && strcmp(s->who.name, name) == 0)
            return s;
    return NULL;
}

static json_t *measurer_json(const struct coordinator *c, const struct mconf_measurer *m)
{
    char pin[PIN_TEXT_MAX], ed[BASE64_SIZE(32)];
    const struct csession *s = session_of(c, m->name);
    json_t *object = json_pack("{sssssIsbsisb}", "name", m->name, "pin", pin_text(&m->pin, pin),
                               "bw", (json_int_t)m->bw, "connected", s != NULL, "part_percent",
                               (int)agree_percent(&c->agree, m->name), "disagrees",
                               agree_is_odd(&c->agree, m->name));
    if (!object || !s)
        return object;
    (void)base64_encode(s->hello.identity.b, sizeof s->hello.identity.b, false, ed);
    return jsontext_with(object, json_pack("{sssssssisisI}", "says", s->hello.name, "software",
                                           s->hello.software, "identity", ed, "sockets_max",
                                           (int)s->hello.sockets_max, "cores", (int)s->hello.cores,
                                           "free_bw", (json_int_t)csession_free_bw(s)));
}

/* An array of N things. */
static json_t *list(size_t n, json_t *(*one)(const struct coordinator *c, size_t i),
                    const struct coordinator *c)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++)
        if (json_array_append_new(array, one(c, i)) != 0) {
            json_decref(array);
            array = NULL;
        }
    return array;
}

static json_t *measurer_at(const struct coordinator *c, size_t i)
{
    return measurer_json(c, &c->conf.measurers[i]);
}

static json_t *job_at(const struct coordinator *c, size_t i)
{
    const struct cjob *j = c->jobs;
    while (i--)
        j = j->next;
    return job_json(j);
}

char *coordinator_measurers_json(const struct coordinator *c)
{
    return jsontext_make(json_pack("{so}", "measurers", list(c->conf.n_measurers, measurer_at, c)),
                         "");
}

char *coordinator_status_json(const struct coordinator *c)
{
    return jsontext_make(json_pack("{sssoso}", "state", c->finishing ? "FINISHING" : "READY",
                                   "measurers", list(c->conf.n_measurers, measurer_at, c), "jobs",
                                   list(c->n_jobs, job_at, c)),
                         "");
}

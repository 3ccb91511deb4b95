#include "monitor/feed.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/pace.h"
#include "client/client.h"
#include "monitor/feed_fields.h"
#include "monitor/feed_lines.h"

/* One connection. */
struct reader {
    struct feed *feed;
    const struct talk_ops *ops;
    void *holder;
    char line[FEED_LINE_MOST];
    size_t len;
    bool ended;
    struct buf out;
    uint32_t wants; /* rows of feed_event_row() */
    uint64_t lost;  /* events since the last that was sent */
    struct reader *prev, *next;
};

struct feed {
    struct env *env;
    struct client *client;
    bool (*destinations)(void *arg);
    void *arg;
    struct event_listener listener;
    struct reader *readers;
    size_t n_readers;
    struct pace pace; /* of events, of all readers at once */
};

static struct feed_scope scope_of(const struct feed *f)
{
    return (struct feed_scope){.client = f->client, .destinations = f->destinations(f->arg)};
}

/* ---- what is sent ---- */

static void end(struct reader *r)
{
    r->ended = true;
    r->ops->on_end(r->holder);
}

/* TEXT and a line's end, or nothing. */
static err_t add(struct reader *r, const char *text, size_t len)
{
    uint8_t *room = buf_room(&r->out, len + 1);
    if (!room)
        return ERR_FULL;
    memcpy(room, text, len);
    room[len] = '\n';
    buf_commit(&r->out, len + 1);
    return OK;
}

static void send_waiting(void *arg)
{
    struct feed *f = arg;
    struct reader *r;
    DL_FOREACH (f->readers, r)
        if (r->out.len && !r->ended)
            r->ops->on_output(r->holder);
}

static char *text_of_line(json_t *gift_line)
{
    char *text = gift_line ? json_dumps(gift_line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(gift_line);
    return text;
}

static void say_lost(struct reader *r)
{
    char *text;
    if (!r->lost)
        return;
    text = text_of_line(json_pack("{s:s,s:I}", "event", "LOST", "lost", (json_int_t)r->lost));
    if (text && add(r, text, strlen(text)) == OK)
        r->lost = 0;
    free(text);
}

/* An event. What it does not take is counted, and said once it takes something again. */
static void tell(struct reader *r, const char *text, size_t len)
{
    if (r->out.len + len > FEED_QUEUE_MOST) {
        r->lost++;
        return;
    }
    say_lost(r);
    if (r->lost || add(r, text, len) != OK)
        r->lost++;
    if (pace_is_open(&r->feed->pace) || r->out.len >= PACE_ENOUGH)
        r->ops->on_output(r->holder);
}

/* An answer: one that cannot be given ends the connection. */
static void answer(struct reader *r, json_t *gift_line)
{
    char *text = text_of_line(gift_line);
    if (!text || add(r, text, strlen(text)) != OK)
        end(r);
    else
        r->ops->on_output(r->holder);
    free(text);
}

static void say_hello(struct reader *r)
{
    const struct feed_scope scope = scope_of(r->feed);
    answer(r, feed_hello(&scope, r->feed->env->wall_us));
}

/* ---- events ---- */

static void tell_row(struct feed *f, size_t i, const struct event_record *e)
{
    const struct feed_scope scope = scope_of(f);
    struct reader *r;
    char *text = NULL;
    size_t len = 0;
    DL_FOREACH (f->readers, r) {
        if (r->ended || !(r->wants & UINT32_C(1) << i))
            continue;
        if (!text) {
            text = text_of_line(feed_event(&scope, i, e));
            if (!text)
                return; /* it is no such event */
            len = strlen(text);
        }
        tell(r, text, len);
    }
    free(text);
}

static void on_event(void *arg, const struct event_record *e)
{
    const struct feed_event_row *row;
    for (size_t i = 0; (row = feed_event_row(i)); i++)
        if (row->kind == e->kind)
            tell_row(arg, i, e);
}

static void on_lost(void *arg, size_t n)
{
    struct feed *f = arg;
    struct reader *r;
    DL_FOREACH (f->readers, r)
        r->lost += n;
}

/* What readers want has changed. */
static void follow_wishes(struct feed *f)
{
    const struct feed_event_row *row;
    const struct reader *r;
    uint32_t wanted = 0;
    unsigned kinds = 0;
    DL_FOREACH (f->readers, r)
        wanted |= r->wants;
    for (size_t i = 0; (row = feed_event_row(i)); i++)
        if (wanted & UINT32_C(1) << i)
            kinds |= EVENT_BIT(row->kind);
    if (kinds != f->listener.kinds)
        client_listen(f->client, &f->listener, kinds);
}

/* ---- what a reader says ---- */

static void refuse(struct reader *r, const char *why)
{
    answer(r, json_pack("{s:s,s:s}", "event", "ERROR", "error", why));
}

/* The rows of the events in NAMES; false: one of them is none. */
static bool rows_of(json_t *names, uint32_t *out)
{
    size_t k;
    json_t *name;
    *out = 0;
    json_array_foreach(names, k, name)
    {
        const struct feed_event_row *row;
        size_t i = 0;
        while ((row = feed_event_row(i)) &&
               (!json_is_string(name) || strcmp(row->name, json_string_value(name)) != 0))
            i++;
        if (!row)
            return false;
        *out |= UINT32_C(1) << i;
    }
    return true;
}

static json_t *names_of(uint32_t rows)
{
    const struct feed_event_row *row;
    json_t *array = json_array();
    for (size_t i = 0; (row = feed_event_row(i)); i++)
        if (rows & UINT32_C(1) << i)
            json_array_append_new(array, json_string(row->name));
    return array;
}

static void want(struct reader *r, json_t *names)
{
    uint32_t rows;
    if (!json_is_array(names) || !rows_of(names, &rows)) {
        refuse(r, "\"want\" is a list of names of events");
        return;
    }
    r->wants = rows;
    follow_wishes(r->feed);
    answer(r, json_pack("{s:s,s:o}", "event", "WANTED", "want", names_of(rows)));
}

static void take_line(struct reader *r)
{
    json_t *line = json_loadb(r->line, r->len, JSON_REJECT_DUPLICATES, NULL);
    json_t *names = json_object_get(line, "want");
    if (names)
        want(r, names);
    else if (json_is_true(json_object_get(line, "hello")))
        say_hello(r);
    else
        refuse(r, "a line is {\"want\":[\"CIRC\",...]} or {\"hello\":true}");
    json_decref(line);
}

/* ---- the machine ---- */

static uint8_t *reader_room(void *talk, size_t *room)
{
    struct reader *r = talk;
    *room = r->ended || r->out.len > FEED_QUEUE_MOST ? 0 : sizeof r->line - r->len;
    return *room ? (uint8_t *)r->line + r->len : NULL;
}

static void reader_done(void *talk, size_t len)
{
    struct reader *r = talk;
    const char *line_end;
    r->len += len;
    while (!r->ended && (line_end = memchr(r->line, '\n', r->len))) {
        size_t all = r->len, used = (size_t)(line_end - r->line) + 1;
        r->len = used - 1;
        take_line(r);
        memmove(r->line, r->line + used, all - used);
        r->len = all - used;
    }
    if (!r->ended && r->len == sizeof r->line) {
        refuse(r, "a line has at most 4096 bytes");
        end(r);
    }
}

static const uint8_t *reader_out(void *talk, size_t *len)
{
    struct reader *r = talk;
    *len = r->out.len;
    return *len ? buf_at(&r->out) : NULL;
}

static void reader_sent(void *talk, size_t len)
{
    struct reader *r = talk;
    bool was_full = r->out.len > FEED_QUEUE_MOST;
    buf_drain(&r->out, len);
    if (!r->out.len) {
        say_lost(r);
        buf_trim(&r->out);
    }
    if (was_full && r->out.len <= FEED_QUEUE_MOST)
        r->ops->on_input_wanted(r->holder);
}

/* All but what is told each second, which is asked for by name. */
static uint32_t usual_rows(void)
{
    const struct feed_event_row *row;
    uint32_t rows = 0;
    for (size_t i = 0; (row = feed_event_row(i)); i++)
        if (!row->each_second)
            rows |= UINT32_C(1) << i;
    return rows;
}

static void *reader_new(void *feed, const struct ipport *peer, const struct talk_ops *ops,
                        void *holder)
{
    struct feed *f = *(struct feed **)feed;
    struct reader *r = f && f->n_readers < FEED_READERS_MOST ? calloc(1, sizeof *r) : NULL;
    (void)peer;
    if (!r)
        return NULL;
    *r = (struct reader){.feed = f, .ops = ops, .holder = holder, .wants = usual_rows()};
    buf_init(&r->out, FEED_HELLO_MOST + FEED_QUEUE_MOST);
    DL_APPEND(f->readers, r);
    f->n_readers++;
    follow_wishes(f);
    say_hello(r);
    return r;
}

static void reader_free(void *talk)
{
    struct reader *r = talk;
    struct feed *f = r->feed;
    DL_DELETE(f->readers, r);
    f->n_readers--;
    follow_wishes(f);
    buf_free(&r->out);
    free(r);
}

const struct talk_kind feed_talk = {.make = reader_new,
                                    .in_room = reader_room,
                                    .in_done = reader_done,
                                    .out = reader_out,
                                    .sent = reader_sent,
                                    .free = reader_free};

struct feed *feed_new(struct env *env, struct client *client, bool (*destinations)(void *arg),
                      void *arg)
{
    struct feed *f = calloc(1, sizeof *f);
    if (!f)
        return NULL;
    *f = (struct feed){.env = env, .client = client, .destinations = destinations, .arg = arg};
    f->listener = (struct event_listener){.on_event = on_event, .on_lost = on_lost, .arg = f};
    pace_init(&f->pace, env, send_waiting, f);
    return f;
}

void feed_free(struct feed *f)
{
    if (!f)
        return;
    events_unlisten(&f->listener);
    pace_end(&f->pace);
    free(f);
}

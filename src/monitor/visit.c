#include "monitor/visit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

enum { ANSWER_MOST = 1 << 20 };

struct visit {
    struct visits *all;
    const struct talk_ops *ops;
    void *holder;
    bool answered;
    char head[VISIT_HEAD_MOST];
    size_t len;
    struct text_out out;
    size_t sent;
    struct timer patience;
};

/* ---- the answer ---- */

static void write_head(struct visit *v, const char *status, const char *type, size_t len)
{
    char date[40] = "";
    struct tm tm;
    time_t now = (time_t)(v->all->env->wall_us / 1000000);
    if (gmtime_r(&now, &tm))
        strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    out_printf(&v->out,
               "HTTP/1.1 %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
               "Connection: close\r\n\r\n",
               status, date, type, len);
}

static void answer(struct visit *v, const char *status, const char *type, struct text text,
                   bool head_only)
{
    v->answered = true;
    write_head(v, status, type, text.len);
    if (!head_only)
        out_add(&v->out, text.s, text.len);
    if (out_end(&v->out) != OK)
        out_free(&v->out); /* he is told nothing */
    v->ops->on_output(v->holder);
    v->ops->on_end(v->holder);
}

static void refuse(struct visit *v, const char *status)
{
    answer(v, status, "text/plain; charset=utf-8", text_of(status), false);
}

static void answer_figures(struct visit *v, bool head_only)
{
    struct text_out text = text_out(ANSWER_MOST);
    v->all->write(v->all->arg, &text);
    if (out_end(&text) == OK)
        answer(v, "200 OK", "text/plain; version=0.0.4; charset=utf-8",
               (struct text){out_text(&text), text.len}, head_only);
    else
        refuse(v, "503 Service Unavailable");
    out_free(&text);
}

/* ---- the request ---- */

static void take_request(struct visit *v, struct text head)
{
    struct text line = {"", 0}, method, path, version;
    if (!text_line(&head, &line) || !text_token(&line, &method) || !text_token(&line, &path) ||
        !text_token(&line, &version) || !text_starts(version, "HTTP/1."))
        refuse(v, "400 Bad Request");
    else if (!text_is(method, "GET") && !text_is(method, "HEAD"))
        refuse(v, "405 Method Not Allowed");
    else if (!text_is(path, "/metrics"))
        refuse(v, "404 Not Found");
    else
        answer_figures(v, text_is(method, "HEAD"));
}

static bool is_whole(const struct visit *v)
{
    return memmem(v->head, v->len, "\r\n\r\n", 4) || memmem(v->head, v->len, "\n\n", 2);
}

static uint8_t *visit_room(void *visit, size_t *room)
{
    struct visit *v = visit;
    *room = v->answered ? 0 : sizeof v->head - v->len;
    return *room ? (uint8_t *)v->head + v->len : NULL;
}

/* Of what is no HTTP (TLS, say) no end of a line is awaited: a method begins with a capital. */
static bool is_no_request(const struct visit *v)
{
    return v->head[0] < 'A' || v->head[0] > 'Z';
}

static void visit_done(void *visit, size_t len)
{
    struct visit *v = visit;
    v->len += len;
    if (v->len && is_no_request(v))
        refuse(v, "400 Bad Request");
    else if (is_whole(v))
        take_request(v, (struct text){v->head, v->len});
    else if (v->len == sizeof v->head)
        refuse(v, "431 Request Header Fields Too Large");
}

static const uint8_t *visit_out(void *visit, size_t *len)
{
    struct visit *v = visit;
    *len = v->out.len - v->sent;
    return *len ? (const uint8_t *)v->out.s + v->sent : NULL;
}

static void visit_sent(void *visit, size_t len)
{
    struct visit *v = visit;
    v->sent += len;
}

/* ---- its life ---- */

static void patience_over(void *visit)
{
    struct visit *v = visit;
    v->answered = true;
    v->ops->on_end(v->holder);
}

static void *visit_new(void *visits, const struct ipport *peer, const struct talk_ops *ops,
                       void *holder)
{
    struct visits *all = visits;
    struct visit *v = NULL;
    if (all->n < VISITS_MOST && all->is_welcome(all->arg, peer))
        v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    *v = (struct visit){
        .all = all, .ops = ops, .holder = holder, .out = text_out(ANSWER_MOST + VISIT_HEAD_MOST)};
    timer_init(&v->patience, patience_over, v);
    env_arm_ms(all->env, &v->patience, VISIT_MS);
    all->n++;
    return v;
}

static void visit_free(void *visit)
{
    struct visit *v = visit;
    env_disarm(v->all->env, &v->patience);
    v->all->n--;
    out_free(&v->out);
    free(v);
}

const struct talk_kind visit_talk = {.make = visit_new,
                                     .in_room = visit_room,
                                     .in_done = visit_done,
                                     .out = visit_out,
                                     .sent = visit_sent,
                                     .free = visit_free};

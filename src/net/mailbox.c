#include "net/mailbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "crypto/secret.h"
#include "net/net_int.h"

struct mailbox {
    struct net *net;
    void (*on_letter)(void *arg, const struct letter *letter);
    void *arg;
    int bell; /* readable while there may be letters */
    struct event *event;
    pthread_mutex_t lock; /* of the list, which alone is shared */
    struct letter *first, **last;
};

void *letter_new(size_t size)
{
    struct letter *l = calloc(1, size);
    if (l)
        l->size = size;
    return l;
}

void letter_free(void *letter)
{
    struct letter *l = letter;
    if (!l)
        return;
    secret_wipe(l, l->size);
    free(l);
}

/* All that are there now: what is posted meanwhile rings again. */
static struct letter *take_all(struct mailbox *m)
{
    pthread_mutex_lock(&m->lock);
    struct letter *all = m->first;
    m->first = NULL;
    m->last = &m->first;
    pthread_mutex_unlock(&m->lock);
    return all;
}

static void deliver(evutil_socket_t fd, short what, void *arg)
{
    struct mailbox *m = arg;
    uint64_t rings;
    (void)what;
    net_touch(m->net);
    (void)!read(fd, &rings, sizeof rings);
    for (struct letter *l = take_all(m), *next; l; l = next) {
        next = l->next;
        m->on_letter(m->arg, l);
        letter_free(l);
    }
}

void mailbox_post(struct mailbox *m, void *gift_letter)
{
    struct letter *l = gift_letter;
    uint64_t ring = 1;
    l->next = NULL;
    pthread_mutex_lock(&m->lock);
    *m->last = l;
    m->last = &l->next;
    pthread_mutex_unlock(&m->lock);
    (void)!write(m->bell, &ring, sizeof ring);
}

err_t mailbox_new(struct net *n, void (*on_letter)(void *arg, const struct letter *letter),
                  void *arg, struct mailbox **out)
{
    struct mailbox *m = calloc(1, sizeof *m);
    if (!m)
        return ERR_NOMEM;
    *m = (struct mailbox){.net = n, .on_letter = on_letter, .arg = arg};
    m->last = &m->first;
    (void)pthread_mutex_init(&m->lock, NULL); /* one without attributes needs nothing */
    m->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (m->bell >= 0)
        m->event = event_new(n->base, m->bell, EV_READ | EV_PERSIST, deliver, m);
    if (!m->event || event_add(m->event, NULL) != 0) {
        err_t e = m->bell < 0 ? ERR_IO : ERR_NOMEM;
        mailbox_free(m);
        return e;
    }
    *out = m;
    return OK;
}

void mailbox_free(struct mailbox *m)
{
    if (!m)
        return;
    if (m->event)
        event_free(m->event);
    if (m->bell >= 0)
        close(m->bell);
    for (struct letter *l = take_all(m), *next; l; l = next) {
        next = l->next;
        letter_free(l);
    }
    pthread_mutex_destroy(&m->lock);
    free(m);
}

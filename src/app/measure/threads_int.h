/* What an owner of threads and a thread say to each other. */
#ifndef TUNIC_APP_MEASURE_THREADS_INT_H
#define TUNIC_APP_MEASURE_THREADS_INT_H

#include <pthread.h>

#include "app/measure/threads.h"
#include "net/mailbox.h"

enum order_kind {
    ORDER_BEGIN,
    ORDER_GO,
    ORDER_ALLOC,
    ORDER_HEARD,
    ORDER_STOP,
    ORDER_FREE,
    ORDER_QUIT, /* of the thread */
};

/* Owner to thread. Of a measurement that is over there none but ORDER_FREE has an effect. */
struct order {
    struct letter letter;
    enum order_kind kind;
    uint64_t job; /* counted by the owner: never the same twice */
    char name[MEAS_NAME_MAX + 1];
    struct connect_to_relay told; /* without a proof */
    unsigned first;               /* circuit */
    uint64_t alloc_bw;
    enum meas_code code;
    char info[MEAS_INFO_MAX];
};

enum news_kind { NEWS_CONNECTED, NEWS_REPORT, NEWS_ENDED, NEWS_LOG };

/* Thread to owner. */
struct news {
    struct letter letter;
    enum news_kind kind;
    uint64_t job;
    unsigned thread;
    struct connected_to_relay circs;
    struct bw_report report;
    bool failed;
    struct meas_failure failure;
    enum log_level level;
    char text[MEAS_INFO_MAX]; /* why a circuit became bad; a line of the log */
};

/* One thread. Its owner makes it, starts it, and after that touches nothing but ORDERS until it
 * has ended. */
struct thread {
    unsigned i;
    pthread_t id;
    bool runs;
    struct log log;
    struct net *net;
    struct tls_ctx *tls;
    bool has_identity, dead_man;
    unsigned open_over_ms;
    struct link_identity identity;
    struct mailbox *orders, *news; /* news: the owner's */
    struct order *quit;            /* so that it ends without memory, too */
    struct thread_job *jobs;
};

MUST_USE err_t thread_start(struct thread *t);
/* Posts that it is to quit, waits for that, and frees what it has. */
void thread_end(struct thread *t);

#endif

#include "app/measure/wires.h"

#include <sys/resource.h>

#include "net/conn.h"
#include "net/linksock.h"

static const struct conn_machine link_machine = {
    .in_room = linksock_in_room,
    .in_done = linksock_in_done,
    .in_end = linksock_in_end,
    .out = linksock_out,
    .sent = linksock_sent,
    .connected = linksock_connected,
};

static void dial(void *world, struct link *l)
{
    struct conn *c = conn_dial(world, &link_target(l)->reach.addr, NULL, &link_machine, l);
    link_set_io(l, c);
    if (!c)
        link_close(l, ERR_NOMEM, OR_RESOURCELIMIT, "out of memory");
}

/* Of the thread: its loop is all that it does. */
static uint64_t cpu_us(void *world)
{
    struct rusage u;
    (void)world;
    if (getrusage(RUSAGE_THREAD, &u) != 0)
        return 0;
    return (uint64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * US_PER_SEC +
           (uint64_t)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

const struct meas_world wires_world = {dial, linksock_output, linksock_hangup, cpu_us};

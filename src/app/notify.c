#include "app/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"

/* sd_notify(3): "If the first character of $NOTIFY_SOCKET is "/" or "@", the string is understood
 * as an AF_UNIX or Linux abstract namespace socket". ERR_NOT_FOUND: there is none of these. */
static err_t address_of(const char *name, struct sockaddr_un *out, socklen_t *len)
{
    size_t n = name ? strlen(name) : 0;
    *out = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (n < 2 || (name[0] != '/' && name[0] != '@') || n > sizeof out->sun_path)
        return ERR_NOT_FOUND;
    memcpy(out->sun_path, name, n);
    if (name[0] == '@')
        out->sun_path[0] = 0;
    *len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    return OK;
}

/* ERR_IO (logged), ERR_NOT_FOUND: nobody wants to know. */
static err_t say(const struct log *log, const char *text)
{
    struct sockaddr_un to;
    socklen_t len;
    TRY(address_of(getenv("NOTIFY_SOCKET"), &to, &len));
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ssize_t sent = -1;
    if (fd >= 0)
        sent = sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&to, len);
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (sent >= 0)
        return OK;
    log_warn(log, "The service manager could not be told %s: %s", text, strerror(error));
    return ERR_IO;
}

void notify_pid(const struct log *log)
{
    char text[64];
    snprintf(text, sizeof text, "MAINPID=%ld", (long)getpid());
    (void)!say(log, text);
}

void notify_ready(const struct log *log)
{
    if (say(log, "READY=1") == OK)
        log_info(log, "Signaled readiness to the service manager");
}

/* sd_notify(3): RELOADING=1 "should always be combined with the MONOTONIC_USEC= field, which
 * should contain the current CLOCK_MONOTONIC timestamp". */
void notify_reloading(const struct log *log)
{
    struct timespec t;
    char text[64];
    clock_gettime(CLOCK_MONOTONIC, &t);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
             (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000);
    (void)!say(log, text);
}

void notify_stopping(const struct log *log)
{
    (void)!say(log, "STOPPING=1");
}

void notify_watchdog(const struct log *log)
{
    (void)!say(log, "WATCHDOG=1");
}

/* sd_watchdog_enabled(3): WATCHDOG_PID, if set, says whom WATCHDOG_USEC is for. */
uint64_t notify_watchdog_us(void)
{
    const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    uint64_t us = 0, whom = 0;
    if (!usec || text_u64(usec, UINT64_MAX / 2, &us) != OK)
        return 0;
    if (pid && (text_u64(pid, INT32_MAX, &whom) != OK || (pid_t)whom != getpid()))
        return 0;
    return us;
}

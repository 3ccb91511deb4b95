#include "app/sandbox_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONDITIONS_MAX = 3 };

/* Of an argument, by its place from 0, the bits in MASK are VALUE. Only arguments that are numbers
 * can be looked at: what a pointer points to can change behind the filter's back. The upper half
 * of a register does not count where the kernel takes an int. */
struct condition {
    unsigned arg;
    uint32_t mask, value;
};

#define IS(arg, value)                     \
    {                                      \
        arg, UINT32_MAX, (uint32_t)(value) \
    }
/* The argument has no bits but these. */
#define ONLY(arg, bits)           \
    {                             \
        arg, ~(uint32_t)(bits), 0 \
    }
/* At least one of these bits is not set in the argument. */
#define WITHOUT(arg, bits)       \
    {                            \
        arg, (uint32_t)(bits), 0 \
    }
#define SOCKET_TYPE(arg, type)                                           \
    {                                                                    \
        arg, ~(uint32_t)(SOCK_NONBLOCK | SOCK_CLOEXEC), (uint32_t)(type) \
    }

/* Stands for this process's number. */
#define OWN_PID (UINT32_MAX - 1)

/* One way in which CALL is allowed. WHY ends in what it was seen for; tools/gen-sandbox puts it
 * into docs/sandbox.md, and reads this file line by line. */
struct rule {
    const char *call;
    const char *why;
    struct condition when[CONDITIONS_MAX]; /* a mask of 0 ends them */
};

#define OPEN_FLAGS                                                                            \
    (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | \
     O_CLOEXEC | O_DIRECTORY | O_LARGEFILE)

static const struct rule rules[] = {
    /* The loop. */
    {"epoll_wait", "the loop waits", {{0}}},
    {"epoll_pwait", "the same, where there is no epoll_wait", {{0}}},
    {"epoll_ctl", "what it waits for", {{0}}},
    {"fcntl",
     "copies of a socket: libevent's memory for many is made at once",
     {IS(1, F_DUPFD_CLOEXEC)}},
    {"poll", "whether a log's pipe, or a unix socket's peer, is there", {{0}}},
    {"ppoll", "the same, where there is no poll", {{0}}},
    {"clock_gettime", "the time, where the kernel maps no code for it", {{0}}},
    {"futex", "OpenSSL's locks and once-only starts", {{0}}},

    /* Bytes. */
    {"read", "files, sockets, the loop's signal pipe", {{0}}},
    {"write", "files, logs, sockets", {{0}}},
    {"writev", "files; what the C library says of broken memory, before it aborts", {{0}}},
    {"recvfrom", "sockets", {{0}}},
    {"sendto", "sockets; syslog; the service manager", {{0}}},
    {"close", "all of them", {{0}}},
    {"lseek", "how long a file is; stdio", {{0}}},

    /* Files. */
    {"openat",
     "torrc, logs, state, caches, /dev/null; no O_PATH, O_TMPFILE",
     {ONLY(2, OPEN_FLAGS)}},
    {"newfstatat", "what a file is, and whether it is still the same", {{0}}},
    {"fstat", "the same of an open file, by other C libraries", {{0}}},
    {"access", "whether there is a torrc", {{0}}},
    {"faccessat", "the same, where there is no access", {{0}}},
    {"getcwd", "paths that begin with no slash", {{0}}},
    {"getdents64", "a folder that %include names", {{0}}},
    {"fsync", "a file is whole before it takes another's name", {{0}}},
    {"ftruncate", "TruncateLogFile; what was appended in part", {{0}}},
    {"fchmod", "files that the group may read", {{0}}},
    {"renameat", "a file takes the place of the one before it", {{0}}},
    {"renameat2", "the same, where there is no renameat", {{0}}},
    {"rename", "the same by name: torrc", {{0}}},
    {"linkat", "SAVECONF: torrc as it was, kept beside the new one", {{0}}},
    {"unlinkat", "a file that was not written whole, or is out of date", {{0}}},
    {"unlink", "the pid file, a socket, a log that could not be used", {{0}}},
    {"chmod", "the permissions of a unix socket", {{0}}},
    {"fchmodat", "the same, where there is no chmod", {{0}}},

    /* Sockets. */
    {"socket",
     "relays, and listeners of a new torrc",
     {IS(0, AF_INET), SOCKET_TYPE(1, SOCK_STREAM)}},
    {"socket", "the same over IPv6", {IS(0, AF_INET6), SOCKET_TYPE(1, SOCK_STREAM)}},
    {"socket", "listeners with a path", {IS(0, AF_UNIX), SOCKET_TYPE(1, SOCK_STREAM)}},
    {"socket", "syslog; the service manager", {IS(0, AF_UNIX), SOCKET_TYPE(1, SOCK_DGRAM)}},
    {"socket",
     "whether an application that sends no more still reads",
     {IS(0, AF_NETLINK), SOCKET_TYPE(1, SOCK_DGRAM), IS(2, NETLINK_SOCK_DIAG)}},
    {"connect", "relays; syslog; whether a socket's path is served", {{0}}},
    {"bind", "listeners; OutboundBindAddress", {{0}}},
    {"listen", "listeners", {{0}}},
    {"accept4", "applications", {{0}}},
    {"getsockname", "which port auto became", {{0}}},
    {"getpeername", "whether a peer is still there", {{0}}},
    {"getsockopt", "how a connection went; who is at a unix socket", {IS(1, SOL_SOCKET)}},
    {"getsockopt",
     "whether a relay acknowledges what it was sent",
     {IS(1, IPPROTO_TCP), IS(2, TCP_INFO)}},
    {"setsockopt", "listeners", {IS(1, SOL_SOCKET), IS(2, SO_REUSEADDR)}},
    {"setsockopt", "IPv6 listeners", {IS(1, IPPROTO_IPV6), IS(2, IPV6_V6ONLY)}},
    {"setsockopt", "ConstrainedSockets", {IS(1, SOL_SOCKET), IS(2, SO_SNDBUF)}},
    {"setsockopt", "the same", {IS(1, SOL_SOCKET), IS(2, SO_RCVBUF)}},
    {"setsockopt", "every connection", {IS(1, IPPROTO_TCP), IS(2, TCP_NODELAY)}},

    /* Memory. While there is one thread, malloc has one heap, and mprotect is for others. */
    {"brk", "malloc", {{0}}},
    {"mmap", "malloc, cached files; never to be run", {WITHOUT(2, PROT_EXEC)}},
    {"mremap", "malloc", {{0}}},
    {"munmap", "malloc", {{0}}},
    {"madvise", "the pages of a cached file are fetched", {IS(2, MADV_POPULATE_READ)}},
    {"getrandom", "randomness", {{0}}},

    /* The process. */
    {"rt_sigreturn", "the end of a signal handler", {{0}}},
    {"rt_sigaction", "signals, handed back at the end", {{0}}},
    {"rt_sigprocmask", "abort()", {{0}}},
    {"gettid", "abort()", {{0}}},
    {"tgkill", "the same: a signal to itself", {IS(0, OWN_PID)}},
    {"getpid", "whether this is still the process that opened a file; syslog", {{0}}},
    {"prlimit64", "ConnLimit", {IS(0, 0), IS(1, RLIMIT_NOFILE)}},
    {"kill", "whether the owning controller is alive: sends nothing", {IS(1, 0)}},
    {"sysinfo", "how much qsort() may take at once", {{0}}},
    {"dup2", "a daemon lets go of its terminal", {{0}}},
    {"dup3", "the same, where there is no dup2", {{0}}},
    {"exit_group", "the end", {{0}}},
};

static unsigned conditions_of(const struct rule *r, struct scmp_arg_cmp out[CONDITIONS_MAX])
{
    unsigned n = 0;
    for (; n < CONDITIONS_MAX && r->when[n].mask; n++)
        out[n] = (struct scmp_arg_cmp){.arg = r->when[n].arg,
                                       .op = SCMP_CMP_MASKED_EQ,
                                       .datum_a = r->when[n].mask,
                                       .datum_b = r->when[n].value == OWN_PID ? (uint32_t)getpid()
                                                                              : r->when[n].value};
    return n;
}

err_t sandbox_add_rules(scmp_filter_ctx filter)
{
    struct scmp_arg_cmp when[CONDITIONS_MAX];
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++) {
        int call = seccomp_syscall_resolve_name(rules[i].call);
        unsigned n = conditions_of(&rules[i], when);
        int status = call == __NR_SCMP_ERROR
                         ? -EINVAL
                         : seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, n, when);
        if (status != 0 && status != -EDOM) /* EDOM: not one of these architectures' */
            return status == -ENOMEM ? ERR_NOMEM : ERR_BUG;
    }
    return OK;
}

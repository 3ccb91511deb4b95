#include "net/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/net_int.h"
#include "net/sockaddr.h"

enum { BACKLOG = 1024, ACCEPTS_A_TURN = 64, PAUSE_MS = 1000, NAME_SIZE = 128 };

struct listener {
    struct net *net;
    struct port_at asked; /* its path is... */
    char *unix_path;      /* ...ours */
    bool bound;           /* a file at unix_path was made: */
    dev_t dev;            /* this one, */
    ino_t ino;            /* unless another has taken its place */
    char name[NAME_SIZE]; /* "127.0.0.1:9050" or the path */
    const char *what;
    uint16_t port; /* as bound */
    int fd;
    struct event *event;
    accept_fn *fn;
    void *arg;
    struct timer pause; /* armed: no file descriptor was left */
};

static void set_name(struct listener *l, const struct ipport *tcp)
{
    char text[IPPORT_TEXT_MAX];
    snprintf(l->name, sizeof l->name, "%s", l->unix_path ? l->unix_path : ipport_text(tcp, text));
}

static err_t complain(const struct listener *l, const char *what)
{
    log_warn(l->net->env.log, "Could not %s %s: %s.%s", what, l->name, strerror(errno),
             errno == EADDRINUSE ? " Is Tor or Tunic already running?" : "");
    return ERR_IO;
}

static err_t bind_tcp(struct listener *l, bool may_be_taken)
{
    struct sockaddr_storage ss;
    struct ipport at = l->asked.tcp;
    if (l->port) /* it was there before */
        at.port = l->port;
    socklen_t len = sockaddr_of(&at, &ss);
    int one = 1;
    l->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return complain(l, "make a socket for");
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* Without this an IPv4 application would come in under a mapped address, past a policy's IPv4
     * lines. */
    if (ss.ss_family == AF_INET6)
        (void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(l->fd, (struct sockaddr *)&ss, len) != 0)
        return errno == EADDRINUSE && may_be_taken ? ERR_IO : complain(l, "bind to");
    if (listen(l->fd, BACKLOG) != 0)
        return complain(l, "listen on");
    len = sizeof ss;
    if (getsockname(l->fd, (struct sockaddr *)&ss, &len) == 0) {
        struct ipport got = sockaddr_to_ipport(&ss);
        set_name(l, &got);
        l->port = got.port;
    }
    return OK;
}

/* The folder of the socket at PATH, for OUT of SIZE bytes; false if PATH names none. */
static bool folder_of(const char *path, char *out, size_t size)
{
    snprintf(out, size, "%s", path);
    char *slash = strrchr(out, '/');
    if (!slash || *path != '/')
        return false;
    slash[slash == out] = 0;
    return true;
}

/* As tor's check_location_for_unix_socket() says it; of two lines the first is
 * check_private_dir()'s.
 */
static err_t bad_folder(const char *what, const struct port_at *at, const char *dir,
                        const struct log *log)
{
    log_warn(log,
             "Before Tor can create %s socket in \"%s\", the directory \"%s\" needs to exist, and "
             "to be accessible only by the user%s account that is running Tor.  (On some Unix "
             "systems, anybody who can list a socket can connect to it, so Tor is being careful.)",
             strcmp(what, "Control") == 0 ? "a control"
             : strcmp(what, "Event") == 0 ? "an event"
                                          : "a Socks",
             at->unix_path, dir, at->group_writable ? " and group" : "");
    return ERR_IO;
}

/* tor(1), UnixSocksGroupWritable and RelaxDirModeCheck: others must not be able to reach into the
 * folder of the socket. */
err_t listen_check_folder(const char *what, const struct port_at *at, const struct log *log)
{
    char dir[sizeof((struct sockaddr_un *)0)->sun_path];
    struct stat st;
    mode_t others = at->group_writable ? 0007 : 0077;
    if (!folder_of(at->unix_path, dir, sizeof dir)) {
        log_warn(log,
                 "Bad unix socket address '%s'.  Tor does not support relative paths for unix "
                 "sockets.",
                 at->unix_path);
        return ERR_IO;
    }
    if (at->world_writable)
        return OK; /* a socket for all may lie where all may go */
    if (stat(dir, &st) != 0) {
        log_warn(log, "Directory %s cannot be read: %s", dir, strerror(errno));
        return bad_folder(what, at, dir, log);
    }
    if (at->relax_dir_mode || !(st.st_mode & others))
        return OK;
    log_warn(log, "Permissions on directory %s are too permissive.", dir);
    return bad_folder(what, at, dir, log);
}

static mode_t mode_of(const struct port_at *at)
{
    return at->world_writable ? 0666 : at->group_writable ? 0660 : 0600;
}

/* Whether another process takes connections there: then the socket was not left behind by a run
 * that ended, and is not ours to take away. */
static bool is_served(const struct sockaddr_un *sun)
{
    struct ucred who = {.pid = 0};
    socklen_t len = sizeof who;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool served = connect(fd, (const struct sockaddr *)sun, sizeof *sun) == 0 || errno == EAGAIN;
    if (served && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0)
        served = who.pid != getpid();
    close(fd);
    return served;
}

static err_t bind_unix(struct listener *l)
{
    struct sockaddr_un sun = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(l->unix_path) >= sizeof sun.sun_path) {
        errno = ENAMETOOLONG;
        return complain(l, "bind to");
    }
    TRY(listen_check_folder(l->what, &l->asked, l->net->env.log));
    memcpy(sun.sun_path, l->unix_path, strlen(l->unix_path));
    if (lstat(l->unix_path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        if (is_served(&sun)) {
            errno = EADDRINUSE;
            return complain(l, "bind to");
        }
        (void)unlink(l->unix_path);
    }
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0 || bind(l->fd, (struct sockaddr *)&sun, sizeof sun) != 0)
        return complain(l, "bind to");
    l->bound = lstat(l->unix_path, &st) == 0;
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    if (l->bound && l->net->has_owner &&
        lchown(l->unix_path, l->net->owner_uid, l->net->owner_gid) != 0)
        return complain(l, "give away");
    if (!l->bound || chmod(l->unix_path, mode_of(&l->asked)) != 0)
        return complain(l, "set the permissions of");
    return listen(l->fd, BACKLOG) == 0 ? OK : complain(l, "listen on");
}

static void accept_one(struct listener *l, int fd, const struct sockaddr_storage *ss)
{
    struct ipport peer = sockaddr_to_ipport(ss);
    struct net_counts *counts = &l->net->counts;
    if (peer.ip.family != IP_NONE)
        *(peer.ip.family == IP_V6 ? &counts->accepted_v6 : &counts->accepted_v4) += 1;
    l->fn(l->arg, fd, &peer);
}

static bool out_of_room(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_acceptable(evutil_socket_t listen_fd, short what, void *arg)
{
    struct listener *l = arg;
    (void)what;
    if (net_is_forked(l->net)) {
        event_del(l->event);
        return;
    }
    net_touch(l->net);
    for (int i = 0; i < ACCEPTS_A_TURN; i++) {
        struct sockaddr_storage ss = {.ss_family = AF_UNSPEC};
        socklen_t len = sizeof ss;
        int fd = accept4(listen_fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(l, fd, &ss);
            continue;
        }
        if (out_of_room(errno)) {
            log_warn(l->net->env.log,
                     "No more connections can be accepted on %s for now: %s. Raise the limit of "
                     "open files (ulimit -n) or ConnLimit.",
                     l->name, strerror(errno));
            event_del(l->event);
            env_arm_ms(&l->net->env, &l->pause, PAUSE_MS);
        }
        return;
    }
}

static void pause_over(void *arg)
{
    struct listener *l = arg;
    event_add(l->event, NULL);
}

static struct listener *listener_new(struct net *n, const char *what, const struct port_at *at,
                                     accept_fn *fn, void *arg)
{
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    *l = (struct listener){.net = n, .asked = *at, .what = what, .fd = -1, .fn = fn, .arg = arg};
    timer_init(&l->pause, pause_over, l);
    if (at->unix_path && !(l->unix_path = strdup(at->unix_path))) {
        free(l);
        return NULL;
    }
    l->asked.unix_path = l->unix_path;
    set_name(l, &at->tcp);
    return l;
}

static err_t begin(struct listener *l, bool may_be_taken)
{
    TRY(l->unix_path ? bind_unix(l) : bind_tcp(l, may_be_taken));
    l->event = event_new(l->net->base, l->fd, EV_READ | EV_PERSIST, on_acceptable, l);
    return l->event && event_add(l->event, NULL) == 0 ? OK : ERR_NOMEM;
}

/* Whoever listens at the same place by now, perhaps we by another name of it, keeps his file. */
static bool is_file_ours(const struct listener *l)
{
    struct stat st;
    return l->bound && !l->net->forked && lstat(l->unix_path, &st) == 0 && st.st_dev == l->dev &&
           st.st_ino == l->ino;
}

static void end(struct listener *l)
{
    env_disarm(&l->net->env, &l->pause);
    if (is_file_ours(l))
        (void)unlink(l->unix_path);
    l->bound = false;
    if (l->event)
        event_free(l->event);
    l->event = NULL;
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
}

static err_t open_listener(struct net *n, const char *what, const struct port_at *at,
                           bool may_be_taken, accept_fn *fn, void *arg, struct listener **out)
{
    struct listener *l = listener_new(n, what, at, fn, arg);
    if (!l)
        return ERR_NOMEM;
    char asked[sizeof l->name];
    memcpy(asked, l->name, sizeof asked);
    err_t e = begin(l, may_be_taken);
    if (e != OK) {
        int error = errno;
        listener_close(l);
        errno = error;
        return e;
    }
    /* Whoever starts us may connect at the first of these lines, as txtorcon does. */
    log_notice(n->env.log, "Opening %s listener on %s", what, asked);
    log_notice(n->env.log, "Opened %s listener connection (ready) on %s", what, l->name);
    *out = l;
    return OK;
}

err_t listener_open(struct net *n, const char *what, const struct port_at *at, accept_fn *fn,
                    void *arg, struct listener **out)
{
    return open_listener(n, what, at, false, fn, arg, out);
}

err_t listener_try(struct net *n, const char *what, const struct port_at *at, accept_fn *fn,
                   void *arg, struct listener **out)
{
    return open_listener(n, what, at, true, fn, arg, out);
}

void listener_close(struct listener *l)
{
    if (!l)
        return;
    end(l);
    free(l->unix_path);
    free(l);
}

uint16_t listener_port(const struct listener *l)
{
    return l->port;
}

const char *listener_name(const struct listener *l)
{
    return l->name;
}

const struct port_at *listener_at(const struct listener *l)
{
    return &l->asked;
}

err_t listener_set_mode(struct listener *l, const struct port_at *at)
{
    bool as_it_was = l->asked.group_writable == at->group_writable &&
                     l->asked.world_writable == at->world_writable &&
                     l->asked.relax_dir_mode == at->relax_dir_mode;
    if (!l->unix_path || as_it_was)
        return OK;
    TRY(listen_check_folder(l->what, at, l->net->env.log));
    if (chmod(l->unix_path, mode_of(at)) != 0)
        return complain(l, "set the permissions of");
    l->asked.group_writable = at->group_writable;
    l->asked.world_writable = at->world_writable;
    l->asked.relax_dir_mode = at->relax_dir_mode;
    return OK;
}

void listener_stand_down(struct listener *l)
{
    end(l);
}

err_t listener_stand_up(struct listener *l)
{
    if (l->fd >= 0)
        return OK;
    err_t e = begin(l, false);
    if (e != OK)
        end(l);
    return e;
}

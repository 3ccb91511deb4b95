/* Control ports of processes that run: what their command lines and files name; where these leave
 * the number to the system, the sockets that they listen on. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/cmdline.h"
#include "app/ctl/find.h"
#include "base/addr.h"

enum { PATH_SIZE = 4096, LINE_MOST = 64 << 10, WORDS_MAX = 512, FDS_MAX = 4096 };
enum { TCP_LISTEN = 0x0A };

struct process {
    const char *proc;
    unsigned pid;
    char name[32], cwd[PATH_SIZE], from[64];
    char line[LINE_MOST + 1]; /* its command line, NULs between words */
    int argc;
    char *argv[WORDS_MAX + 1];
    struct ctl_ports ports;
    unsigned long sockets[FDS_MAX]; /* inodes */
    size_t n_sockets;
};

/* Reads PROC/PID/NAME; -1 if it is not there. */
static ssize_t read_file(const struct process *p, const char *name, char *out, size_t cap)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%u/%s", p->proc, p->pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t len = 0;
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && len + 1 < cap && (n = read(fd, out + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    if (fd >= 0)
        close(fd);
    out[len] = 0;
    return fd < 0 ? -1 : (ssize_t)len;
}

static bool is_ours(const struct process *p)
{
    struct stat st;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%u", p->proc, p->pid);
    return stat(path, &st) == 0 && (geteuid() == 0 || st.st_uid == geteuid());
}

/* A port of another network namespace is not to be had from here. */
static bool shares_network(const struct process *p)
{
    struct stat theirs, ours;
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "%s/%u/ns/net", p->proc, p->pid);
    return stat(path, &theirs) != 0 || stat("/proc/self/ns/net", &ours) != 0 ||
           (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev);
}

static bool look_at(struct process *p)
{
    char path[PATH_SIZE];
    if (read_file(p, "comm", p->name, sizeof p->name) <= 0)
        return false;
    p->name[strcspn(p->name, "\n")] = 0;
    if ((strcmp(p->name, "tor") != 0 && strcmp(p->name, "tunic") != 0) || !is_ours(p) ||
        !shares_network(p))
        return false;
    ssize_t len = read_file(p, "cmdline", p->line, sizeof p->line);
    for (char *at = p->line; len > 0 && at < p->line + len && p->argc < WORDS_MAX;
         at += strlen(at) + 1)
        p->argv[p->argc++] = at;
    p->argv[p->argc] = NULL;
    snprintf(path, sizeof path, "%s/%u/cwd", p->proc, p->pid);
    ssize_t n = readlink(path, p->cwd, sizeof p->cwd - 1);
    p->cwd[n > 0 ? n : 0] = 0;
    snprintf(p->from, sizeof p->from, "process %u (%s)", p->pid, p->name);
    return p->argc > 0;
}

/* ---- its configuration ---- */

static void find_file(struct ctl_candidates *out, struct process *p, const char *path)
{
    char whole[2 * PATH_SIZE], from[PATH_SIZE];
    if (!path || strcmp(path, "-") == 0)
        return;
    snprintf(whole, sizeof whole, "%s%s%s", *path == '/' ? "" : p->cwd, *path == '/' ? "" : "/",
             path);
    snprintf(from, sizeof from, "%.100s of %s", path, p->from);
    (void)ctl_find_torrc(out, whole, p->cwd, from, &p->ports);
}

static void find_configured(struct ctl_candidates *out, struct process *p)
{
    const struct log silent = {.least = LOG_ERR};
    struct cmdline *c = NULL;
    struct conf_err e;
    if (cmdline_parse(p->argc, p->argv, &silent, &c, &e) == OK && c->command == CMD_RUN) {
        ctl_find_lines(out, c->options, p->cwd, p->from, &p->ports);
        find_file(out, p, c->torrc);
        find_file(out, p, c->defaults_torrc);
    }
    cmdline_free(c);
}

/* ---- its sockets ---- */

static void read_sockets(struct process *p)
{
    char path[PATH_SIZE], target[64];
    snprintf(path, sizeof path, "%s/%u/fd", p->proc, p->pid);
    DIR *dir = opendir(path);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) && p->n_sockets < FDS_MAX) {
        ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof target - 1);
        target[n > 0 ? n : 0] = 0;
        if (sscanf(target, "socket:[%lu]", &p->sockets[p->n_sockets]) == 1)
            p->n_sockets++;
    }
    if (dir)
        closedir(dir);
}

static bool has_socket(const struct process *p, unsigned long inode)
{
    for (size_t i = 0; i < p->n_sockets; i++)
        if (p->sockets[i] == inode)
            return true;
    return false;
}

static bool is_other(const struct process *p, unsigned port)
{
    for (size_t i = 0; i < p->ports.n; i++)
        if (p->ports.others[i] == port)
            return true;
    return false;
}

/* "0100007F" in the words of this machine's memory: 127.0.0.1. */
static bool read_address(const char *hex, struct ip *out)
{
    size_t len = strlen(hex);
    if (len != 8 && len != 32)
        return false;
    *out = (struct ip){.family = len == 8 ? IP_V4 : IP_V6};
    for (size_t word = 0; word < len / 8; word++) {
        unsigned value;
        if (sscanf(hex + 8 * word, "%8x", &value) != 1)
            return false;
        memcpy(out->b + 4 * word, &value, 4);
    }
    return true;
}

/* A line of net/tcp: "  0: 0100007F:235B 00000000:0000 0A ... inode". */
static void read_tcp_line(struct ctl_candidates *out, const struct process *p, const char *line)
{
    static const struct ip loopback = {.family = IP_V4, .b = {127, 0, 0, 1}};
    char hex[33], text[IPPORT_TEXT_MAX];
    unsigned port, state;
    unsigned long inode;
    struct ipport at;
    struct ctl_place place;
    if (sscanf(line, " %*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %lu", hex, &port,
               &state, &inode) != 4 ||
        state != TCP_LISTEN || !has_socket(p, inode) || is_other(p, port) ||
        !read_address(hex, &at.ip))
        return;
    at.port = (uint16_t)port;
    if (ip_is_unspecified(&at.ip))
        at.ip = loopback;
    if (ctl_place_parse(ipport_text(&at, text), &place) == OK)
        ctl_candidate_add(out, &place, "%s listens there", p->from);
}

static void read_tcp(struct ctl_candidates *out, const struct process *p, const char *table)
{
    char path[PATH_SIZE], line[512];
    snprintf(path, sizeof path, "%s/%u/net/%s", p->proc, p->pid, table);
    FILE *f = fopen(path, "re");
    while (f && fgets(line, sizeof line, f))
        read_tcp_line(out, p, line);
    if (f)
        fclose(f);
}

void ctl_find_processes(struct ctl_candidates *out, const char *proc)
{
    DIR *dir = opendir(proc);
    const struct dirent *entry;
    struct process *p = malloc(sizeof *p);
    while (p && dir && (entry = readdir(dir))) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        memset(p, 0, sizeof *p);
        p->proc = proc;
        p->pid = (unsigned)strtoul(entry->d_name, NULL, 10);
        if (!look_at(p))
            continue;
        find_configured(out, p);
        if (!p->ports.is_auto)
            continue;
        read_sockets(p);
        read_tcp(out, p, "tcp");
        read_tcp(out, p, "tcp6");
    }
    free(p);
    if (dir)
        closedir(dir);
}

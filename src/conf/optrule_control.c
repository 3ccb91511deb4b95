/* Rules of the ways in for controllers. */
#include <string.h>

#include "conf/optlists.h"
#include "conf/optrule.h"
#include "crypto/s2k.h"

static bool is_open_to_all(const struct options *o)
{
    return !o->cookie_authentication && !o->hashed_password_lines &&
           !o->hashed_session_password_lines;
}

/* Whether a port of controllers is there that programs elsewhere could reach. */
static bool is_nonlocal(const struct port_spec *p)
{
    return p->kind == PORT_CONTROL && !p->at.unix_path && !ip_is_loopback(&p->at.tcp.ip);
}

/* As tor: warn_nonlocal_controller_ports(). */
static void drop_nonlocal(const struct checking *c)
{
    struct port_list *list = &c->o->is.ports;
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        if (!is_nonlocal(&list->of[i]))
            list->of[n++] = list->of[i];
    if (n < list->n)
        log_warn(c->log,
                 "You have a ControlPort set to accept unauthenticated connections from a "
                 "non-local address.  This means that programs not running on your computer can "
                 "reconfigure your Tor, without even having to guess a password.  That's so bad "
                 "that I'm closing your ControlPort for you.  If you need to control your Tor "
                 "remotely, try enabling authentication and using a tool like stunnel or ssh to "
                 "encrypt remote access.");
    list->n = n;
}

static void warn_nonlocal(const struct checking *c)
{
    const struct port_list *list = &c->o->is.ports;
    for (size_t i = 0; i < list->n; i++)
        if (is_nonlocal(&list->of[i])) {
            log_warn(c->log,
                     "You have a ControlPort set to accept connections from a non-local address.  "
                     "This means that programs not running on your computer can reconfigure your "
                     "Tor.  That's pretty bad, since the controller protocol isn't encrypted!  "
                     "Maybe you should just listen on 127.0.0.1 and use a tool like stunnel or ssh "
                     "to encrypt remote connections to your control port.");
            return;
        }
}

static void warn_open(const struct checking *c)
{
    bool tcp = false, world = false;
    const struct port_list *list = &c->o->is.ports;
    for (size_t i = 0; i < list->n; i++) {
        const struct port_at *at = &list->of[i].at;
        bool control = list->of[i].kind == PORT_CONTROL;
        tcp |= control && !at->unix_path;
        world |= control && at->unix_path && at->world_writable;
    }
    if (tcp || world)
        log_warn(c->log,
                 "Control%s is %s, but no authentication method has been configured.  This means "
                 "that any program on your computer can reconfigure your Tor.  That's bad!  You "
                 "should upgrade your Tor controller as soon as possible.  (\"CookieAuthentication "
                 "1\" lets in only who can read a file.)",
                 tcp ? "Port" : "Socket", tcp ? "open" : "world writable");
}

err_t rule_control_ports(const struct checking *c)
{
    struct options *o = c->o;
    bool group = o->control_sockets_group_writable;
    TRY(ports_parse(&port_grammars[PORT_CONTROL], o->control_port_lines, group, c->log,
                    &o->is.ports, c->faults));
    TRY(ports_parse(&control_socket_grammar, o->control_socket_lines, group, c->log, &o->is.ports,
                    c->faults));
    if (is_open_to_all(o)) {
        drop_nonlocal(c);
        warn_open(c);
    } else {
        warn_nonlocal(c);
    }
    return OK;
}

static err_t check_passwords(const struct checking *c, const struct conf_line *line,
                             const char *name)
{
    uint8_t hashed[S2K_LEN];
    for (; line; line = line->next)
        if (s2k_decode(text_of(line->value), hashed) != OK) {
            log_warn(c->log,
                     "%s is no password, but what \"tunic --hash-password PASSWORD\" prints.",
                     name);
            return rule_reject_opt(c, name, "Bad %s: wrong length or bad encoding", name);
        }
    return OK;
}

/* The file of the cookie, as PROTOCOLINFO shows it. */
static char *cookie_file(const struct checking *c)
{
    const struct options *o = c->o;
    if (o->cookie_auth_file && *o->cookie_auth_file)
        return path_absolute(path_expand(o->cookie_auth_file, c->env->home));
    return text_printf("%s/control_auth_cookie", o->is.data_dir);
}

err_t rule_control(const struct checking *c)
{
    struct options *o = c->o;
    TRY(check_passwords(c, o->hashed_password_lines, "HashedControlPassword"));
    TRY(check_passwords(c, o->hashed_session_password_lines, "HashedControlSessionPassword"));
    if (o->cookie_auth_file_group_readable && !o->cookie_auth_file)
        log_warn(c->log, "CookieAuthFileGroupReadable is set, but will have no effect: you must "
                         "specify an explicit CookieAuthFile to have it group-readable.");
    /* The default folder is the user's own tor's, and so is the cookie in it. */
    if (c->env->quiet == QUIET_LIBRARY && o->cookie_authentication && !o->cookie_auth_file &&
        !o->data_directory)
        TRY(rule_reject_opt(c, "CookieAuthentication",
                            "CookieAuthentication wants a CookieAuthFile: a library writes nothing "
                            "to disk without a DataDirectory"));
    o->is.cookie_file = cookie_file(c);
    if (o->control_port_file)
        o->is.control_port_file = path_absolute(path_expand(o->control_port_file, c->env->home));
    return o->is.cookie_file && (!o->control_port_file || o->is.control_port_file) ? OK : ERR_NOMEM;
}

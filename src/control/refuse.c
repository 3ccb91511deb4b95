#include "control/refuse.h"

#include <string.h>

#include "control/control.h"
#include "control/session_int.h"

static const char NOT_A_PROXY[] =
    "HTTP/1.0 501 Tor ControlPort is not an HTTP proxy\r\n"
    "Content-Type: text/html; charset=iso-8859-1\r\n\r\n"
    "<html>\n"
    "<head>\n"
    "<title>Tor's ControlPort is not an HTTP proxy</title>\n"
    "</head>\n"
    "<body>\n"
    "<h1>Tor's ControlPort is not an HTTP proxy</h1>\n"
    "<p>\n"
    "This is the control port, on which programs steer Tor. A browser's proxy is Tor's SOCKS port, "
    "9050 unless torrc says otherwise; set it as a SOCKS5 proxy, with host names looked up by the "
    "proxy.\n"
    "</p>\n"
    "<!-- Some browsers show a page of their own in place of one that is shorter than 512 bytes; "
    "this line makes it longer than that. -->\n"
    "</body>\n"
    "</html>\n";

static bool is_http(const uint8_t *bytes, size_t len)
{
    static const char *const methods[] = {"CONNECT ", "DELETE ", "GET ", "POST ", "PUT "};
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t n = strlen(methods[i]);
        if (len >= n && memcmp(bytes, methods[i], n) == 0)
            return true;
    }
    return false;
}

/* Its messages had a length and a type, of which 0x14 was the last. */
static bool is_v0(const uint8_t *bytes, size_t len)
{
    return len >= 4 && bytes[2] == 0 && bytes[3] <= 0x14;
}

/* An error of the type "internal error", length before it; tor says one NUL too many. */
static void say_v0(struct session *s)
{
    static const char text[] = "The v0 control protocol is not supported by Tor 0.1.2.17 and "
                               "later; upgrade your controller.";
    const char head[6] = {0, (char)(2 + sizeof text + 1), 0, 0, 0, 1};
    struct text_out o = text_out(256);
    out_add(&o, head, sizeof head);
    out_add(&o, text, sizeof text);
    out_char(&o, 0);
    session_say(s, &o);
    out_free(&o);
}

static void say_http(struct session *s)
{
    struct text_out o = text_out(sizeof NOT_A_PROXY);
    log_notice(control_env(s->control)->log, "Received HTTP request on ControlPort");
    out_str(&o, NOT_A_PROXY);
    session_say(s, &o);
    out_free(&o);
}

bool refuse_protocol(struct session *s, const uint8_t *bytes, size_t len)
{
    bool http = is_http(bytes, len);
    if (!http && !is_v0(bytes, len))
        return false;
    (http ? say_http : say_v0)(s);
    session_end(s);
    return true;
}

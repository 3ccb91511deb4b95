/* Gets a page through Tor, in a libevent loop of the program's own. It does not wait for anything:
 * the stream finds its way as soon as the client has one.
 * web_client "$(cat torrc)" HOST:PORT */
#include <event2/event.h>
#include <stdio.h>
#include <tunic/client.h>

static void on_page(void *base, struct tunic_stream *s, enum tunic_event event)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    char text[4096];
    ssize_t n;
    if (event == TUNIC_EVENT_OPEN && tunic_stream_write(s, request, 18, 0, NULL) < 0)
        fputs("nothing went out\n", stderr); /* CLOSED follows */
    while (event == TUNIC_EVENT_READABLE && (n = tunic_stream_read(s, text, 4096, 0, NULL)) > 0)
        fwrite(text, 1, (size_t)n, stdout);
    if (event == TUNIC_EVENT_CLOSED)
        event_base_loopbreak((struct event_base *)base);
}

int main(int argc, char **argv)
{
    struct event_base *base = event_base_new();
    struct tunic_error e = {.cls = TUNIC_OK};
    struct tunic *t = tunic_new_on_base(base, &e);
    struct tunic_client_options how = {.size = sizeof how, .torrc = argv[1]};
    struct tunic_stream_options what = {.size = sizeof what, .flags = TUNIC_BEGIN_IPV6_OK};
    what.target = argc == 3 ? argv[2] : NULL;
    what.callback = on_page;
    what.callback_arg = base;
    struct tunic_client *c = t ? tunic_client_start(t, &how, &e) : NULL;
    struct tunic_stream *s = tunic_client_stream_start(c, &what, &e);
    if (s && event_base_dispatch(base) >= 0)
        e = *tunic_stream_error(s);
    if (e.cls != TUNIC_CLOSED)
        fprintf(stderr, "%s\n", e.text);
    tunic_free_all(t);
    event_base_free(base);
    return e.cls == TUNIC_CLOSED ? 0 : 1;
}

/* Messages of a control port, and what is read out of their lines. The first byte sets the size of
 * the pieces that they come in; the result must not depend on it. */
#include <stdlib.h>
#include <string.h>

#include "app/ctl/model.h"
#include "app/ctl/reader.h"
#include "app/ctl/words.h"

enum { MOST = 4096 };

struct seen {
    size_t messages, lines, bytes;
    err_t end;
};

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            return false;
    return true;
}

static void read_model(struct text line)
{
    struct ctl_circuit c;
    struct ctl_stream s;
    struct ctl_guard g;
    struct ctl_bootstrap b;
    struct ctl_relay r;
    if (ctl_circuit_read(line, &c) && !(is_plain(c.id) && is_plain(c.purpose)))
        abort();
    for (size_t i = 0; i < c.n_hops; i++)
        if (!is_plain(c.hops[i].nickname) || !is_plain(c.hops[i].fingerprint))
            abort();
    if (ctl_stream_read(line, &s) && !(is_plain(s.target) && is_plain(s.source)))
        abort();
    if (ctl_guard_read(line, &g) && !is_plain(g.relay.nickname))
        abort();
    if (ctl_bootstrap_read(line, &b) && (b.percent > 100 || !is_plain(b.summary)))
        abort();
    if (ctl_relay_read(line, &r) && !is_plain(r.address))
        abort();
}

static void read_line(const struct ctl_line *line, struct seen *seen)
{
    struct text data = line->data, one, rest = line->text;
    struct ctl_word w;
    char plain[64];
    seen->lines++;
    seen->bytes += line->text.len;
    read_model(line->text);
    while (ctl_word(&rest, &w))
        ctl_unquote(w.value, plain, sizeof plain);
    while (ctl_data_line(&data, &one)) {
        seen->bytes += one.len;
        read_model(one);
    }
}

static void drain(struct ctl_reader *r, struct seen *seen)
{
    struct ctl_message m;
    while (seen->end == OK || seen->end == ERR_MORE) {
        seen->end = ctl_reader_next(r, &m);
        if (seen->end != OK)
            return;
        if (!m.n || m.raw.len > MOST || m.lines[m.n - 1].kind != ' ')
            abort();
        seen->messages++;
        for (size_t i = 0; i < m.n; i++)
            read_line(&m.lines[i], seen);
    }
}

static struct seen run(const uint8_t *data, size_t size, size_t step)
{
    struct ctl_reader *r = ctl_reader_new(MOST);
    struct seen seen = {.end = ERR_MORE};
    size_t room;
    while (r && size && seen.end == ERR_MORE) {
        char *to = ctl_reader_room(r, &room);
        size_t n = size < step ? size : step;
        n = n < room ? n : room;
        if (!to)
            abort();
        memcpy(to, data, n);
        ctl_reader_done(r, n);
        data += n;
        size -= n;
        drain(r, &seen);
    }
    ctl_reader_free(r);
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    struct seen whole = run(data + 1, size - 1, size);
    struct seen pieces = run(data + 1, size - 1, 1 + data[0] / 2);
    if (whole.messages != pieces.messages || whole.lines != pieces.lines ||
        whole.bytes != pieces.bytes || whole.end != pieces.end)
        abort();
    return 0;
}

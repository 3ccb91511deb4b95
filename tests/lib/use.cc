// A C++ program as one would write it with the library: handles in unique_ptrs, a lambda as
// callback. usage: use [TORRC HOST PORT]; without arguments it does what needs no network.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <tunic/client.h>
#include <tunic/directory.h>
#include <tunic/trace.h>

template <typename T, void (*F)(T *)> struct Free {
    void operator()(T *p) const { F(p); }
};
using Instance = std::unique_ptr<tunic, Free<tunic, tunic_free>>;
using Client = std::unique_ptr<tunic_client, Free<tunic_client, tunic_client_free>>;
using Stream = std::unique_ptr<tunic_stream, Free<tunic_stream, tunic_stream_free>>;

struct Error : std::runtime_error {
    tunic_error error;
    explicit Error(const tunic_error &e) : std::runtime_error(e.text), error(e) {}
};

static Client start(tunic *t, const std::string &torrc, int *steps)
{
    tunic_error e;
    tunic_client_options o = TUNIC_CLIENT_OPTIONS_INIT;
    o.torrc = torrc.c_str();
    o.callback = [](void *arg, tunic_client *, tunic_event event) {
        *static_cast<int *>(arg) += event == TUNIC_EVENT_PROGRESS;
    };
    o.callback_arg = steps;
    Client c(tunic_client_start(t, &o, &e));
    if (!c)
        throw Error(e);
    return c;
}

static std::string get(tunic_client *c, const char *host, uint16_t port)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    tunic_error e;
    char piece[4096];
    std::string all;
    if (tunic_client_wait(c, 60000, &e) != 0)
        throw Error(e);
    Stream s(tunic_client_connect(c, host, port, "cplusplus", 60000, &e));
    ssize_t n = tunic_stream_write(s.get(), request, std::strlen(request), 60000, &e);
    while (n > 0 && (n = tunic_stream_read(s.get(), piece, sizeof piece, 60000, &e)) > 0)
        all.append(piece, static_cast<size_t>(n));
    if (n < 0)
        throw Error(e);
    return all;
}

// An option that is none comes back as an exception, a good one as it was said.
static bool knows_options(tunic *t)
{
    int steps = 0;
    char value[16];
    Client c = start(t, "DisableNetwork 1\nMaxCircuitDirtiness 77\n", &steps);
    if (tunic_client_get(c.get(), "MaxCircuitDirtiness", value, sizeof value) != 2 ||
        std::string(value) != "77")
        return false;
    try {
        start(t, "NoSuchOption 1\n", &steps);
    } catch (const Error &e) {
        return e.error.cls == TUNIC_USAGE;
    }
    return false;
}

int main(int argc, char **argv)
try {
    tunic_error e;
    int steps = 0;
    Instance t(tunic_new(&e));
    if (!t)
        throw Error(e);
    if (!knows_options(t.get()))
        return 3;
    if (std::string(tunic_version()) != TUNIC_VERSION)
        return 5;
    if (argc != 4)
        return 0;
    Client c = start(t.get(), argv[1], &steps);
    std::string page = get(c.get(), argv[2], static_cast<uint16_t>(std::atoi(argv[3])));
    std::fputs(page.c_str(), stdout);
    return steps > 0 ? 0 : 4;
} catch (const Error &e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
}

#include "app/metrics_process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "monitor/metrics_text.h"

static bool memory(uint64_t *virtual_bytes, uint64_t *resident_bytes)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/proc/self/statm", "re");
    bool good = f && fscanf(f, "%" SCNu64 " %" SCNu64, virtual_bytes, resident_bytes) == 2;
    if (f)
        fclose(f);
    *virtual_bytes *= page;
    *resident_bytes *= page;
    return good;
}

static uint64_t open_files(void)
{
    DIR *d = opendir("/proc/self/fd");
    uint64_t n = 0;
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", "..", and D itself */
}

void metrics_process_write(struct text_out *out)
{
    static const char cpu[] = "process_cpu_seconds_total";
    uint64_t virtual_bytes = 0, resident_bytes = 0, files = open_files();
    struct timespec used;
    if (memory(&virtual_bytes, &resident_bytes)) {
        metrics_value(out, METRICS_GAUGE, "process_virtual_memory_bytes", "Virtual memory",
                      virtual_bytes);
        metrics_value(out, METRICS_GAUGE, "process_resident_memory_bytes", "Resident memory",
                      resident_bytes);
    }
    if (files)
        metrics_value(out, METRICS_GAUGE, "process_open_fds", "Open file descriptors", files);
    if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        return;
    metrics_family(out, METRICS_COUNTER, cpu, "Time on processors");
    out_printf(out, "%s %lld.%06ld\n", cpu, (long long)used.tv_sec, used.tv_nsec / 1000);
}

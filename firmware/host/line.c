#include "line.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define WAITING_N 512
#define MESSAGE_N 256

typedef struct {
    double due_s;
    size_t n;
    uint8_t data[MESSAGE_N];
} message_t;

static message_t waiting[WAITING_N];
static size_t first, waiting_n;

double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

const char *line_open(line_t *line) {
    struct termios raw;
    line->noise = 1;
    line->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (line->master < 0 || grantpt(line->master) != 0 || unlockpt(line->master) != 0) {
        return NULL;
    }
    const char *path = ptsname(line->master);
    line->slave = path == NULL ? -1 : open(path, O_RDWR | O_NOCTTY);
    if (line->slave < 0 || tcgetattr(line->slave, &raw) != 0) {
        return NULL;
    }
    cfmakeraw(&raw);
    return tcsetattr(line->slave, TCSANOW, &raw) == 0 ? path : NULL;
}

/* With the probability `corrupt` per byte, one bit is turned. */
static void damage(line_t *line, uint8_t *data, size_t n) {
    if (line->corrupt <= 0.0) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        /* MINSTD (Park and Miller 1988), as in the simulated hand. */
        line->noise = (uint32_t)((uint64_t)line->noise * 48271U % 0x7FFFFFFFU);
        if (line->noise < line->corrupt * 0x7FFFFFFF) {
            data[i] ^= (uint8_t)(1U << (line->noise & 7U));
        }
    }
}

size_t line_read(line_t *line, uint8_t *data, size_t n) {
    ssize_t got = line->master < 0 ? 0 : read(line->master, data, n);
    if (got <= 0 || line->dead) {
        return 0;
    }
    damage(line, data, (size_t)got);
    return (size_t)got;
}

void line_post(line_t *line, const uint8_t *data, size_t n) {
    if (line->dead || waiting_n == WAITING_N || n > MESSAGE_N) {
        return;
    }
    message_t *last = &waiting[(first + waiting_n++) % WAITING_N];
    last->due_s = now_s() + line->delay_s;
    last->n = n;
    memcpy(last->data, data, n);
    for (size_t i = 0; line->garble && i < n; i++) {
        last->data[i] ^= 0x5A;
    }
    damage(line, last->data, n);
}

int line_flush(line_t *line, int wait_ms) {
    while (waiting_n > 0) {
        const message_t *next = &waiting[first];
        double left_ms = 1e3 * (next->due_s - now_s());
        if (left_ms > 0.0) {
            return left_ms + 1.0 < wait_ms ? (int)left_ms + 1 : wait_ms;
        }
        if (line->master >= 0 && write(line->master, next->data, next->n) < 0) {
            /* Nobody reads: a serial line forgets too. */
        }
        first = (first + 1) % WAITING_N;
        waiting_n--;
    }
    return wait_ms;
}

void line_unplug(line_t *line) {
    if (line->master >= 0) {
        close(line->master);
        close(line->slave);
        line->master = line->slave = -1;
    }
}

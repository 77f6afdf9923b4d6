/* The firmware on Linux, behind a pseudo-terminal: the same C as on a microcontroller, with joints
 * that move as they are told. It stands in for a hand in tests and in the demo.
 *
 *   flexor-host [LOW,HIGH,PER_COUNT,VELOCITY,CHANGE,RELEASE,CURRENT,TEMPERATURE,RAMP ... CRC_N]
 *
 * with one to six joints; those that are not named are as the last one, and nobody asks for them.
 *
 * Says {"url": PATH} on stdout, then answers each line of stdin, {"do": FAULT, "value": VALUE},
 * with one line; ends at the end of stdin or with its parent. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flexor_hand.h"
#include "line.h"

#define TRACE_MS 5
#define TRACE_ROWS_N 24000 /* two minutes at TRACE_MS */
#define TRACE_KEPT_N (2 * TRACE_ROWS_N)
#define ORDER_N 512

typedef struct {
    double clock_s;
    uint8_t state;
    int16_t counts[FLX_DOF_N];
    int32_t position_udeg[FLX_DOF_N];
    int32_t velocity_mdeg_s[FLX_DOF_N];
    int32_t torque[FLX_DOF_N];
} row_t;

static flx_joint joints[FLX_DOF_N] = {
#define FINGER {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}
    FINGER, FINGER, FINGER, FINGER, FINGER, FINGER};
static flx_hand hand;
static line_t line;
static uint8_t crc_n = 2;
static uint8_t joints_n = FLX_DOF_N;
static double boot_s;
static row_t rows[TRACE_KEPT_N];
static size_t rows_n;
static uint32_t traced_ms;

static void record(void) {
    const row_t *last = &rows[(rows_n + TRACE_KEPT_N - 1) % TRACE_KEPT_N];
    if (rows_n > 0 && last->state == hand.state && hand.now_ms - traced_ms < TRACE_MS) {
        return;
    }
    row_t *row = &rows[rows_n++ % TRACE_KEPT_N];
    traced_ms = hand.now_ms;
    row->clock_s = boot_s + hand.now_ms / 1e3;
    row->state = hand.state;
    memcpy(row->counts, hand.counts, sizeof row->counts);
    memcpy(row->position_udeg, hand.position_udeg, sizeof row->position_udeg);
    memcpy(row->velocity_mdeg_s, hand.velocity_mdeg_s, sizeof row->velocity_mdeg_s);
    memcpy(row->torque, hand.torque, sizeof row->torque);
}

static void tell_trace(void) {
    size_t n = rows_n < TRACE_KEPT_N ? rows_n : TRACE_KEPT_N;
    printf("{\"rows\": [");
    for (size_t i = 0; i < n; i++) {
        const row_t *row = &rows[(rows_n - n + i) % TRACE_KEPT_N];
        printf("%s[%.6f, %d", i > 0 ? ", " : "", row->clock_s, row->state);
        for (int j = 0; j < FLX_DOF_N; j++) {
            printf(", %.6f", row->position_udeg[j] / 1e6);
        }
        for (int j = 0; j < FLX_DOF_N; j++) {
            printf(", %.3f", row->velocity_mdeg_s[j] / 1e3);
        }
        for (int j = 0; j < FLX_DOF_N; j++) {
            printf(", %d", row->counts[j]);
        }
        for (int j = 0; j < FLX_DOF_N; j++) {
            printf(", %d", (int)row->torque[j]);
        }
        printf("]");
    }
    printf("]}\n");
}

static void write_line(void *context, const uint8_t *data, size_t n) {
    line_post(context, data, n);
}

/* Another start of the microcontroller: it remembers nothing, and the joints stand where they
 * stood. */
static void reboot_hand(void) {
    flx_hand old = hand;
    flx_hand_start(&hand, joints, crc_n, write_line, &line);
    hand.joints_n = joints_n;
    hand.now_ms = old.now_ms;
    memcpy(hand.position_udeg, old.position_udeg, sizeof hand.position_udeg);
    memcpy(hand.seen_udeg, old.position_udeg, sizeof hand.seen_udeg);
}

static void advance(void) {
    uint32_t now_ms = (uint32_t)(1e3 * (now_s() - boot_s));
    while ((int32_t)(now_ms - hand.now_ms) > 0) {
        flx_hand_advance(&hand, hand.now_ms + 1);
        record();
    }
}

/* Bits of the joints in a list like "[1, 3]". */
static uint8_t joints_in(const char *list) {
    unsigned bits = 0;
    while (*list != '\0') {
        char *end;
        unsigned long joint = strtoul(list, &end, 10);
        if (end != list && joint < FLX_DOF_N) {
            bits |= 1U << joint;
        }
        list = end == list ? list + 1 : end;
    }
    return (uint8_t)bits;
}

static const struct {
    const char *name;
    bool *fault;
} switches[] = {{"dead", &line.dead},
                {"garble", &line.garble},
                {"nack", &hand.in.refuses},
                {"over_current", &hand.in.over_current},
                {"low_battery", &hand.in.low_battery},
                {"brown_out", &hand.in.brown_out},
                {"button", &hand.in.pressed}};
static const struct {
    const char *name;
    double *value;
} numbers[] = {{"delay", &line.delay_s}, {"corrupt", &line.corrupt}};
static const struct {
    const char *name;
    int32_t *values; /* of all joints */
} sensors[] = {{"current", hand.in.current_ma}, {"temperature", hand.in.temperature_c}};

#define EACH(i, table) (size_t i = 0; i < sizeof(table) / sizeof *(table); i++)

/* Whether the word is a fault that is set to a value. */
static bool set(const char *what, const char *text) {
    for EACH(i, switches) {
        if (strcmp(what, switches[i].name) == 0) {
            *switches[i].fault = strncmp(text, "true", 4) == 0;
            return true;
        }
    }
    for EACH(i, numbers) {
        if (strcmp(what, numbers[i].name) == 0) {
            *numbers[i].value = strtod(text, NULL);
            return true;
        }
    }
    for EACH(i, sensors) {
        if (strcmp(what, sensors[i].name) == 0) {
            for (int j = 0; j < FLX_DOF_N; j++) {
                sensors[i].values[j] = (int32_t)strtol(text, NULL, 10);
            }
            return true;
        }
    }
    return false;
}

static void obey(const char *order) {
    char what[32] = "";
    int at = 0;
    sscanf(order, "{\"do\": \"%31[a-z_]\", \"value\": %n", what, &at);
    const char *text = order + at;
    if (strcmp(what, "trace") == 0) {
        tell_trace();
        return;
    }
    if (strcmp(what, "stall") == 0) {
        hand.in.stalled = joints_in(text);
    } else if (strcmp(what, "estop") == 0) {
        flx_emergency_stop(&hand);
    } else if (strcmp(what, "reboot") == 0) {
        reboot_hand();
    } else if (strcmp(what, "unplug") == 0) {
        line_unplug(&line);
    } else if (!set(what, text)) {
        printf("{\"unknown\": true}\n");
        return;
    }
    record();
    printf("{}\n");
}

/* Lines from stdin; false at its end. */
static bool hear_orders(void) {
    static char order[ORDER_N];
    static size_t order_n;
    char data[ORDER_N];
    ssize_t got = read(STDIN_FILENO, data, sizeof data);
    for (ssize_t i = 0; i < got; i++) {
        if (data[i] == '\n') {
            order[order_n] = '\0';
            order_n = 0;
            obey(order);
            fflush(stdout);
        } else if (order_n < ORDER_N - 1) {
            order[order_n++] = data[i];
        }
    }
    return got > 0;
}

static bool read_joint(flx_joint *joint, const char *words) {
    int32_t *const fields[] = {&joint->low_udeg,         &joint->high_udeg,
                               &joint->udeg_per_count,   &joint->velocity_mdeg_s,
                               &joint->change_mdeg_s,    &joint->release_mdeg_s,
                               &joint->current_limit_ma, &joint->temperature_limit_c,
                               &joint->torque_ramp};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *end;
        *fields[i] = (int32_t)strtol(words, &end, 10);
        if (end == words) {
            return false;
        }
        words = *end == ',' ? end + 1 : end;
    }
    return true;
}

int main(int argc, char **argv) {
    uint8_t data[4096];
    bool right = argc == 1 || (argc >= 3 && argc <= 2 + FLX_DOF_N);
    if (right && argc > 1) {
        joints_n = (uint8_t)(argc - 2);
        crc_n = (uint8_t)strtoul(argv[argc - 1], NULL, 10);
        for (int j = 0; right && j < FLX_DOF_N; j++) {
            right = read_joint(&joints[j], argv[j < joints_n ? 1 + j : joints_n]);
        }
    }
    if (!right || !flx_hand_start(&hand, joints, crc_n, write_line, &line)) {
        fputs("flexor-host: these joints cannot be: see flx_joint in flexor_hand.h.\n", stderr);
        return 2;
    }
    hand.joints_n = joints_n;
    const char *path = line_open(&line);
    if (path == NULL) {
        fputs("flexor-host: this system gives no pseudo-terminal.\n", stderr);
        return 3;
    }
    boot_s = now_s();
    printf("{\"url\": \"%s\"}\n", path);
    fflush(stdout);
    for (pid_t parent = getppid(); getppid() == parent;) {
        struct pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {line.master, POLLIN, 0}};
        poll(ready, 2, line_flush(&line, FLX_TELEM_MS / 2));
        advance();
        size_t n = line_read(&line, data, sizeof data);
        flx_hand_receive(&hand, data, n, hand.now_ms);
        if (n > 0) {
            record();
        }
        line_flush(&line, 0);
        if (ready[0].revents != 0 && !hear_orders()) {
            return 0;
        }
    }
    return 0;
}

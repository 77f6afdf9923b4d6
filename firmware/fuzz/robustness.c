/* How often noise or damage is taken for a frame.
 *
 *   robustness random BYTES CRC_N     random bytes into a receiver in the middle of a session
 *   robustness flips FRAMES CRC_N     good SETPOINTs with 1 to 4 turned bits, into an armed hand
 *
 * One line of JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flexor_hand.h"
#include "random.h"

static const flx_joint joints[FLX_DOF_N] = {
#define FINGER {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0}
    FINGER, FINGER, FINGER, FINGER, FINGER, FINGER};

static void forget(void *context, const uint8_t *data, size_t n) {
    (void)context;
    (void)data;
    (void)n;
}

/* Frames whose CRC was right, whatever became of them. */
static unsigned long passed(const flx_rx *rx) {
    return (unsigned long)rx->ok + rx->wrong_version + rx->wrong_length + rx->wrong_session +
           rx->stale;
}

static void random_bytes(unsigned long bytes_n, uint8_t crc_n) {
    flx_rx rx = {.crc_n = crc_n, .has_session = true, .has_seq = true, .session = 0xBEEF};
    flx_frame frame;
    random_t noise;
    unsigned long accepted_n = 0;
    random_start(&noise, 60000000);
    for (unsigned long i = 0; i < bytes_n; i += 8) {
        uint64_t bits = random_next(&noise);
        for (int byte = 0; byte < 8; byte++, bits >>= 8) {
            accepted_n += flx_rx_byte(&rx, (uint8_t)(bits & 0xFFU), &frame);
        }
    }
    printf("{\"bytes\": %lu, \"candidates\": %lu, \"crc_passed\": %lu, \"accepted\": %lu}\n",
           bytes_n, passed(&rx) + rx.crc_errors, passed(&rx), accepted_n);
}

static void flipped_bits(unsigned long frames_n, uint8_t crc_n) {
    static flx_hand hand;
    uint8_t wire[FLX_WIRE_MAX_N], payload[FLX_SETPOINT_N];
    unsigned long executed_of[5] = {0}, passed_n = 0, heard_n = 0;
    random_t noise;
    random_start(&noise, 40000000);
    flx_hand_start(&hand, joints, crc_n, forget, NULL);
    for (unsigned long i = 0; i < frames_n; i++) {
        uint16_t seq = (uint16_t)(random_next(&noise) & 0xFFFFU);
        int flips = 1 + (int)(i % 4);
        payload[FLX_SETPOINT_MODE_AT] = FLX_MODE_VELOCITY;
        payload[FLX_SETPOINT_FLAGS_AT] = 0;
        flx_put16(payload + FLX_SETPOINT_TTL_MS_AT, 75);
        for (int j = 0; j < FLX_DOF_N; j++) {
            int16_t count = (int16_t)((int)(random_next(&noise) % 2001U) - FLX_FULL_SCALE);
            flx_put16(payload + FLX_SETPOINT_COUNTS_AT + 2 * j, (uint16_t)count);
        }
        uint32_t t_ms = (uint32_t)(random_next(&noise) & 0xFFFFFFU);
        size_t n = flx_pack(wire, FLX_FRAME_SETPOINT, 0xBEEF, seq, t_ms, payload, sizeof payload,
                            crc_n);
        uint64_t turned[4];
        for (int flip = 0; flip < flips; flip++) {
            bool again;
            do { /* another bit each time */
                again = false;
                turned[flip] = random_next(&noise) % (8 * n);
                for (int other = 0; other < flip; other++) {
                    again = again || turned[other] == turned[flip];
                }
            } while (again);
            wire[turned[flip] / 8] ^= (uint8_t)(1U << (turned[flip] % 8));
        }
        wire[n++] = 0; /* the begin of what comes next */
        memset(&hand.rx, 0, sizeof hand.rx);
        hand.rx.crc_n = crc_n;
        hand.rx.has_session = hand.rx.has_seq = true;
        hand.rx.session = 0xBEEF;
        hand.rx.last_seq = (uint16_t)(seq - 1);
        hand.state = FLX_STATE_ARMED;
        hand.ttl_ms = 0; /* a setpoint that is executed sets it */
        flx_hand_receive(&hand, wire, n, 0);
        passed_n += passed(&hand.rx) > 0;
        heard_n += hand.rx.ok > 0;
        executed_of[flips] += hand.ttl_ms != 0;
    }
    unsigned long executed_n = executed_of[1] + executed_of[2] + executed_of[3] + executed_of[4];
    printf("{\"frames\": %lu, \"crc_passed\": %lu, \"accepted\": %lu, \"executed\": %lu", frames_n,
           passed_n, heard_n, executed_n);
    for (int flips = 1; flips <= 4; flips++) {
        printf(", \"executed_of_%d\": %lu", flips, executed_of[flips]);
    }
    printf("}\n");
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fputs("robustness: say random BYTES CRC_N, or flips FRAMES CRC_N.\n", stderr);
        return 2;
    }
    unsigned long n = strtoul(argv[2], NULL, 10);
    uint8_t crc_n = strtoul(argv[3], NULL, 10) == 4 ? 4 : 2;
    if (strcmp(argv[1], "flips") == 0) {
        flipped_bits(n, crc_n);
    } else {
        random_bytes(n, crc_n);
    }
    return 0;
}

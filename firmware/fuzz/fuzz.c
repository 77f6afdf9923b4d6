/* Bytes, frames and time at random, under the sanitizers: the hand must keep its limits.
 *
 *   fuzz [SECONDS [SEED]]            a plain loop; with -DLIBFUZZER the entry of libFuzzer instead
 *
 * Any broken promise aborts. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "flexor_codec.h"
#include "flexor_hand.h"
#include "random.h"

#define INPUT_N 600

static const flx_joint joints[FLX_DOF_N] = {
    {0, 100000000, 100000, 150000, 3000, 30000, 1000, 70, 0},
    {-90000000, 90000000, 90000, 150000, 777, 30000, 1000, 70, 0},
    {5000000, 60000000, 60000, 720000, 3000, 0, 1000, 70, 0},
    {-60000000, -10000000, 60000, 1000, 1, 1000, 1000, 70, 0},
    {0, 33333000, 33333, 1000000, 1000000, 30000, 0, 0, 0},
    {-1000000000, 1000000000, 1000000, 1000000, 1000000, 1000000, 1000, 70, 0}};
static const flx_joint leg[FLX_DOF_N] = {
    {-20000000, 90000000, 90000, 120000, 3000, 0, 1000, 70, 4},
    {0, 100000000, 100000, 120000, 3000, 0, 1000, 70, 2},
    {-1000000000, 1000000000, 1000000, 1000000, 1000000, 1000000, 1000, 70, 5},
    {5000000, 60000000, 60000, 720000, 3000, 0, 1000, 70, 3},
    {-60000000, -10000000, 60000, 1000, 1, 0, 1000, 70, 4},
    {0, 1, 1, 1, 1, 0, 0, 0, 1000}};
static size_t said_n;

static void hear(void *context, const uint8_t *data, size_t n) {
    const flx_hand *hand = context;
    uint8_t raw[FLX_RAW_MAX_N];
    int raw_n = flx_cobs_decode(data, n - 1, raw);
    if (data[n - 1] != 0 || raw_n < FLX_HEADER_N + hand->rx.crc_n) {
        abort();
    }
    said_n++;
}

static void promise(bool kept) {
    if (!kept) {
        abort();
    }
}

/* One millisecond, and what must hold after it. */
static void pass(flx_hand *hand) {
    flx_hand before = *hand;
    flx_hand_advance(hand, hand->now_ms + 1);
    bool may = hand->state == FLX_STATE_ARMED || flx_releasing(hand);
    for (int j = 0; j < FLX_DOF_N; j++) {
        int32_t was = before.velocity_mdeg_s[j], is = hand->velocity_mdeg_s[j];
        int32_t moved = hand->position_udeg[j] - before.position_udeg[j];
        const flx_joint *joint = &hand->joints[j];
        int32_t had = before.torque[j], has = hand->torque[j];
        promise(hand->position_udeg[j] >= joint->low_udeg);
        promise(hand->position_udeg[j] <= joint->high_udeg);
        promise(abs(is) <= joint->velocity_mdeg_s);
        promise(abs(moved) <= joint->velocity_mdeg_s);
        promise(is == 0 || abs(is - was) <= joint->change_mdeg_s);
        /* Not allowed to move: it only slows down, in the direction in which it went; driven by
         * torque it follows what is left of that. */
        promise(may || hand->mode == FLX_MODE_TORQUE ||
                (abs(moved) <= abs(was) && (int64_t)moved * was >= 0));
        promise(abs(has) <= FLX_FULL_SCALE);
        promise(abs(has) <= abs(had) || abs(has - had) <= joint->torque_ramp);
        /* Torque that is not asked for any more never rises, and goes as fast as it may. */
        promise(hand->state == FLX_STATE_ARMED ||
                (has * had >= 0 && abs(has) <= (abs(had) > joint->torque_ramp
                                                    ? abs(had) - joint->torque_ramp : 0)));
    }
    promise(hand->state != FLX_STATE_ARMED || hand->age_ms <= FLX_HOLD_MS);
    promise(hand->state != FLX_STATE_HOLD || hand->age_ms <= hand->ttl_ms);
    promise(before.state != FLX_STATE_ESTOP || hand->state == FLX_STATE_ESTOP);
}

static void say(flx_hand *hand, const uint8_t *at, size_t n, bool damaged) {
    static const uint8_t types[] = {
        FLX_FRAME_HELLO,    FLX_FRAME_ARM,       FLX_FRAME_SETPOINT, FLX_FRAME_SETPOINT,
        FLX_FRAME_SETPOINT, FLX_FRAME_HEARTBEAT, FLX_FRAME_DISARM,   FLX_FRAME_CLEAR,
        FLX_FRAME_ESTOP,    FLX_FRAME_TELEM,     0x77};
    uint8_t wire[FLX_WIRE_MAX_N], payload[64] = {0};
    uint8_t type = types[at[0] % sizeof types];
    size_t payload_n = 0;
    uint16_t seq = (uint16_t)(hand->rx.last_seq + (at[1] < 240 ? 1 : at[1]));
    if (type == FLX_FRAME_SETPOINT) {
        payload_n = FLX_SETPOINT_N;
        for (size_t i = 0; i < FLX_SETPOINT_N && i + 2 < n; i++) {
            payload[i] = at[i + 2];
        }
        payload[FLX_SETPOINT_MODE_AT] %= 4;
        if (at[1] & 1) { /* mostly one that the hand may act on */
            flx_put16(payload + FLX_SETPOINT_TTL_MS_AT, (uint16_t)(20 + payload[2]));
            for (int j = 0; j < FLX_DOF_N; j++) {
                uint8_t *count = payload + FLX_SETPOINT_COUNTS_AT + 2 * j;
                flx_put16(count, (uint16_t)((int16_t)flx_u16(count) % (FLX_FULL_SCALE + 1)));
            }
        }
    } else if (type == FLX_FRAME_HELLO) {
        payload_n = FLX_HELLO_N;
        flx_put32(payload, at[1] < 250 ? FLX_INTERFACE_HASH : 0U);
    } else if (type == FLX_FRAME_TELEM) {
        payload_n = FLX_TELEM_N;
    }
    n = flx_pack(wire, type, 0xBEEF, seq, 0, payload, payload_n, hand->rx.crc_n);
    if (damaged) {
        wire[at[2] % n] ^= (uint8_t)(1U << (at[2] & 7U));
    }
    flx_hand_receive(hand, wire, n, hand->now_ms);
}

static void sense(flx_hand *hand, const uint8_t *at) {
    int j = at[0] % FLX_DOF_N;
    hand->in.current_ma[j] = at[1] < 200 ? 0 : at[1] * 100;
    hand->in.temperature_c[j] = at[2] < 200 ? 20 : at[2] - 180;
    hand->in.pressed = at[0] > 128;
    hand->in.stalled = (uint8_t)(at[1] & at[2] & at[0]);
    hand->in.over_current = at[2] == 255;
    hand->in.brown_out = at[2] == 254;
    hand->in.low_battery = at[2] & 1;
    hand->in.measures = at[3] & at[4];
    hand->in.measured_udeg[j] = (int32_t)flx_u32(at + 5) / (at[3] < 128 ? 16 : 1);
}

/* A script: each step is a letter, and up to 19 bytes that it takes. */
static void play(const uint8_t *data, size_t n) {
    static flx_hand hand;
    bool exo = n > 0 && data[0] & 1;
    promise(flx_hand_start(&hand, exo ? leg : joints, exo ? 4 : 2, hear, &hand));
    for (size_t at = 0; at + 20 <= n; at += 1 + data[at] % 20U) {
        const uint8_t *rest = data + at + 1;
        switch (data[at] >> 5) {
        case 0:
            flx_hand_receive(&hand, rest, 19, hand.now_ms);
            break;
        case 1:
            say(&hand, rest, 19, true);
            break;
        case 2:
            sense(&hand, rest);
            break;
        case 3:
            for (int ms = 0; ms < rest[0]; ms++) {
                pass(&hand);
            }
            break;
        default:
            say(&hand, rest, 19, false);
            for (int ms = 0; ms < rest[3] % 32; ms++) {
                pass(&hand);
            }
        }
    }
}

#ifdef LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
    play(data, n);
    return 0;
}
#else
int main(int argc, char **argv) {
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 5.0;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    uint8_t data[INPUT_N];
    uint64_t played_n = 0;
    random_t noise;
    random_start(&noise, seed);
    for (time_t end = time(NULL) + (time_t)seconds; time(NULL) < end; played_n++) {
        size_t n = INPUT_N - (size_t)(random_next(&noise) % 64);
        for (size_t i = 0; i < n; i++) {
            data[i] = (uint8_t)(random_next(&noise) >> 56);
        }
        play(data, n);
    }
    printf("{\"scripts\": %llu, \"answers\": %zu}\n", (unsigned long long)played_n, said_n);
    return said_n > 0 ? 0 : 1;
}
#endif

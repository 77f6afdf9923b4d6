#include "flexor_hand.h"

#define MAX_UDEG 1000000000
#define MAX_MDEG_S 1000000
/* Microdegrees from the goal per mdeg/s towards it: a position loop of 20 Hz. */
#define GAIN_UDEG 50

static int32_t bounded(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

static bool moving(const flx_hand *hand) {
    return hand->state == FLX_STATE_ARMED || hand->state == FLX_STATE_HOLD;
}

static bool protects(const flx_hand *hand) {
    return hand->in.over_current || hand->tripped || hand->hot;
}

/* In every state, because a wearer must get free of the hand. */
bool flx_releasing(const flx_hand *hand) {
    return hand->pressed_ms >= FLX_PRESS_MS && !protects(hand);
}

uint8_t flx_flags(const flx_hand *hand) {
    int flags = 0;
    if (hand->in.over_current || hand->tripped) {
        flags |= FLX_FLAG_OVER_CURRENT;
    }
    if (hand->hot) {
        flags |= FLX_FLAG_OVER_TEMPERATURE;
    }
    if (flx_releasing(hand)) {
        flags |= FLX_FLAG_RELEASE;
    }
    return (uint8_t)flags;
}

uint16_t flx_torque_limit(const flx_hand *hand) {
    if (hand->still_ms == 0) {
        return FLX_TORQUE_FOLLOWING;
    }
    return hand->still_ms <= FLX_WEAK_MS ? FLX_TORQUE_STOPPED : FLX_TORQUE_WEAK;
}

void flx_emergency_stop(flx_hand *hand) {
    hand->state = FLX_STATE_ESTOP;
}

/* Whether no sum or product below can leave 32 bits. */
static bool joint_can_be(const flx_joint *joint) {
    return joint->low_udeg >= -MAX_UDEG && joint->high_udeg <= MAX_UDEG &&
           joint->low_udeg < joint->high_udeg && joint->udeg_per_count > 0 &&
           joint->udeg_per_count <= MAX_UDEG / FLX_FULL_SCALE &&
           joint->high_udeg / joint->udeg_per_count < INT16_MAX &&
           joint->low_udeg / joint->udeg_per_count > -INT16_MAX && joint->velocity_mdeg_s > 0 &&
           joint->velocity_mdeg_s <= MAX_MDEG_S && joint->change_mdeg_s > 0 &&
           joint->change_mdeg_s <= MAX_MDEG_S && joint->release_mdeg_s >= 0 &&
           joint->release_mdeg_s <= joint->velocity_mdeg_s && joint->torque_ramp >= 0;
}

bool flx_hand_start(flx_hand *hand, const flx_joint *joints, uint8_t crc_n, flx_write write,
                    void *context) {
    uint8_t *bytes = (uint8_t *)hand;
    for (size_t i = 0; i < sizeof *hand; i++) {
        bytes[i] = 0;
    }
    hand->joints = joints;
    hand->write = write;
    hand->context = context;
    hand->rx.crc_n = crc_n;
    hand->ttl_ms = FLX_ARM_TTL_MS;
    hand->mode = FLX_MODE_VELOCITY;
    if (crc_n != 2 && crc_n != 4) {
        return false;
    }
    for (int j = 0; j < FLX_DOF_N; j++) {
        if (!joint_can_be(&joints[j])) {
            return false;
        }
        hand->position_udeg[j] = bounded(0, joints[j].low_udeg, joints[j].high_udeg);
    }
    return true;
}

static void send(flx_hand *hand, uint8_t type, const uint8_t *payload, size_t n) {
    uint8_t wire[FLX_WIRE_MAX_N];
    hand->seq++;
    n = flx_pack(wire, type, hand->rx.session, hand->seq, hand->now_ms, payload, n,
                 hand->rx.crc_n);
    hand->write(hand->context, wire, n);
}

/* Whole counts, halves away from zero. */
static uint16_t to_counts(const flx_hand *hand, int j) {
    int32_t per_count = hand->joints[j].udeg_per_count, half = per_count / 2;
    int32_t udeg = hand->position_udeg[j];
    if (hand->in.measures >> j & 1) {
        udeg = bounded(hand->in.measured_udeg[j], -2 * MAX_UDEG, 2 * MAX_UDEG);
    }
    int32_t counts = (udeg >= 0 ? udeg + half : udeg - half) / per_count;
    return (uint16_t)bounded(counts, -INT16_MAX, INT16_MAX);
}

static void send_telem(flx_hand *hand) {
    const flx_rx *rx = &hand->rx;
    uint32_t damaged = rx->crc_errors + rx->oversize + rx->garbage;
    uint8_t payload[FLX_TELEM_N];
    hand->telem_ms = hand->now_ms;
    payload[FLX_TELEM_STATE_AT] = (uint8_t)(hand->state | flx_flags(hand) << 4);
    payload[FLX_TELEM_ERR_COUNT_AT] = (uint8_t)(damaged < 0xFFU ? damaged : 0xFFU);
    flx_put16(payload + FLX_TELEM_LAST_SEQ_AT, rx->last_seq);
    flx_put16(payload + FLX_TELEM_AGE_MS_AT, hand->age_ms);
    for (int j = 0; j < FLX_DOF_N; j++) {
        flx_put16(payload + FLX_TELEM_COUNTS_AT + 2 * j, to_counts(hand, j));
    }
    flx_put16(payload + FLX_TELEM_RX_OK_AT, (uint16_t)(rx->ok & 0xFFFFU));
    flx_put16(payload + FLX_TELEM_STALE_AT, (uint16_t)(rx->stale & 0xFFFFU));
    flx_put16(payload + FLX_TELEM_RANGE_ERR_AT, (uint16_t)(hand->range_err & 0xFFFFU));
    send(hand, FLX_FRAME_TELEM, payload, sizeof payload);
}

static bool any_over(const flx_hand *hand) {
    for (int j = 0; j < FLX_DOF_N; j++) {
        if (hand->over_ms[j] > 0) {
            return true;
        }
    }
    return false;
}

/* Currents, temperatures and the button, every ms. */
static void sense(flx_hand *hand) {
    bool cool = true;
    for (int j = 0; j < FLX_DOF_N; j++) {
        const flx_joint *joint = &hand->joints[j];
        if (hand->in.current_ma[j] <= joint->current_limit_ma) {
            hand->over_ms[j] = 0;
        } else if (hand->over_ms[j] < FLX_TRIP_MS) {
            hand->over_ms[j]++;
        }
        if (hand->over_ms[j] == FLX_TRIP_MS) {
            hand->tripped = true;
        }
        if (hand->in.temperature_c[j] > joint->temperature_limit_c - (hand->hot ? FLX_COOL_K : 0)) {
            cool = false;
        }
    }
    hand->hot = !cool;
    if (!hand->in.pressed) {
        hand->pressed_ms = 0;
        return;
    }
    if (hand->pressed_ms == 0 && !any_over(hand)) {
        hand->tripped = false;
    }
    if (hand->pressed_ms < FLX_PRESS_MS) {
        hand->pressed_ms++;
    }
}

/* Age of the setpoint: HOLD, then FAILSAFE. Nothing but a setpoint turns it back. */
static void watch(flx_hand *hand) {
    if (moving(hand)) {
        hand->age_ms = (uint16_t)(hand->now_ms - hand->setpoint_ms);
        if (protects(hand) || hand->age_ms > hand->ttl_ms) {
            hand->state = FLX_STATE_FAILSAFE;
        } else if (flx_releasing(hand)) {
            hand->state = FLX_STATE_IDLE;
        } else if (hand->age_ms > FLX_HOLD_MS) {
            hand->state = FLX_STATE_HOLD;
        }
    }
    if (moving(hand) || flx_releasing(hand)) {
        hand->still_ms = 0;
    } else if (hand->still_ms <= FLX_WEAK_MS) {
        hand->still_ms++;
    }
}

/* Velocity that the joint is asked for, mdeg/s. */
static int32_t goal(const flx_hand *hand, int j) {
    const flx_joint *joint = &hand->joints[j];
    int32_t at = hand->position_udeg[j], limit = joint->velocity_mdeg_s;
    if (flx_releasing(hand)) {
        int32_t open = bounded(0, joint->low_udeg, joint->high_udeg);
        return bounded((open - at) / GAIN_UDEG, -joint->release_mdeg_s, joint->release_mdeg_s);
    }
    if (hand->mode == FLX_MODE_TORQUE) {
        return hand->torque[j] * limit / FLX_FULL_SCALE;
    }
    if (hand->state != FLX_STATE_ARMED) {
        return 0;
    }
    if (hand->mode == FLX_MODE_VELOCITY) {
        return hand->counts[j] * limit / FLX_FULL_SCALE;
    }
    int32_t wanted = hand->counts[j] * joint->udeg_per_count;
    return bounded((wanted - at) / GAIN_UDEG, -limit, limit);
}

static void move(flx_hand *hand, int j) {
    const flx_joint *joint = &hand->joints[j];
    bool given = hand->state == FLX_STATE_ARMED && hand->mode == FLX_MODE_TORQUE;
    int32_t wanted = given ? hand->counts[j] : 0;
    int32_t velocity = hand->velocity_mdeg_s[j];
    hand->torque[j] += bounded(wanted - hand->torque[j], -joint->torque_ramp, joint->torque_ramp);
    if (protects(hand)) {
        hand->torque[j] = 0;
    }
    velocity += bounded(goal(hand, j) - velocity, -joint->change_mdeg_s, joint->change_mdeg_s);
    if (hand->in.stalled >> j & 1) {
        hand->velocity_mdeg_s[j] = 0;
        return;
    }
    int32_t after = bounded(hand->position_udeg[j] + velocity, joint->low_udeg, joint->high_udeg);
    bool at_end = after == joint->low_udeg || after == joint->high_udeg;
    hand->position_udeg[j] = after;
    hand->velocity_mdeg_s[j] = at_end ? 0 : velocity;
}

void flx_hand_advance(flx_hand *hand, uint32_t now_ms) {
    while ((int32_t)(now_ms - hand->now_ms) > 0) {
        hand->now_ms++;
        sense(hand);
        watch(hand);
        for (int j = 0; j < FLX_DOF_N; j++) {
            move(hand, j);
        }
        if (hand->state != FLX_STATE_BOOT && hand->now_ms - hand->telem_ms >= FLX_TELEM_MS) {
            send_telem(hand);
        }
    }
}

/* Whether the hand may act on the setpoint at all. */
static bool in_range(const flx_hand *hand, const uint8_t *setpoint) {
    uint8_t mode = setpoint[FLX_SETPOINT_MODE_AT];
    uint16_t ttl_ms = flx_u16(setpoint + FLX_SETPOINT_TTL_MS_AT);
    if (mode < FLX_MODE_POSITION || mode > FLX_MODE_TORQUE || ttl_ms < FLX_TTL_MIN_MS ||
        ttl_ms > FLX_TTL_MAX_MS) {
        return false;
    }
    for (int j = 0; j < FLX_DOF_N; j++) {
        int16_t count = (int16_t)flx_u16(setpoint + FLX_SETPOINT_COUNTS_AT + 2 * j);
        if (count < -FLX_FULL_SCALE || count > FLX_FULL_SCALE ||
            (mode == FLX_MODE_TORQUE && hand->joints[j].torque_ramp == 0)) {
            return false;
        }
    }
    return true;
}

static void accept_setpoint(flx_hand *hand, const uint8_t *setpoint) {
    if (!in_range(hand, setpoint)) {
        hand->range_err++;
    } else if (moving(hand) && !protects(hand)) {
        hand->state = FLX_STATE_ARMED;
        hand->setpoint_ms = hand->now_ms;
        hand->age_ms = 0;
        hand->mode = setpoint[FLX_SETPOINT_MODE_AT];
        hand->ttl_ms = flx_u16(setpoint + FLX_SETPOINT_TTL_MS_AT);
        for (int j = 0; j < FLX_DOF_N; j++) {
            hand->counts[j] = (int16_t)flx_u16(setpoint + FLX_SETPOINT_COUNTS_AT + 2 * j);
        }
    }
}

static void arm(flx_hand *hand) {
    hand->state = FLX_STATE_ARMED;
    hand->setpoint_ms = hand->now_ms;
    hand->ttl_ms = FLX_ARM_TTL_MS;
    hand->mode = FLX_MODE_VELOCITY;
    for (int j = 0; j < FLX_DOF_N; j++) {
        hand->counts[j] = 0; /* what was asked for earlier is forgotten */
    }
}

static uint8_t clear(flx_hand *hand) {
    if (moving(hand) || hand->in.over_current || hand->hot || any_over(hand)) {
        return FLX_ACK_BUSY;
    }
    hand->tripped = false;
    hand->state = FLX_STATE_IDLE;
    return FLX_ACK_OK;
}

/* ARM, DISARM, ESTOP and CLEAR. Each sets, none toggles: a repeated one changes nothing. */
static uint8_t request(flx_hand *hand, uint8_t type) {
    if (type == FLX_FRAME_ESTOP) {
        flx_emergency_stop(hand);
        return FLX_ACK_OK;
    }
    if (type != FLX_FRAME_ARM && type != FLX_FRAME_DISARM && type != FLX_FRAME_CLEAR) {
        return FLX_ACK_UNKNOWN;
    }
    if (!hand->agreed) {
        return FLX_ACK_WRONG_STATE;
    }
    if (type == FLX_FRAME_CLEAR) {
        return clear(hand);
    }
    if (type == FLX_FRAME_ARM && (protects(hand) || hand->in.pressed)) {
        return FLX_ACK_BUSY;
    }
    if (hand->state == FLX_STATE_ESTOP) {
        return FLX_ACK_WRONG_STATE;
    }
    if (type == FLX_FRAME_DISARM) {
        hand->state = FLX_STATE_IDLE;
    } else if (!moving(hand)) {
        arm(hand);
    }
    return FLX_ACK_OK;
}

static void answer_hello(flx_hand *hand, const flx_frame *frame) {
    uint8_t payload[FLX_HELLO_ACK_N];
    uint32_t told = flx_u32(frame->payload + FLX_HELLO_INTERFACE_AT);
    hand->agreed = frame->version == FLX_VERSION && told == FLX_INTERFACE_HASH;
    if (hand->state != FLX_STATE_ESTOP) { /* a new host never inherits motion */
        hand->state = hand->agreed ? FLX_STATE_IDLE : FLX_STATE_BOOT;
    }
    payload[FLX_HELLO_ACK_VERSION_AT] = FLX_VERSION;
    payload[FLX_HELLO_ACK_DOF_N_AT] = FLX_DOF_N;
    flx_put16(payload + FLX_HELLO_ACK_MAX_TTL_MS_AT, FLX_TTL_MAX_MS);
    flx_put16(payload + FLX_HELLO_ACK_SEQ_AT, frame->seq);
    flx_put32(payload + FLX_HELLO_ACK_INTERFACE_AT, FLX_INTERFACE_HASH);
    send(hand, FLX_FRAME_HELLO_ACK, payload, sizeof payload);
}

static void answer(flx_hand *hand, const flx_frame *frame) {
    uint8_t payload[FLX_ACK_N];
    if (frame->type == FLX_FRAME_HELLO) {
        answer_hello(hand, frame);
        return;
    }
    if (frame->type == FLX_FRAME_SETPOINT) {
        accept_setpoint(hand, frame->payload);
        send_telem(hand);
        return;
    }
    if (frame->type == FLX_FRAME_HEARTBEAT) {
        send_telem(hand);
        return;
    }
    payload[FLX_ACK_TYPE_AT] = frame->type;
    flx_put16(payload + FLX_ACK_SEQ_AT, frame->seq);
    payload[FLX_ACK_CODE_AT] = hand->in.refuses ? FLX_ACK_WRONG_STATE : request(hand, frame->type);
    payload[FLX_ACK_STATE_AT] = hand->state;
    send(hand, FLX_FRAME_ACK, payload, sizeof payload);
}

void flx_hand_receive(flx_hand *hand, const uint8_t *data, size_t n, uint32_t now_ms) {
    flx_frame frame;
    flx_hand_advance(hand, now_ms);
    for (size_t i = 0; i < n; i++) {
        if (flx_rx_byte(&hand->rx, data[i], &frame)) {
            answer(hand, &frame);
        }
    }
}

#include "flexor_motion.h"

static bool moving(const flx_hand *hand) {
    return hand->state == FLX_STATE_ARMED || hand->state == FLX_STATE_HOLD;
}

uint16_t flx_torque_limit(const flx_hand *hand) {
    if (flx_protects(hand)) {
        return 0;
    }
    if (hand->still_ms == 0 && !hand->eased) {
        return FLX_TORQUE_FOLLOWING;
    }
    return hand->still_ms <= FLX_WEAK_MS ? FLX_TORQUE_STOPPED : FLX_TORQUE_WEAK;
}

void flx_emergency_stop(flx_hand *hand) {
    hand->state = FLX_STATE_ESTOP;
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
    hand->joints_n = FLX_DOF_N;
    if (crc_n != 2 && crc_n != 4) {
        return false;
    }
    for (int j = 0; j < FLX_DOF_N; j++) {
        if (!flx_joint_can_be(&joints[j])) {
            return false;
        }
        hand->position_udeg[j] = flx_bounded(0, joints[j].low_udeg, joints[j].high_udeg);
        hand->seen_udeg[j] = hand->position_udeg[j];
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

/* Whether the joint takes torque setpoints; all must, or none does. */
static bool takes_torque(const flx_hand *hand) {
    for (int j = 0; j < FLX_DOF_N; j++) {
        if (hand->joints[j].torque_ramp == 0) {
            return false;
        }
    }
    return true;
}

static void send_torque(flx_hand *hand) {
    uint8_t payload[FLX_TORQUE_N];
    for (int j = 0; j < FLX_DOF_N; j++) {
        flx_put16(payload + FLX_TORQUE_COUNTS_AT + 2 * j, (uint16_t)hand->torque[j]);
    }
    send(hand, FLX_FRAME_TORQUE, payload, sizeof payload);
}

static void send_telem(flx_hand *hand) {
    const flx_rx *rx = &hand->rx;
    uint32_t damaged = rx->crc_errors + rx->oversize + rx->garbage;
    uint8_t payload[FLX_TELEM_N];
    hand->telem_ms = hand->now_ms;
    if (takes_torque(hand)) {
        send_torque(hand);
    }
    payload[FLX_TELEM_STATE_AT] = (uint8_t)(hand->state | flx_flags(hand) << FLX_FLAG_SHIFT);
    payload[FLX_TELEM_ERR_COUNT_AT] = (uint8_t)(damaged < 0xFFU ? damaged : 0xFFU);
    flx_put16(payload + FLX_TELEM_LAST_SEQ_AT, rx->last_seq);
    flx_put16(payload + FLX_TELEM_AGE_MS_AT, hand->age_ms);
    for (int j = 0; j < FLX_DOF_N; j++) {
        flx_put16(payload + FLX_TELEM_COUNTS_AT + 2 * j, flx_to_counts(hand, j));
    }
    flx_put16(payload + FLX_TELEM_RX_OK_AT, (uint16_t)(rx->ok & 0xFFFFU));
    flx_put16(payload + FLX_TELEM_STALE_AT, (uint16_t)(rx->stale & 0xFFFFU));
    flx_put16(payload + FLX_TELEM_RANGE_ERR_AT, (uint16_t)(hand->range_err & 0xFFFFU));
    send(hand, FLX_FRAME_TELEM, payload, sizeof payload);
}

/* Age of the setpoint: HOLD, then FAILSAFE. Nothing but a setpoint turns it back. */
static void watch(flx_hand *hand) {
    if (moving(hand)) {
        hand->age_ms = (uint16_t)(hand->now_ms - hand->setpoint_ms);
        if (flx_protects(hand) || hand->age_ms > hand->ttl_ms) {
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

void flx_hand_advance(flx_hand *hand, uint32_t now_ms) {
    while ((int32_t)(now_ms - hand->now_ms) > 0) {
        hand->now_ms++;
        flx_sense(hand);
        watch(hand);
        for (int j = 0; j < FLX_DOF_N; j++) {
            flx_move(hand, j);
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
        ttl_ms > FLX_TTL_MAX_MS || (mode == FLX_MODE_TORQUE && !takes_torque(hand))) {
        return false;
    }
    for (int j = 0; j < FLX_DOF_N; j++) {
        int16_t count = (int16_t)flx_u16(setpoint + FLX_SETPOINT_COUNTS_AT + 2 * j);
        if (count < -FLX_FULL_SCALE || count > FLX_FULL_SCALE) {
            return false;
        }
    }
    return true;
}

static void accept_setpoint(flx_hand *hand, const uint8_t *setpoint) {
    if (!in_range(hand, setpoint)) {
        hand->range_err++;
    } else if (moving(hand) && !flx_protects(hand)) {
        hand->state = FLX_STATE_ARMED;
        hand->setpoint_ms = hand->now_ms;
        hand->age_ms = 0;
        hand->mode = setpoint[FLX_SETPOINT_MODE_AT];
        hand->eased = (setpoint[FLX_SETPOINT_FLAGS_AT] & FLX_SETPOINT_FLAG_EASE) != 0;
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
    hand->eased = false;
    for (int j = 0; j < FLX_DOF_N; j++) {
        hand->counts[j] = 0; /* what was asked for earlier is forgotten */
    }
}

static uint8_t clear(flx_hand *hand) {
    bool lasts = hand->in.over_current || hand->in.brown_out || hand->hot || flx_any_over(hand);
    if (moving(hand) || lasts) {
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
    if (type == FLX_FRAME_ARM && (flx_protects(hand) || hand->in.pressed)) {
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
    payload[FLX_HELLO_ACK_DOF_N_AT] = hand->joints_n;
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

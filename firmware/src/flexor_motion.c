#include "flexor_motion.h"

#define MAX_UDEG 1000000000
#define MAX_MDEG_S 1000000
/* Microdegrees from the goal per mdeg/s towards it: a position loop of 20 Hz. */
#define GAIN_UDEG 50

int32_t flx_bounded(int32_t value, int32_t low, int32_t high) {
    return value < low ? low : value > high ? high : value;
}

bool flx_protects(const flx_hand *hand) {
    return hand->in.over_current || hand->tripped || hand->hot || hand->in.brown_out;
}

/* In every state, because a wearer must get free of the hand. */
bool flx_releasing(const flx_hand *hand) {
    return hand->pressed_ms >= FLX_PRESS_MS && !flx_protects(hand);
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
    if (hand->in.low_battery) {
        flags |= FLX_FLAG_LOW_BATTERY;
    }
    if (hand->in.brown_out) {
        flags |= FLX_FLAG_BROWN_OUT;
    }
    return (uint8_t)flags;
}

/* Whether no sum or product below can leave 32 bits. */
bool flx_joint_can_be(const flx_joint *joint) {
    return joint->low_udeg >= -MAX_UDEG && joint->high_udeg <= MAX_UDEG &&
           joint->low_udeg < joint->high_udeg && joint->udeg_per_count > 0 &&
           joint->udeg_per_count <= MAX_UDEG / FLX_FULL_SCALE &&
           joint->high_udeg / joint->udeg_per_count < INT16_MAX &&
           joint->low_udeg / joint->udeg_per_count > -INT16_MAX && joint->velocity_mdeg_s > 0 &&
           joint->velocity_mdeg_s <= MAX_MDEG_S && joint->change_mdeg_s > 0 &&
           joint->change_mdeg_s <= MAX_MDEG_S && joint->release_mdeg_s >= 0 &&
           joint->release_mdeg_s <= joint->velocity_mdeg_s && joint->torque_ramp >= 0;
}

/* Whole counts, halves away from zero. */
uint16_t flx_to_counts(const flx_hand *hand, int j) {
    int32_t per_count = hand->joints[j].udeg_per_count, half = per_count / 2;
    int32_t udeg = hand->position_udeg[j];
    if (hand->in.measures >> j & 1) {
        udeg = flx_bounded(hand->in.measured_udeg[j], -2 * MAX_UDEG, 2 * MAX_UDEG);
    }
    int32_t counts = (udeg >= 0 ? udeg + half : udeg - half) / per_count;
    return (uint16_t)flx_bounded(counts, -INT16_MAX, INT16_MAX);
}

bool flx_any_over(const flx_hand *hand) {
    for (int j = 0; j < FLX_DOF_N; j++) {
        if (hand->over_ms[j] > 0) {
            return true;
        }
    }
    return false;
}

/* Where the joint stands, no further outside its range than matters: no sum leaves 32 bits. */
static int32_t seen(const flx_hand *hand, int j) {
    const flx_joint *joint = &hand->joints[j];
    int32_t at = hand->in.measures >> j & 1 ? hand->in.measured_udeg[j] : hand->position_udeg[j];
    return flx_bounded(at, joint->low_udeg - FLX_SOFT_UDEG, joint->high_udeg + FLX_SOFT_UDEG);
}

static void measure_speeds(flx_hand *hand) {
    for (int j = 0; j < FLX_DOF_N; j++) {
        int32_t at = seen(hand, j), moved = at - hand->seen_udeg[j];
        int32_t most = hand->joints[j].velocity_mdeg_s * FLX_SPEED_MS;
        hand->fast[j] = (int8_t)((moved > most) - (moved < -most));
        hand->seen_udeg[j] = at;
    }
}

/* Currents, temperatures and the button, every ms; speeds, every FLX_SPEED_MS. */
void flx_sense(flx_hand *hand) {
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
    if (hand->now_ms % FLX_SPEED_MS == 0) {
        measure_speeds(hand);
    }
    if (!hand->in.pressed) {
        hand->pressed_ms = 0;
        return;
    }
    if (hand->pressed_ms == 0 && !flx_any_over(hand)) {
        hand->tripped = false;
    }
    if (hand->pressed_ms < FLX_PRESS_MS) {
        hand->pressed_ms++;
    }
}

/* Velocity that the joint is asked for, mdeg/s. */
static int32_t goal(const flx_hand *hand, int j) {
    const flx_joint *joint = &hand->joints[j];
    int32_t at = hand->position_udeg[j], limit = joint->velocity_mdeg_s;
    if (flx_releasing(hand)) {
        int32_t open = flx_bounded(0, joint->low_udeg, joint->high_udeg);
        return flx_bounded((open - at) / GAIN_UDEG, -joint->release_mdeg_s, joint->release_mdeg_s);
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
    return flx_bounded((wanted - at) / GAIN_UDEG, -limit, limit);
}

/* Whether the motors lose their drive at once, torque too: everything else lets it go slowly. */
static bool severed(const flx_hand *hand) {
    return flx_protects(hand) || (hand->state == FLX_STATE_ESTOP && !flx_releasing(hand));
}

/* The torque without what pushes past an end of the range or makes the joint too fast. */
static int32_t spared(const flx_hand *hand, int j, int32_t torque) {
    const flx_joint *joint = &hand->joints[j];
    int32_t at = seen(hand, j), most = 0;
    int32_t room = torque > 0 ? joint->high_udeg - at : at - joint->low_udeg;
    if (room > 0 && hand->fast[j] * torque <= 0) {
        most = flx_bounded(room / (FLX_SOFT_UDEG / FLX_FULL_SCALE), 0, FLX_FULL_SCALE);
    }
    return flx_bounded(torque, -most, most);
}

void flx_move(flx_hand *hand, int j) {
    const flx_joint *joint = &hand->joints[j];
    if (severed(hand)) {
        hand->torque[j] = hand->velocity_mdeg_s[j] = 0;
        return;
    }
    bool given = hand->state == FLX_STATE_ARMED && hand->mode == FLX_MODE_TORQUE;
    int32_t wanted = given ? hand->counts[j] : 0;
    int32_t velocity = hand->velocity_mdeg_s[j];
    int32_t change = flx_bounded(wanted - hand->torque[j], -joint->torque_ramp, joint->torque_ramp);
    hand->torque[j] = spared(hand, j, hand->torque[j] + change);
    velocity += flx_bounded(goal(hand, j) - velocity, -joint->change_mdeg_s, joint->change_mdeg_s);
    if (hand->in.stalled >> j & 1) {
        hand->velocity_mdeg_s[j] = 0;
        return;
    }
    int32_t after = flx_bounded(hand->position_udeg[j] + velocity, joint->low_udeg, joint->high_udeg);
    bool at_end = after == joint->low_udeg || after == joint->high_udeg;
    hand->position_udeg[j] = after;
    hand->velocity_mdeg_s[j] = at_end ? 0 : velocity;
}

/* What the hand measures and how its joints move: the parts of flexor_hand that no host sees. */
#ifndef FLEXOR_MOTION_H
#define FLEXOR_MOTION_H

#include "flexor_hand.h"

#ifdef __cplusplus
extern "C" {
#endif

int32_t flx_bounded(int32_t value, int32_t low, int32_t high);

/* Whether a joint's numbers are right: then no sum or product here leaves 32 bits. */
bool flx_joint_can_be(const flx_joint *joint);

/* Whether the motors have to be left alone. */
bool flx_protects(const flx_hand *hand);

/* Whether a motor's current is over its limit just now. */
bool flx_any_over(const flx_hand *hand);

/* Currents, temperatures and the button; once per millisecond. */
void flx_sense(flx_hand *hand);

/* One millisecond of one joint: torque, velocity and position within their limits. */
void flx_move(flx_hand *hand, int joint);

/* The joint's position in whole counts, halves away from zero, as telemetry carries it. */
uint16_t flx_to_counts(const flx_hand *hand, int joint);

#ifdef __cplusplus
}
#endif

#endif
